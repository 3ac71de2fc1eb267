// SPDX-License-Identifier: Apache-2.0
#include "injector/lab/names.h"

#include <algorithm>
#include <vector>

namespace blackstart::lab {
namespace {

constexpr size_t kMostNameServers = 3;
constexpr uint16_t kDnsPort = 53;

std::string lines_for(const Topology& topology, const std::string& host, const std::string& names) {
  std::string text;
  const auto found = topology.hosts.find(host);
  if (found == topology.hosts.end()) return text;
  for (const Address& address : found->second.addresses) text += address.text() + " " + names + "\n";
  return text;
}

std::vector<const Host*> dns_hosts(const Topology& topology) {
  std::vector<const Host*> hosts;
  if (!topology.lab) return hosts;
  for (const auto& [name, service] : topology.services) {
    if (service.role != "dns" || !topology.lab->run.contains(name)) continue;
    for (const Instance& instance : service.instances) {
      const auto host = topology.hosts.find(instance.host);
      if (host != topology.hosts.end() && instance.port.value_or(kDnsPort) == kDnsPort &&
          !host->second.addresses.empty())
        hosts.push_back(&host->second);
    }
  }
  return hosts;
}

}  // namespace

std::string host_names(const Topology& topology) {
  std::string text;
  for (const auto& [name, host] : topology.hosts)
    text += lines_for(topology, name, name + " " + name + ".lab");
  return text;
}

std::string service_names(const Topology& topology) {
  std::string text;
  for (const auto& [name, service] : topology.services)
    for (const Instance& instance : service.instances)
      text += lines_for(topology, instance.host, name + ".lab");
  if (topology.lab)
    for (const auto& [name, hosts] : topology.lab->names)
      for (const std::string& host : hosts) text += lines_for(topology, host, name);
  return text;
}

bool runs_dns(const Topology& topology) {
  return !dns_hosts(topology).empty();
}

std::string hosts_file(const Topology& topology) {
  const std::string loopback = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n";
  return loopback + host_names(topology) + (runs_dns(topology) ? "" : service_names(topology));
}

std::string resolv_conf(const Topology& topology, const std::string& site) {
  std::vector<const Host*> servers = dns_hosts(topology);
  if (servers.empty()) return "# no name server in this lab: /etc/hosts has every name\n";
  std::stable_partition(servers.begin(), servers.end(), [&](const Host* host) { return host->site == site; });
  std::string text = "options timeout:1 attempts:1\n";
  for (size_t i = 0; i < std::min(servers.size(), kMostNameServers); ++i)
    text += "nameserver " + servers[i]->addresses.front().text() + "\n";
  return text;
}

}  // namespace blackstart::lab
