// SPDX-License-Identifier: Apache-2.0
#include "agents/daemon/families.h"

#include "agents/faults/cold_start/cold_starts.h"
#include "agents/faults/process/process_family.h"
#include "agents/faults/process/process_residue.h"
#include "agents/faults/traffic/traffic_fault.h"

namespace blackstart {

Result<std::vector<std::unique_ptr<FaultFamily>>> make_families(StepLog& log, const FamilyOptions& options) {
  std::vector<std::unique_ptr<FaultFamily>> families;
  auto traffic = TrafficFault::make({.steps = &log});
  if (!traffic) return tl::unexpected(traffic.error());
  families.push_back(std::move(*traffic));
  auto processes = ProcessFamily::make({.steps = &log,
                                        .scope = ProcessScope::of_agent(options.lab),
                                        .keeper = options.keeper,
                                        .commands = options.commands});
  if (!processes) return tl::unexpected(processes.error());
  families.push_back(std::move(*processes));
  auto cold_starts = ColdStarts::make(options.keeper);
  if (!cold_starts) return tl::unexpected(cold_starts.error());
  families.push_back(std::move(*cold_starts));
  return families;
}

ReapParts reap_parts(bool lab) {
  return {.take_back =
              [](const contract::Step& step) {
                return step.has_clsact_qdisc() || step.has_clsact_filter() ? take_back(step)
                                                                           : take_back_process(step);
              },
          .sweep = [lab]() -> Result<int> {
            const auto filters = sweep();
            const auto cgroups = sweep_processes(ProcessScope::of_agent(lab));
            if (!filters) return filters;
            if (!cgroups) return cgroups;
            return *filters + *cgroups;
          }};
}

FeatureReport family_features() {
  FeatureReport all = probe_features();
  for (Feature& feature : probe_process_features()) all.push_back(std::move(feature));
  return all;
}

}  // namespace blackstart
