// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/traffic/traffic_fault.h"
#include "agents/kernel/tc_filter.h"

namespace blackstart {
namespace {

constexpr const char* kOurs = "blackstart";

}  // namespace

Result<int> sweep(const TrafficOptions& options) {
  return sweep_clsact(kOurs, options.state_dir);
}

FeatureReport probe_features() {
  return {probe_tcx(), probe_clsact(), probe_nft_netdev()};
}

}  // namespace blackstart
