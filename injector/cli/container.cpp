// SPDX-License-Identifier: Apache-2.0
#include "injector/cli/container.h"

#include <charconv>

#include "injector/cli/capture.h"
#include "injector/lab/launch.h"

namespace blackstart::cli {

Result<int> container_pid(const std::string& container) {
  for (const char* engine : {"docker", "podman"}) {
    const char* search_path = ::getenv("PATH");
    const std::string program = lab::find_program(engine, search_path ? search_path : lab::kServicePath);
    if (program.empty()) continue;
    const auto said = capture({program, "inspect", "--format", "{{.State.Pid}}", "--", container});
    int pid = 0;
    if (said) std::from_chars(said->data(), said->data() + said->size(), pid);
    if (pid > 0) return pid;
    return fail(ErrorKind::kInvalid, "find the running container", container, 0,
                std::string(engine) + " inspect " + container + " says more");
  }
  return fail(ErrorKind::kMissing, "ask docker or podman for container", container, 0,
              "neither is installed (docker.io, podman); or say pid: or netns: instead of container:");
}

}  // namespace blackstart::cli
