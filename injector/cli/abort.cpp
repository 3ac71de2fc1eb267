// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "injector/cli/command.h"
#include "injector/cli/end_runs.h"

namespace blackstart::cli {

void declare_abort(po::options_description&) {}

int run_abort(const Invocation& invocation) {
  RunRegistry registry;
  auto live = registry.live();
  if (!live) return report(live.error(), invocation.json);
  if (!invocation.arguments.empty()) {
    std::erase_if(*live, [&](const RunRecord& record) { return record.run != invocation.arguments[0]; });
    if (live->empty())
      return report(Error{ErrorKind::kInvalid, "abort", invocation.arguments[0], 0,
                          "no such run is under way; `blackstart status` lists them"},
                    invocation.json);
  }
  return end_and_tell(registry, *live, "aborted by " + who_asks() + " (pid " + std::to_string(getpid()) + ")",
                      invocation.json);
}

}  // namespace blackstart::cli
