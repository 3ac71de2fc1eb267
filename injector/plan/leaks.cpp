// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "agents/contract/wire.h"
#include "injector/plan/orders.h"
#include "injector/plan/prefixes.h"

namespace blackstart {
namespace {

using BySite = std::map<std::string, std::vector<Prefix>>;

// One way of travel through a separation.
struct Travel {
  const Separation& separation;
  const Side& from;
  const Side& to;
  bool to_inner;
};

struct Watch {
  std::string src_site, dst_site;
  std::vector<Prefix> sources, sources_except, destinations;
};

void add_watch(const ResolvedFault& fault, const Travel& travel, const Watch& watch, contract::Order& order) {
  if (watch.sources.empty()) return;
  contract::LeakWatch& out = *order.add_leaks();
  out.set_fault(fault.id);
  out.set_src_site(watch.src_site);
  out.set_dst_site(watch.dst_site);
  for (const Prefix& prefix : watch.sources) to_wire(prefix, out.add_sources());
  for (const Prefix& prefix : watch.sources_except) to_wire(prefix, out.add_sources_except());
  for (const Prefix& prefix : watch.destinations) to_wire(prefix, out.add_destinations());
  if (travel.separation.port) {
    contract::PortMatch* match = out.add_ports();
    match->set_port(*travel.separation.port);
    match->set_side(travel.to_inner ? contract::SIDE_LOCAL : contract::SIDE_PEER);
  }
  out.set_answered(fault.spec->manner != contract::MANNER_SILENT);
  out.set_start_ns(fault.spec->at.count());
  out.set_end_ns((fault.spec->at + fault.spec->duration).count());
}

// Addresses of the hosts that stand in the side.
BySite addresses_by_site(const Topology& topology, const std::set<std::string>& hosts, const Side& side) {
  BySite sites;
  for (const std::string& name : hosts) {
    const Host& host = topology.hosts.at(name);
    for (const Prefix& address : addresses_of(host))
      if (most_specific_is_in(side.prefixes, side.except, address)) sites[host.site].push_back(address);
  }
  for (auto& [site, list] : sites) list = merged(std::move(list));
  return sites;
}

// What a host that drops the fault's packets on arrival must never see behind the drop, by source.
std::vector<Watch> behind_own_drop(const Side& from) {
  std::vector<Watch> list;
  for (const auto& [site, sources] : from.by_site) {
    Watch watch{site, "", sources, {}, {}};
    std::vector<Prefix> except = from.except;
    for (const auto& [name, other] : from.by_site)
      if (name != site) append(except, other);
    // Only what lies inside the sources can take something away from them.
    for (const Prefix& prefix : tidy(except))
      if (covered(prefix, sources) && std::find(sources.begin(), sources.end(), prefix) == sources.end())
        watch.sources_except.push_back(prefix);
    list.push_back(std::move(watch));
  }
  return list;
}

void watch_travel(const Topology& topology, const ResolvedFault& fault, const Travel& travel,
                  std::map<std::string, contract::Order>& orders) {
  const std::vector<Watch> own = behind_own_drop(travel.from);
  const BySite silent = addresses_by_site(topology, travel.from.enforcers, travel.from);
  for (const std::string& name : travel.to.hosts) {
    contract::Order& order = orders.at(name);
    const std::string& site = topology.hosts.at(name).site;
    // The witness stands in front of what answers to packets that arrive: only a silent drop is before it.
    if (travel.to.enforcers.contains(name) && fault.spec->manner == contract::MANNER_SILENT) {
      for (Watch watch : own) {
        watch.dst_site = site;
        add_watch(fault, travel, watch, order);
      }
    } else {
      for (const auto& [from, sources] : silent)
        add_watch(fault, travel, {from, site, sources, {}, {}}, order);
    }
  }
  const auto wan = orders.find(kWan);
  if (!topology.lab || wan == orders.end()) return;
  // The router is behind the senders' drop only, and sees only what goes from site to site.
  for (const auto& [to, destinations] : addresses_by_site(topology, travel.to.hosts, travel.to))
    for (const auto& [from, sources] : silent)
      if (from != to) add_watch(fault, travel, {from, to, sources, {}, destinations}, wan->second);
}

}  // namespace

void add_leak_watches(const Topology& topology, const ResolvedFault& fault,
                      std::map<std::string, contract::Order>& orders) {
  for (const Separation& separation : fault.separations) {
    if (separation.direction != SiteDirection::kOut)
      watch_travel(topology, fault, {separation, separation.outer, separation.inner, true}, orders);
    if (separation.direction != SiteDirection::kIn)
      watch_travel(topology, fault, {separation, separation.inner, separation.outer, false}, orders);
  }
}

}  // namespace blackstart
