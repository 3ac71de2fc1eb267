// SPDX-License-Identifier: Apache-2.0
#include "injector/topology/topology.h"

#include <algorithm>

#include "injector/topology/roles.h"

namespace blackstart {
namespace {

constexpr std::string_view kLabDomain = ".lab";

}  // namespace

const std::vector<std::string>& roles() {
  static const std::vector<std::string> all{"app",          "cache",          "database",    "object-storage",
                                            "queue",        "identity",       "dns",         "gateway",
                                            "ops/deploy",   "ops/monitoring", "ops/bastion", "ops/dns",
                                            "ops/registry", "ops/failover",   "ops/chat"};
  return all;
}

std::vector<std::string> selectable_roles() {
  std::vector<std::string> all = roles();
  all.push_back("ops");
  return all;
}

bool role_fits(std::string_view wanted, std::string_view role) {
  return wanted == role || (wanted == "ops" && role.starts_with("ops/"));
}

std::vector<const Host*> Topology::hosts_of_site(const std::string& site) const {
  std::vector<const Host*> found;
  for (const auto& [host_name, host] : hosts)
    if (host.site == site) found.push_back(&host);
  return found;
}

bool Topology::attached() const {
  return std::any_of(hosts.begin(), hosts.end(),
                     [](const auto& host) { return host.second.attach.has_value(); });
}

const Site* Topology::site_of(const Address& address) const {
  const Site* best = nullptr;
  int longest = -1;
  for (const auto& [site_name, site] : sites)
    for (const Prefix& prefix : site.prefixes)
      if (prefix.contains(address) && prefix.length > longest) {
        longest = prefix.length;
        best = &site;
      }
  return best;
}

std::vector<Address> Topology::resolve(const std::string& wanted) const {
  if (const auto literal = Address::parse(wanted)) return {*literal};
  std::vector<Address> found;
  const auto add_host = [&](const std::string& host) {
    const auto known = hosts.find(host);
    if (known == hosts.end()) return;
    for (const Address& address : known->second.addresses)
      if (std::find(found.begin(), found.end(), address) == found.end()) found.push_back(address);
  };
  if (lab) {
    if (const auto carriers = lab->names.find(wanted); carriers != lab->names.end()) {
      for (const std::string& host : carriers->second) add_host(host);
      return found;
    }
  }
  const bool in_lab = wanted.ends_with(kLabDomain);
  const std::string bare = in_lab ? wanted.substr(0, wanted.size() - kLabDomain.size()) : wanted;
  if (hosts.contains(bare)) {
    add_host(bare);
  } else if (const auto service = services.find(bare); in_lab && service != services.end()) {
    for (const Instance& instance : service->second.instances) add_host(instance.host);
  }
  return found;
}

}  // namespace blackstart
