// SPDX-License-Identifier: Apache-2.0
#include "injector/cli/own_place.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "injector/conduct/conduct.h"

namespace blackstart::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kStartPatience = 5s;
constexpr auto kEndPatience = 1s;

Result<pid_t> start_prober(const std::string& socket) {
  std::error_code code;
  const std::string program =
      std::filesystem::read_symlink("/proc/self/exe", code).parent_path() / "blackstart-agent";
  const char* argv[] = {program.c_str(), "probe", "--socket", socket.c_str(), nullptr};
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  // A group of its own: Ctrl-C is for the conductor, which still asks while it takes things back.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  pid_t pid = 0;
  const int failed =
      posix_spawn(&pid, program.c_str(), &files, &attributes, const_cast<char**>(argv), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (failed != 0)
    return fail(ErrorKind::kMissing, "start", program, failed,
                "it is installed with blackstart; probes without `from` are asked by it");
  return pid;
}

}  // namespace

Result<std::unique_ptr<OwnPlace>> OwnPlace::make(Channel& agents, const std::string& folder) {
  const auto pid = start_prober(folder + "/" + kOwnPlace + ".sock");
  if (!pid) return tl::unexpected(pid.error());
  std::unique_ptr<OwnPlace> place(new OwnPlace(agents, folder, *pid));
  contract::Request hello;
  hello.mutable_hello();
  for (const auto deadline = std::chrono::steady_clock::now() + kStartPatience;;) {
    const auto reply = place->own_.call(kOwnPlace, hello, 500ms);
    if (reply) return place;
    if (std::chrono::steady_clock::now() > deadline) return tl::unexpected(reply.error());
    std::this_thread::sleep_for(10ms);
  }
}

OwnPlace::~OwnPlace() {
  kill(prober_, SIGTERM);
  for (const auto deadline = std::chrono::steady_clock::now() + kEndPatience;;) {
    if (waitpid(prober_, nullptr, WNOHANG) != 0) return;
    if (std::chrono::steady_clock::now() > deadline) kill(prober_, SIGKILL);
    std::this_thread::sleep_for(2ms);
  }
}

std::map<std::string, Result<contract::Reply>> OwnPlace::call_all(
    const std::map<std::string, contract::Request>& requests, std::chrono::milliseconds timeout) {
  auto of_agents = requests;
  std::map<std::string, contract::Request> own;
  if (const auto here = of_agents.find(kOwnPlace); here != of_agents.end())
    own.insert(of_agents.extract(here));
  auto replies = agents_.call_all(of_agents, timeout);
  if (!own.empty()) replies.merge(own_.call_all(own, timeout));
  return replies;
}

}  // namespace blackstart::cli
