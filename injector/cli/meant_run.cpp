// SPDX-License-Identifier: Apache-2.0
#include "injector/cli/meant_run.h"

#include <algorithm>

namespace blackstart::cli {

void declare_meant_run(po::options_description& options) {
  options.add_options()("run", po::value<std::string>()->default_value("")->value_name("RUN"),
                        "which run; left out: the only one under way");
}

Result<RunRecord> meant_run(const RunRegistry& registry, const Invocation& invocation,
                            const std::string& operation) {
  const std::string run = invocation.options["run"].as<std::string>();
  auto live = registry.live();
  if (!live) return tl::unexpected(live.error());
  std::erase_if(*live, [&](const RunRecord& record) {
    return (!run.empty() && record.run != run) || !RunRegistry::conductor_alive(record);
  });
  if (live->size() == 1) return live->front();
  if (live->size() > 1) {
    std::string names;
    for (const RunRecord& record : *live) names += (names.empty() ? "" : ", ") + record.run;
    return fail(ErrorKind::kInvalid, operation, "", 0,
                "several runs are under way, --run says which: " + names);
  }
  if (run.empty()) return fail(ErrorKind::kRefused, operation, "", 0, "no run is under way");
  const auto kept = registry.kept();
  if (std::find(kept.begin(), kept.end(), run) != kept.end())
    return fail(ErrorKind::kRefused, operation, "", 0, "run " + run + " is over: its record is closed");
  return fail(ErrorKind::kInvalid, operation, run, 0, "no such run; `blackstart status` lists them");
}

}  // namespace blackstart::cli
