// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "agents/faults/traffic/traffic_fault.h"
#include "agents/kernel/bpf_program.h"
#include "agents/kernel/nft_table.h"
#include "agents/kernel/tc_filter.h"
#include "agents/kernel/tcx_link.h"

namespace blackstart {
namespace {

constexpr const char* kOurs = "blackstart";

bool ours(const std::string& name) {
  return name.rfind(kOurs, 0) == 0;
}

}  // namespace

std::vector<std::string> traffic_residue() {
  std::vector<std::string> out;
  const auto present = interfaces();
  if (!present) return {present.error().message()};
  for (const Interface& interface : *present) {
    for (const Hook hook : kHooks) {
      const std::string where = std::string(" at ") + name(hook) + " of " + interface.name;
      for (const uint32_t id : tcx_programs(interface.index, hook))
        if (const std::string program = program_name(id); ours(program))
          out.push_back("TCX program " + program + where);
      const auto filters = tc_filters(interface.index, hook);
      if (!filters) {
        out.push_back(filters.error().message());
        continue;
      }
      for (const FoundFilter& filter : *filters)
        if (ours(filter.name)) out.push_back("filter " + filter.name + where);
    }
  }
  const auto tables = nft_tables();
  if (!tables) {
    out.push_back(tables.error().message());
    return out;
  }
  for (const std::string& table : *tables)
    if (ours(table)) out.push_back("nftables table " + table);
  return out;
}

Result<bool> take_back(const contract::Step& step) {
  const auto present = interfaces();
  if (!present) return tl::unexpected(present.error());
  const auto find = [&](const auto& recorded) {
    return std::find_if(present->begin(), present->end(), [&](const Interface& one) {
      return one.index == recorded.index() && one.name == recorded.interface();
    });
  };
  switch (step.what_case()) {
    case contract::Step::kClsactQdisc: {
      const auto interface = find(step.clsact_qdisc());
      return interface == present->end() ? Result<bool>(false) : remove_unused_clsact(*interface);
    }
    case contract::Step::kClsactFilter: {
      const auto interface = find(step.clsact_filter());
      if (interface == present->end() || !ours(step.clsact_filter().program())) return false;
      const auto removed = remove_tc_filters(step.clsact_filter().program() + ":", interface->index);
      if (!removed) return tl::unexpected(removed.error());
      return *removed > 0;
    }
    case contract::Step::WHAT_NOT_SET:
      break;
  }
  return false;
}

Result<int> sweep() {
  return remove_tc_filters(kOurs);
}

FeatureReport probe_features() {
  return {probe_tcx(), probe_clsact(), probe_nft_netdev()};
}

}  // namespace blackstart
