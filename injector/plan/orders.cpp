// SPDX-License-Identifier: Apache-2.0
#include "injector/plan/orders.h"

#include <algorithm>
#include <csignal>
#include <set>

#include "agents/contract/wire.h"
#include "injector/plan/protection.h"

namespace blackstart {
namespace {

contract::Direction direction_at(SiteDirection direction, bool inner) {
  if (direction == SiteDirection::kBoth) return contract::DIRECTION_BOTH;
  return (direction == SiteDirection::kIn) == inner ? contract::DIRECTION_INGRESS
                                                    : contract::DIRECTION_EGRESS;
}

contract::PacketRule rule(const Separation& separation, bool inner) {
  const Side& peers = inner ? separation.outer : separation.inner;
  contract::PacketRule out;
  out.set_direction(direction_at(separation.direction, inner));
  for (const Prefix& prefix : peers.prefixes) to_wire(prefix, out.add_peers());
  for (const Prefix& prefix : peers.except) to_wire(prefix, out.add_except());
  if (separation.port) {
    contract::PortMatch* match = out.add_ports();
    match->set_port(*separation.port);
    match->set_side(inner ? contract::SIDE_LOCAL : contract::SIDE_PEER);
  }
  return out;
}

contract::Fault& fault_in(contract::Order& order, const ResolvedFault& fault) {
  if (order.faults_size() > 0 && order.faults(order.faults_size() - 1).id() == fault.id)
    return *order.mutable_faults(order.faults_size() - 1);
  contract::Fault& added = *order.add_faults();
  added.set_id(fault.id);
  added.set_kind(fault.spec->kind);
  added.set_start_ns(fault.spec->at.count());
  added.set_manner(fault.spec->manner);
  added.set_end_ns((fault.spec->at + fault.spec->duration).count());
  for (const std::string& service : fault.services) added.add_services(service);
  return added;
}

// A host is told of its own instances alone.
void add_process_faults(const ResolvedFault& fault, std::map<std::string, contract::Order>& orders) {
  if (!fault.act) return;
  for (const std::string& host : fault.targets) {
    contract::Fault& out = fault_in(orders.at(host), fault);
    contract::ProcessFault& process = *out.mutable_process();
    process.set_act(*fault.act);
    process.set_hold_down(fault.spec->hold_down);
    if (fault.spec->signal != SIGKILL) process.set_signal(static_cast<uint32_t>(fault.spec->signal));
    std::set<std::string> services;
    for (const Victim& victim : fault.victims) {
      if (victim.host != host) continue;
      *process.add_targets() = victim.target;
      if (!victim.service.empty()) services.insert(victim.service);
    }
    if (fault.act == contract::ProcessFault::POWER_LOSS) continue;
    out.clear_services();
    for (const std::string& service : services) out.add_services(service);
  }
}

bool about_processes(const contract::Order& order) {
  return std::any_of(order.faults().begin(), order.faults().end(),
                     [](const contract::Fault& fault) { return fault.has_process(); });
}

Problems too_many_rules(const std::map<std::string, contract::Order>& orders, const Experiment& experiment) {
  for (const auto& [name, order] : orders) {
    int rules = 0;
    for (const contract::Fault& fault : order.faults()) rules += fault.rules_size();
    if (rules > kMaxRules)
      return {{Problem::Kind::kInvalid, Location{experiment.file, 0, 0},
               "host " + name + " would hold " + std::to_string(rules) +
                   " packet rules at once; the most is " + std::to_string(kMaxRules),
               "split the experiment, or drop object storage with fewer ports"}};
  }
  return {};
}

}  // namespace

tl::expected<std::map<std::string, contract::Order>, Problems> make_orders(
    const Topology& topology, const Experiment& experiment, const std::vector<ResolvedFault>& faults,
    const std::vector<PlanColdStart>& cold_starts, contract::Engine engine, contract::Attachment attachment) {
  contract::Order common;
  common.set_experiment(experiment.name);
  *common.mutable_protection() = protection(topology);
  common.set_lease_ns(experiment.lease.count());
  common.set_hold(experiment.on_conductor_loss == OnConductorLoss::kHold);
  common.set_engine(engine);
  common.set_attachment(attachment);
  for (const auto& [name, site] : topology.sites) {
    contract::Site* out = common.add_sites();
    out->set_name(name);
    for (const Prefix& prefix : site.prefixes) to_wire(prefix, out->add_prefixes());
  }

  std::map<std::string, contract::Order> orders;
  const auto add = [&](const std::string& name, const std::string& site) {
    contract::Order& order = orders[name] = common;
    order.set_host(name);
    order.set_site(site);
  };
  for (const auto& [name, host] : topology.hosts) add(name, host.site);
  if (topology.lab) add(kWan, "");

  for (const ResolvedFault& fault : faults) {
    for (const Separation& separation : fault.separations)
      for (const bool inner : {true, false})
        for (const std::string& name : (inner ? separation.inner : separation.outer).enforcers)
          *fault_in(orders.at(name), fault).add_rules() = rule(separation, inner);
    add_process_faults(fault, orders);
    add_leak_watches(topology, fault, orders);
  }
  for (auto& [name, order] : orders) {
    if (!about_processes(order)) continue;
    for (contract::ProcessTarget& target : protected_processes(topology, experiment, name))
      *order.mutable_protection()->add_processes() = std::move(target);
  }
  for (const PlanColdStart& start : cold_starts) {
    contract::ColdStart& out = *orders.at(start.host).add_cold_starts();
    out.set_id(start.id);
    out.set_service(start.service);
    out.set_start_ns(start.at.count());
    out.set_end_ns((start.at + start.within).count());
  }
  if (Problems problems = too_many_rules(orders, experiment); !problems.empty())
    return tl::unexpected(problems);
  return orders;
}

}  // namespace blackstart
