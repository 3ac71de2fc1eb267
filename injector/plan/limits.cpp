// SPDX-License-Identifier: Apache-2.0
#include "injector/plan/limits.h"

#include <algorithm>
#include <cmath>

#include "agents/contract/safety.h"

namespace blackstart {
namespace {

std::string percent(double share) {
  return std::to_string(static_cast<int>(std::lround(share * 100))) + "%";
}

// Sites all of whose hosts are cut, however they were selected, beside those that `named` counts already.
std::set<std::string> emptied_sites(const Topology& topology, const std::set<std::string>& cut,
                                    const std::set<std::string>& named) {
  std::set<std::string> emptied;
  for (const auto& [name, site] : topology.sites) {
    const auto hosts = topology.hosts_of_site(name);
    if (hosts.empty() || named.contains(name) || named.contains(site.group)) continue;
    if (std::all_of(hosts.begin(), hosts.end(), [&](const auto& host) { return cut.contains(host->name); }))
      emptied.insert(name);
  }
  return emptied;
}

}  // namespace

Problems check_limits(const Topology& topology, const Experiment& experiment,
                      const std::vector<ResolvedFault>& faults) {
  Problems problems;
  std::set<std::string> hosts, cut, sites;
  Duration end{0};
  Location host_at, site_at, end_at;
  const auto refuse = [&](const Location& at, std::string message, std::string hint) {
    problems.push_back({Problem::Kind::kRefused, at, std::move(message), std::move(hint)});
  };
  for (const ResolvedFault& fault : faults) {
    if (fault.spec->duration > kLongestFault)
      refuse(fault.spec->where,
             fault.id + " lasts " + format_duration(fault.spec->duration) +
                 "; no fault may last longer than 12h",
             "this limit cannot be raised");
    if (!fault.touches()) continue;
    if (!fault.limited_hosts.empty()) host_at = fault.spec->where;
    if (!fault.limited_sites.empty()) site_at = fault.spec->where;
    if (fault.spec->what == FaultKind::kSiteBlackhole || fault.spec->what == FaultKind::kPowerLoss)
      cut.insert(fault.targets.begin(), fault.targets.end());
    hosts.insert(fault.limited_hosts.begin(), fault.limited_hosts.end());
    sites.insert(fault.limited_sites.begin(), fault.limited_sites.end());
    if (const Duration own = fault.spec->at + fault.spec->duration; own > end) {
      end = own;
      end_at = fault.spec->where;
    }
  }
  sites.merge(emptied_sites(topology, cut, sites));
  if (site_at.line == 0) site_at = host_at;
  size_t whole = 0;
  for (const auto& [name, host] : topology.hosts) whole += !topology.sites.at(host.site).outside;
  const double share = whole == 0 ? 0 : static_cast<double>(hosts.size()) / static_cast<double>(whole);
  if (share > experiment.limits.hosts + 1e-9)
    refuse(host_at,
           std::to_string(hosts.size()) + " of " + std::to_string(whole) + " hosts are targets (" +
               percent(share) + "); the limit is " + percent(experiment.limits.hosts),
           "if that is meant, say `limits: {hosts: " + percent(std::ceil(share * 100) / 100) +
               "}` in the experiment");
  if (static_cast<int>(sites.size()) > experiment.limits.sites)
    refuse(site_at,
           std::to_string(sites.size()) + " sites or groups are cut; the limit is " +
               std::to_string(experiment.limits.sites),
           "if that is meant, say `limits: {sites: " + std::to_string(sites.size()) + "}` in the experiment");
  if (end > experiment.limits.duration)
    refuse(end_at,
           "the last fault ends " + format_duration(end) + " after T0; the limit is " +
               format_duration(experiment.limits.duration),
           "if that is meant, say `limits: {duration: " +
               std::to_string(static_cast<int64_t>(std::ceil(seconds(end)))) + "s}` in the experiment");
  return problems;
}

}  // namespace blackstart
