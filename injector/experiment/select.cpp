// SPDX-License-Identifier: Apache-2.0
#include "injector/experiment/select.h"

#include <algorithm>

#include "injector/topology/roles.h"

namespace blackstart {
namespace {

using Labels = std::map<std::string, std::string>;

bool holds_all(const Labels& there, const Labels& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& label) {
    const auto found = there.find(label.first);
    return found != there.end() && found->second == label.second;
  });
}

bool about_places(const Selector& selector) {
  return !selector.host.empty() || !selector.site.empty() || !selector.group.empty();
}

bool place_fits(const Selector& selector, const Host& host, const Topology& topology) {
  if (!selector.host.empty() && selector.host != host.name) return false;
  if (!selector.site.empty() && selector.site != host.site) return false;
  if (selector.group.empty()) return true;
  const auto site = topology.sites.find(host.site);
  return site != topology.sites.end() && site->second.group == selector.group;
}

bool service_fits(const Selector& selector, const Service& service) {
  return (selector.service.empty() || selector.service == service.name) &&
         (selector.role.empty() || role_fits(selector.role, service.role)) &&
         (!selector.tier || *selector.tier == service.tier);
}

}  // namespace

bool about_services(const Selector& selector) {
  return !selector.service.empty() || !selector.role.empty() || selector.tier.has_value();
}

std::string protected_name(const Protected& entry) {
  if (entry.prefix) return entry.prefix->text();
  return entry.port ? std::to_string(*entry.port) : entry.service;
}

contract::ProcessMatch to_wire(const ProcessMatch& match) {
  contract::ProcessMatch out;
  out.set_exe(match.exe);
  out.set_comm(match.comm);
  out.set_cmdline(match.cmdline);
  out.set_unit(match.unit);
  out.set_cgroup(match.cgroup);
  out.set_user(match.user);
  return out;
}

std::vector<InstanceMatch> matching_instances(const Selector& selector, const Topology& topology) {
  std::vector<InstanceMatch> found;
  if (selector.empty()) return found;
  for (const auto& [name, service] : topology.services) {
    if (!service_fits(selector, service)) continue;
    const bool labels_fit = holds_all(service.labels, selector.labels);
    for (const Instance& instance : service.instances) {
      const auto host = topology.hosts.find(instance.host);
      if (host != topology.hosts.end() && place_fits(selector, host->second, topology) &&
          (labels_fit || holds_all(host->second.labels, selector.labels)))
        found.push_back({&service, &instance});
    }
  }
  return found;
}

std::vector<const Host*> hosts_of_service(const Service& service, const Topology& topology) {
  std::vector<const Host*> found;
  const auto add = [&](const Host& host) {
    if (std::find(found.begin(), found.end(), &host) == found.end()) found.push_back(&host);
  };
  for (const Instance& instance : service.instances)
    if (const auto host = topology.hosts.find(instance.host); host != topology.hosts.end()) add(host->second);
  for (const Endpoint& endpoint : service.endpoints)
    for (const Address& address : topology.resolve(endpoint.name))
      for (const auto& [name, host] : topology.hosts)
        if (std::find(host.addresses.begin(), host.addresses.end(), address) != host.addresses.end())
          add(host);
  return found;
}

std::vector<const Host*> matching_hosts(const Selector& selector, const Topology& topology) {
  std::vector<const Host*> found;
  if (selector.empty()) return found;
  if (!about_services(selector)) {
    for (const auto& [name, host] : topology.hosts)
      if (place_fits(selector, host, topology) && holds_all(host.labels, selector.labels))
        found.push_back(&host);
    return found;
  }
  for (const auto& [name, service] : topology.services) {
    if (!service_fits(selector, service)) continue;
    for (const Host* host : hosts_of_service(service, topology))
      if (place_fits(selector, *host, topology) &&
          (holds_all(host->labels, selector.labels) || holds_all(service.labels, selector.labels)))
        found.push_back(host);
  }
  std::sort(found.begin(), found.end(), [](const Host* a, const Host* b) { return a->name < b->name; });
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::vector<const Service*> matching_services(const Selector& selector, const Topology& topology) {
  std::vector<const Service*> found;
  if (selector.empty()) return found;
  for (const auto& [name, service] : topology.services) {
    if (!service_fits(selector, service)) continue;
    const bool labels_fit = holds_all(service.labels, selector.labels);
    if (labels_fit && !about_places(selector)) {
      found.push_back(&service);
      continue;
    }
    for (const Host* host : hosts_of_service(service, topology)) {
      if (!place_fits(selector, *host, topology) || !(labels_fit || holds_all(host->labels, selector.labels)))
        continue;
      found.push_back(&service);
      break;
    }
  }
  return found;
}

std::vector<const Site*> sites_of_side(const std::string& name, const Topology& topology) {
  if (const auto site = topology.sites.find(name); site != topology.sites.end()) return {&site->second};
  std::vector<const Site*> found;
  for (const auto& [site_name, site] : topology.sites)
    if (!name.empty() && site.group == name) found.push_back(&site);
  return found;
}

}  // namespace blackstart
