// SPDX-License-Identifier: Apache-2.0
#include "injector/plan/cold_starts.h"

#include <algorithm>

#include "injector/plan/select.h"

namespace blackstart {
namespace {

tl::unexpected<Problem> wrong(const ColdStart& start, std::string message, std::string hint,
                              Problem::Kind kind = Problem::Kind::kInvalid) {
  return tl::unexpected(Problem{kind, start.where, std::move(message), std::move(hint)});
}

std::set<uint16_t> ports_of(const Service& service) {
  std::set<uint16_t> ports;
  for (const Instance& instance : service.instances)
    if (instance.port) ports.insert(*instance.port);
  return ports;
}

bool has_instance(const Service& service, const std::string& host) {
  return std::any_of(service.instances.begin(), service.instances.end(),
                     [&](const Instance& instance) { return instance.host == host; });
}

bool port_is_taken(const Topology& topology, const std::set<uint16_t>& ports, const std::string& host) {
  for (const auto& [name, service] : topology.services)
    for (const Instance& instance : service.instances)
      if (instance.host == host && instance.port && ports.contains(*instance.port)) return true;
  return false;
}

tl::expected<std::string, Problem> host_for(const Topology& topology, const ColdStart& start,
                                            const std::vector<ResolvedFault>& faults) {
  const auto service = topology.services.find(start.service);
  if (service == topology.services.end())
    return wrong(start, "there is no service " + start.service, "name one of the topology");
  const auto site = topology.sites.find(start.site);
  if (site == topology.sites.end())
    return wrong(start, "there is no site " + start.site, "name one of the topology");
  if (site->second.outside) return tl::unexpected(outside_is_no_target(site->second, start.site));
  if (!topology.lab)
    return wrong(start, "a cold start outside a lab is not available in this version",
                 "only a lab knows how a service is started", Problem::Kind::kMissing);
  if (!topology.lab->run.contains(start.service))
    return wrong(start, "the lab does not run " + start.service,
                 "say under lab.run how it is started, or start another service");

  std::string free, with_ports;
  for (const Host* host : topology.hosts_of_site(start.site)) {
    if (has_instance(service->second, host->name)) continue;
    if (port_is_taken(topology, ports_of(service->second), host->name)) {
      with_ports += (with_ports.empty() ? "" : ", ") + host->name;
      continue;
    }
    const bool spared = std::none_of(faults.begin(), faults.end(), [&](const ResolvedFault& fault) {
      return fault.targets.contains(host->name);
    });
    if (spared) return host->name;
    if (free.empty()) free = host->name;
  }
  if (!free.empty()) return free;
  if (!with_ports.empty())
    return wrong(start, "something else stands on the port of " + start.service + " on " + with_ports,
                 "add a host to site " + start.site + ", or start it in another site");
  return wrong(start, "every host of site " + start.site + " has an instance of " + start.service,
               "a cold start needs one without; add a host, or start it in another site");
}

}  // namespace

tl::expected<std::vector<PlanColdStart>, Problems> resolve_cold_starts(
    const Topology& topology, const Experiment& experiment, const std::vector<ResolvedFault>& faults) {
  std::vector<PlanColdStart> list;
  Problems problems;
  for (const ColdStart& start : experiment.cold_starts) {
    const auto host = host_for(topology, start, faults);
    if (!host) {
      problems.push_back(host.error());
      continue;
    }
    const bool taken = std::any_of(list.begin(), list.end(), [&](const PlanColdStart& other) {
      return other.host == *host && other.service == start.service;
    });
    if (taken)
      problems.push_back({Problem::Kind::kInvalid, start.where,
                          start.service + " would be started twice on " + *host,
                          "start it in another site, or once"});
    list.push_back(
        {"c" + std::to_string(list.size() + 1), start.service, *host, start.site, start.at, start.within});
  }
  if (!problems.empty()) return tl::unexpected(problems);
  return list;
}

}  // namespace blackstart
