// SPDX-License-Identifier: Apache-2.0
#include "injector/plan/warnings.h"

#include <algorithm>

#include "injector/plan/protection.h"

namespace blackstart {
namespace {

// A fault this many times longer than the hypothesis takes to judge is longer than it need be.
constexpr int kGenerous = 6;

void about_time(const Experiment& experiment, const std::vector<ResolvedFault>& faults,
                std::vector<std::string>& out) {
  Duration needed{0}, first = Duration::max(), end{0};
  for (const Hypothesis& hypothesis : experiment.hypothesis)
    needed = std::max(needed, hypothesis.within + hypothesis.over);
  for (const ResolvedFault& fault : faults) {
    if (!fault.touches()) continue;
    first = std::min(first, fault.spec->at);
    end = std::max(end, fault.spec->at + fault.spec->duration);
  }
  if (experiment.hypothesis.empty()) {
    out.push_back("no hypothesis: nothing will be judged but the recovery");
    return;
  }
  if (first == Duration::max() || needed == Duration{0}) return;
  if (end < needed)
    out.push_back("the last fault ends " + format_duration(end) +
                  " after T0, before the hypothesis can be judged (" + format_duration(needed) + ")");
  if (end - first > kGenerous * needed)
    out.push_back("faults last " + format_duration(end - first) + "; the hypothesis is judged after " +
                  format_duration(needed) + ": a shorter fault would show the same");
}

void about_protection(const Topology& topology, const Experiment& experiment,
                      const std::vector<ResolvedFault>& faults, std::vector<std::string>& out) {
  const std::vector<ProtectedVictim> hit = protected_victims(topology, faults);
  for (const std::string& name : experiment.unprotect)
    if (std::none_of(hit.begin(), hit.end(), [&](const ProtectedVictim& each) { return each.name == name; }))
      out.push_back("unprotect: " + name +
                    " has no effect: no fault hits its processes, and its traffic passes all the same");
  if (experiment.control_path == ControlPath::kCut)
    out.push_back(
        "controlPath: cut has no effect: agents are spoken to without packets, and no fault kills them");
}

}  // namespace

std::vector<std::string> warnings(const Topology& topology, const Experiment& experiment,
                                  const std::vector<ResolvedFault>& faults) {
  std::vector<std::string> out;
  std::set<std::string> cut;
  for (const ResolvedFault& fault : faults) {
    if (fault.cuts()) cut.insert(fault.targets.begin(), fault.targets.end());
    for (const std::string& site : fault.limited_sites)
      if (topology.sites.contains(site) && topology.hosts_of_site(site).empty())
        out.push_back("site " + site + " has no host here: only the survivors enforce " + fault.id);
  }
  for (const ProbeSpec& probe : experiment.probes)
    if (cut.contains(probe.from))
      out.push_back("probe " + probe.probe.name() + " asks from " + probe.from +
                    ", which is in the cut: it shows what the cut hosts see, not what users see");
  about_time(experiment, faults, out);
  if (experiment.guards.empty())
    out.push_back("no guards: nothing but a person or the deadline ends this early");
  if (std::none_of(topology.sites.begin(), topology.sites.end(),
                   [](const auto& site) { return site.second.outside; }))
    out.push_back(
        "no site is marked `outside`: services are observed from the surviving sites, not from where users "
        "are");
  about_protection(topology, experiment, faults, out);
  return out;
}

std::vector<std::string> blind_spots(const Topology& topology) {
  std::vector<std::string> out{
      "overlays, tunnels and NAT show outer addresses: what they carry is cut or kept as a whole",
      "traffic inside a host, between its own addresses and containers behind it",
      "the agents' own metrics (port 9464): those of a cut host cannot be scraped from outside either",
      "needs nobody declared: a service is predicted from its `needs` alone"};
  std::string unresolved;
  for (const auto& [name, service] : topology.services)
    for (const Endpoint& endpoint : service.endpoints)
      if (topology.resolve(endpoint.name).empty())
        unresolved += (unresolved.empty() ? "" : ", ") + endpoint.name;
  out.push_back("names are followed only as the topology resolves them" +
                (unresolved.empty() ? std::string() : "; it does not resolve " + unresolved));
  return out;
}

}  // namespace blackstart
