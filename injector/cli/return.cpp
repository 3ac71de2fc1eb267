// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <set>

#include <nlohmann/json.hpp>

#include "injector/cli/drill.h"
#include "injector/cli/end_runs.h"
#include "injector/cli/meant_run.h"
#include "injector/record/said_returns.h"

namespace blackstart::cli {

void declare_return(po::options_description& options) {
  declare_meant_run(options);
  declare_state(options);
}

int run_return(const Invocation& invocation) {
  if (invocation.arguments.size() != 1)
    return usage_error("return", "expected what may come back: a host, a site, a role or a service");
  const SaidReturn said{invocation.arguments[0], who_asks(), unix_now()};
  const RunRegistry registry = registry_of(invocation);
  const auto record = meant_run(registry, invocation, "return " + said.what);
  if (!record) return report(record.error(), invocation.json);
  const auto meant = say_return(registry.returns_file(record->run), said);
  if (!meant) return report(meant.error(), invocation.json);
  if (invocation.json) {
    auto instances = nlohmann::json::array();
    for (const PlanReturn& each : *meant)
      instances.push_back({{"host", each.host}, {"service", each.service}, {"manual", each.manual}});
    std::cout << nlohmann::json{{"run", record->run},
                                {"what", said.what},
                                {"at", rfc3339(said.at)},
                                {"instances", std::move(instances)}}
                     .dump(2)
              << "\n";
    return kExitPass;
  }
  std::cout << record->run << ": may come back, when its stage's turn has come:\n";
  for (const PlanReturn& each : *meant)
    std::cout << "  " << each.service << " on " << each.host << (each.manual ? "" : " (nobody has to say so)")
              << "\n";
  return kExitPass;
}

}  // namespace blackstart::cli
