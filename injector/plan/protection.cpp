// SPDX-License-Identifier: Apache-2.0
#include "injector/plan/protection.h"

#include <algorithm>
#include <set>

#include "agents/contract/wire.h"
#include "injector/experiment/select.h"
#include "injector/plan/prefixes.h"
#include "injector/plan/processes.h"

namespace blackstart {
namespace {

bool names_ssh(const Topology& topology) {
  for (const Protected& entry : topology.protect)
    if (entry.port == kSshPort) return true;
  return false;
}

std::string port_text(uint16_t port) {
  return "port " + std::to_string(port) + ", TCP and UDP, local or remote";
}

// The topology's own, and port 22.
std::vector<Protected> everything_protected(const Topology& topology) {
  std::vector<Protected> all = topology.protect;
  if (!names_ssh(topology)) all.push_back({.port = kSshPort, .why = "people must be able to log in"});
  return all;
}

bool unprotected(const Experiment& experiment, const std::string& name) {
  return std::find(experiment.unprotect.begin(), experiment.unprotect.end(), name) !=
         experiment.unprotect.end();
}

std::string how_to_unprotect(const std::string& name, bool ad_hoc) {
  if (ad_hoc) return "--unprotect " + name;
  return "`unprotect: [" + (name.find(':') == std::string::npos ? name : '"' + name + '"') + "]`";
}

bool stands_in(const Topology& topology, const std::string& host, const Protected& entry) {
  const auto& addresses = topology.hosts.at(host).addresses;
  return entry.prefix && std::any_of(addresses.begin(), addresses.end(),
                                     [&](const Address& address) { return entry.prefix->contains(address); });
}

bool protects(const Protected& entry, const Victim& victim) {
  if (entry.port) return victim.port == entry.port || victim.target.match().port() == *entry.port;
  return !entry.service.empty() && entry.service == victim.service;
}

}  // namespace

std::vector<contract::ProcessTarget> protected_processes(const Topology& topology,
                                                         const Experiment& experiment,
                                                         const std::string& host) {
  std::vector<contract::ProcessTarget> list;
  for (const Protected& entry : everything_protected(topology)) {
    if (unprotected(experiment, protected_name(entry))) continue;
    if (entry.port) list.emplace_back().mutable_match()->set_port(*entry.port);
    const auto service = topology.services.find(entry.service);
    if (service == topology.services.end()) continue;
    for (const Instance& instance : service->second.instances)
      if (instance.host == host)
        if (auto target = target_of(topology, service->second, instance)) list.push_back(std::move(*target));
  }
  return list;
}

std::vector<ProtectedVictim> protected_victims(const Topology& topology,
                                               const std::vector<ResolvedFault>& faults) {
  std::vector<ProtectedVictim> list;
  const std::vector<Protected> all = everything_protected(topology);
  for (const ResolvedFault& fault : faults) {
    if (!fault.act) continue;
    for (const Protected& entry : all) {
      const std::string name = protected_name(entry);
      for (const std::string& host : fault.targets)
        if (stands_in(topology, host, entry))
          list.push_back({&fault, nullptr, host, name, entry.why, entry.at});
      for (const Victim& victim : fault.victims)
        if (protects(entry, victim))
          list.push_back({&fault, &victim, victim.host, name, entry.why, entry.at});
    }
  }
  return list;
}

Problems check_protection(const Topology& topology, const Experiment& experiment,
                          const std::vector<ResolvedFault>& faults, bool ad_hoc) {
  Problems problems;
  for (const ProtectedVictim& each : protected_victims(topology, faults)) {
    if (unprotected(experiment, each.name)) continue;
    const std::string what = !each.victim                   ? each.host
                             : each.victim->service.empty() ? "port " + each.name + " on " + each.host
                                                            : each.victim->service + " on " + each.host;
    problems.push_back({Problem::Kind::kRefused, each.fault->spec->where,
                        each.fault->spec->kind + " would hit " + what + ", which " +
                            (each.at.line ? each.at.text() + " protects" : "every plan protects") +
                            (each.why.empty() ? "" : " (" + each.why + ")"),
                        "if this drill is about it, say " + how_to_unprotect(each.name, ad_hoc)});
  }
  return problems;
}

contract::Protection protection(const Topology& topology) {
  std::vector<Prefix> prefixes = link_scope();
  std::set<uint16_t> ports{kSshPort};
  for (const Protected& entry : topology.protect) {
    if (entry.prefix) prefixes.push_back(*entry.prefix);
    if (entry.port) ports.insert(*entry.port);
  }
  contract::Protection out;
  for (const Prefix& prefix : tidy(prefixes)) to_wire(prefix, out.add_peers());
  for (const uint16_t port : ports) out.add_ports()->set_port(port);
  return out;
}

std::vector<Untouched> untouched(const Topology& topology, const Experiment& experiment) {
  std::vector<Untouched> list;
  list.push_back({"loopback", "traffic of a host with itself never leaves it", {}});
  list.push_back({"ARP and neighbour discovery", "hosts must find their own link", {}});
  std::string scope;
  for (const Prefix& prefix : link_scope()) scope += " " + prefix.text();
  list.push_back({"link-scope traffic", "never leaves a link:" + scope, {}});
  list.push_back({"the agents' control path", "whoever watches must be able to stop it", {}});
  if (!names_ssh(topology)) list.push_back({port_text(kSshPort), "people must be able to log in", {}});
  if (!topology.lab && !topology.attached())
    list.push_back({"what a host's own agent.yaml protects",
                    "its agent adds that to every order, and refuses what it does not accept",
                    {}});
  for (const Protected& entry : topology.protect) {
    const std::string what = entry.prefix ? entry.prefix->text()
                             : entry.port ? port_text(*entry.port)
                                          : "processes of " + entry.service;
    if (entry.service.empty() || !unprotected(experiment, entry.service))
      list.push_back({what, entry.why, entry.at});
  }
  for (const auto& [name, site] : topology.sites)
    if (site.outside)
      list.push_back({"hosts of site " + name, "marked `outside`: watched, never a target", site.outside_at});
  for (size_t i = 0; i < experiment.faults.size(); ++i)
    for (const std::string& name : experiment.faults[i].except)
      list.push_back({name, "excepted from f" + std::to_string(i + 1), experiment.faults[i].where});
  return list;
}

}  // namespace blackstart
