// SPDX-License-Identifier: Apache-2.0
// What a selector matches, before a share or a count of it is drawn. Everything set in it must fit.
#pragma once

#include <vector>

#include "injector/experiment/experiment.h"
#include "injector/topology/topology.h"

namespace blackstart {

// In the order of their names. `service`, `role` and `tier` mean the hosts that carry such a service;
// labels may be the host's or, then, that service's. An empty selector matches nothing.
std::vector<const Host*> matching_hosts(const Selector& selector, const Topology& topology);
// `host`, `site`, `group` mean the services with an instance or endpoint there.
std::vector<const Service*> matching_services(const Selector& selector, const Topology& topology);
// Instances by service, then in the order written: everything set in the selector fits the service or the
// place; labels may be the host's or the service's.
struct InstanceMatch {
  const Service* service;
  const Instance* instance;
};
std::vector<InstanceMatch> matching_instances(const Selector& selector, const Topology& topology);
// Where its instances run, and the hosts its endpoints' names stand for; each once.
std::vector<const Host*> hosts_of_service(const Service& service, const Topology& topology);
// The sites a name of a side stands for: one site, or those of a group.
std::vector<const Site*> sites_of_side(const std::string& name, const Topology& topology);

// Whether the selector says anything of services, beside places and labels.
bool about_services(const Selector& selector);

// What `unprotect` calls it: a service, a port or a prefix.
std::string protected_name(const Protected& entry);

contract::ProcessMatch to_wire(const ProcessMatch& match);

}  // namespace blackstart
