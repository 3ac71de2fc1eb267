// SPDX-License-Identifier: Apache-2.0
#include <linux/if_ether.h>

#include <algorithm>
#include <cstdio>

#include "agents/inventory/collector.h"
#include "agents/kernel/bpf_program.h"
#include "agents/kernel/digest.h"
#include "agents/kernel/hook.h"
#include "agents/kernel/interfaces.h"
#include "agents/kernel/net_objects.h"
#include "agents/kernel/nft_ruleset.h"
#include "agents/kernel/process_state.h"
#include "agents/kernel/tc_filter.h"
#include "agents/kernel/tcx_link.h"

namespace blackstart {
namespace {

Collector::Lister named_by(Result<> (*list)(const EachNetObject&), const Collector& collector,
                           const std::string& remove) {
  return [=, &collector](const Collector::Add& add) {
    return list([&](NetObject found) {
      const std::string command = collector.here(remove + found.object);
      add({.object = std::move(found.object), .detail = std::move(found.detail), .remove = command});
    });
  };
}

template <Result<> (*list)(bool, const EachNetObject&), bool v6>
Result<> of_family(const EachNetObject& each) {
  return list(v6, each);
}

Result<> list_interfaces(const Collector& collector, const Collector::Add& add) {
  const auto all = interfaces();
  if (!all) return tl::unexpected(all.error());
  for (const Interface& one : *all)
    add({.object = one.name,
         .detail = one.up ? "up" : "down",
         .ours = bears_our_name(one.name),
         .remove = collector.here("ip link del " + one.name)});
  return {};
}

// A clsact qdisc bears no name: it is ours when the journal says that we made it.
bool journalled(const Scope& scope, const std::string& object) {
  return std::any_of(scope.steps.begin(), scope.steps.end(), [&](const contract::Step& step) {
    return step.has_clsact_qdisc() && object == "dev " + step.clsact_qdisc().interface() + " clsact";
  });
}

Result<> list_qdiscs(const Collector& collector, const Collector::Add& add) {
  return each_qdisc([&](NetObject found) {
    add({.object = found.object,
         .detail = found.detail,
         .ours = journalled(collector.scope(), found.object),
         .remove = collector.here("tc qdisc del " + found.object)});
  });
}

// "dev eth0 ingress protocol all pref 1 handle 0xb1ac bpf"
std::string filter_text(const Interface& interface, Hook hook, const FoundFilter& filter) {
  char handle[16], protocol[16] = "all";
  std::snprintf(handle, sizeof handle, "0x%x", filter.handle);
  if (filter.protocol != ETH_P_ALL) std::snprintf(protocol, sizeof protocol, "0x%04x", filter.protocol);
  return "dev " + interface.name + " " + name(hook) + " protocol " + protocol + " pref " +
         std::to_string(filter.priority) + " handle " + handle + " " + filter.kind;
}

Result<> list_filters(const Collector& collector, const Collector::Add& add) {
  const auto all = interfaces();
  if (!all) return tl::unexpected(all.error());
  for (const Interface& interface : *all)
    for (const Hook hook : kHooks) {
      const auto filters = tc_filters(interface.index, hook);
      if (!filters) return tl::unexpected(filters.error());
      for (const FoundFilter& filter : *filters) {
        const std::string text = filter_text(interface, hook, filter);
        add({.object = text,
             .detail = filter.name,
             .ours = bears_our_name(filter.name),
             .remove = collector.here("tc filter del " + text),
             .holder = collector.program_holder(filter.program_id)});
      }
    }
  return {};
}

Result<> list_tcx(const Collector& collector, const Collector::Add& add) {
  const auto all = interfaces();
  if (!all) return tl::unexpected(all.error());
  for (const Interface& interface : *all)
    for (const Hook hook : kHooks)
      for (const TcxEntry& entry : tcx_entries(interface.index, hook)) {
        const std::string program = program_name(entry.program);
        add({.object =
                 "dev " + interface.name + " " + name(hook) + " program " + std::to_string(entry.program),
             .detail = program,
             .ours = bears_our_name(program),
             .remove = entry.link ? "bpftool link detach id " + std::to_string(entry.link) : "",
             .holder = collector.program_holder(entry.program)});
      }
  return {};
}

// A table that goes with its owner has one that lives; it is found by its first netlink port.
std::string owner_of(uint32_t port) {
  const auto pid = static_cast<pid_t>(port);
  return process_state(pid) ? process_text(pid) : "the owner of netlink port " + std::to_string(port);
}

std::string contents_of(const NftTableFound& table) {
  return std::to_string(table.chains) + " chains, " + std::to_string(table.rules) + " rules, " +
         std::to_string(table.sets) + " sets, digest " + digest_text(table.digest);
}

Result<> list_tables(const Collector& collector, const Collector::Add& add) {
  const bool digested = !collector.scope().only_named;
  const auto tables = nft_ruleset(digested ? NftContent::kDigest : NftContent::kNone);
  if (!tables) return tl::unexpected(tables.error());
  for (const NftTableFound& table : *tables) {
    const std::string object = table.family + " " + table.name;
    add({.object = object,
         .detail = digested ? contents_of(table) : "",
         .ours = bears_our_name(table.name),
         .remove = collector.here("nft delete table " + object),
         .holder = collector.scope().holders && table.owner ? owner_of(table.owner) : ""});
  }
  return {};
}

}  // namespace

void collect_network(Collector& collector) {
  using Add = Collector::Add;
  collector.list("interface", [&](const Add& add) { return list_interfaces(collector, add); });
  collector.list("qdisc", [&](const Add& add) { return list_qdiscs(collector, add); });
  collector.list("tc-filter", [&](const Add& add) { return list_filters(collector, add); });
  collector.list("tcx-program", [&](const Add& add) { return list_tcx(collector, add); });
  collector.list("nft-table", [&](const Add& add) { return list_tables(collector, add); });
  if (collector.scope().only_named) return;
  collector.list("address", named_by(each_address, collector, "ip address del "));
  collector.list("route", named_by(of_family<each_route, false>, collector, "ip route del "));
  collector.list("route6", named_by(of_family<each_route, true>, collector, "ip -6 route del "));
  collector.list("rule", named_by(of_family<each_rule, false>, collector, "ip rule del "));
  collector.list("rule6", named_by(of_family<each_rule, true>, collector, "ip -6 rule del "));
}

}  // namespace blackstart
