// SPDX-License-Identifier: Apache-2.0
#include "agents/daemon/families.h"

#include "agents/faults/cold_start/cold_starts.h"
#include "agents/faults/traffic/traffic_fault.h"

namespace blackstart {

Result<std::vector<std::unique_ptr<FaultFamily>>> make_families(StepLog& log, const std::string& keeper) {
  std::vector<std::unique_ptr<FaultFamily>> families;
  auto traffic = TrafficFault::make({.steps = &log});
  if (!traffic) return tl::unexpected(traffic.error());
  families.push_back(std::move(*traffic));
  auto cold_starts = ColdStarts::make(keeper);
  if (!cold_starts) return tl::unexpected(cold_starts.error());
  families.push_back(std::move(*cold_starts));
  return families;
}

ReapParts reap_parts() {
  return {.take_back = [](const contract::Step& step) { return take_back(step); },
          .sweep = [] { return sweep(); }};
}

}  // namespace blackstart
