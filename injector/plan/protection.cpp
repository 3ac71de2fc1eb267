// SPDX-License-Identifier: Apache-2.0
#include "injector/plan/protection.h"

#include <set>

#include "agents/contract/wire.h"
#include "injector/plan/prefixes.h"

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

}  // namespace

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
  for (const Protected& entry : topology.protect)
    list.push_back(
        {entry.prefix ? entry.prefix->text() : port_text(entry.port.value_or(0)), entry.why, entry.at});
  for (const auto& [name, site] : topology.sites)
    if (site.outside)
      list.push_back({"hosts of site " + name, "marked `outside`: watched, never a target", site.outside_at});
  for (size_t i = 0; i < experiment.faults.size(); ++i)
    for (const std::string& name : experiment.faults[i].except)
      list.push_back({name, "excepted from f" + std::to_string(i + 1), experiment.faults[i].where});
  return list;
}

}  // namespace blackstart
