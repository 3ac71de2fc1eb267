// SPDX-License-Identifier: Apache-2.0
#include "injector/plan/except.h"

#include <algorithm>

#include "injector/experiment/select.h"
#include "injector/plan/prefixes.h"

namespace blackstart {

tl::expected<Exceptions, Problems> resolve_exceptions(const Topology& topology, const FaultSpec& fault) {
  Exceptions exceptions;
  Problems problems;
  for (const std::string& name : fault.except) {
    if (const auto prefix = Prefix::parse(name)) {
      exceptions.prefixes.push_back(*prefix);
    } else if (const auto host = topology.hosts.find(name); host != topology.hosts.end()) {
      append(exceptions.prefixes, addresses_of(host->second));
    } else if (const auto sites = sites_of_side(name, topology); !sites.empty()) {
      for (const Site* site : sites) append(exceptions.prefixes, site->prefixes);
    } else if (const auto service = topology.services.find(name); service != topology.services.end()) {
      for (const Instance& instance : service->second.instances)
        append(exceptions.prefixes, addresses_of(topology.hosts.at(instance.host)));
      for (const Endpoint& endpoint : service->second.endpoints)
        for (const Address& address : topology.resolve(endpoint.name))
          exceptions.prefixes.push_back(Prefix::of(address));
    } else {
      problems.push_back({Problem::Kind::kInvalid, fault.where,
                          "except: " + name + " is no host, service, site, group or prefix", ""});
    }
  }
  if (!problems.empty()) return tl::unexpected(problems);
  exceptions.prefixes = tidy(exceptions.prefixes);
  for (const auto& [name, host] : topology.hosts) {
    const std::vector<Prefix> own = addresses_of(host);
    if (!own.empty() && std::all_of(own.begin(), own.end(), [&](const Prefix& address) {
          return covered(address, exceptions.prefixes);
        }))
      exceptions.hosts.insert(name);
  }
  return exceptions;
}

}  // namespace blackstart
