// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string_view>

#include "agents/faults/traffic/traffic_fault.h"
#include "agents/kernel/tc_filter.h"

namespace blackstart {
namespace {

constexpr std::string_view kOurs = "blackstart";

bool ours(std::string_view name) {
  return name.starts_with(kOurs);
}

}  // namespace

// An index is given to another interface only after a reboot, but the name has to fit as well.
Result<bool> take_back(const contract::Step& step) {
  const auto all = interfaces();
  if (!all) return tl::unexpected(all.error());
  const auto there = [&](const std::string& name, int index) {
    return std::any_of(all->begin(), all->end(), [&](const Interface& interface) {
      return interface.index == index && interface.name == name;
    });
  };
  switch (step.what_case()) {
    case contract::Step::kClsactQdisc: {
      const auto& qdisc = step.clsact_qdisc();
      return there(qdisc.interface(), qdisc.index()) ? remove_unused_clsact(qdisc.index()) : false;
    }
    case contract::Step::kClsactFilter: {
      const auto& filter = step.clsact_filter();
      if (!there(filter.interface(), filter.index()) || !ours(filter.program())) return false;
      return remove_filters(filter.index(),
                            [&](std::string_view program) { return program == filter.program(); })
          .map([](int removed) { return removed > 0; });
    }
    default:
      break;
  }
  return fail(ErrorKind::kInvalid, "take back", "a step", 0, "this version does not know it");
}

Result<int> sweep() {
  const auto all = interfaces();
  if (!all) return tl::unexpected(all.error());
  int removed = 0;
  for (const Interface& interface : *all) {
    const auto some = remove_filters(interface.index, ours);
    if (!some) return some;
    removed += *some;
  }
  return removed;
}

FeatureReport probe_features() {
  return {probe_tcx(), probe_clsact(), probe_nft_netdev(), probe_nft_egress(), probe_nft_inet()};
}

}  // namespace blackstart
