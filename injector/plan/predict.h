// SPDX-License-Identifier: Apache-2.0
// What will break, said before anything is touched.
//
// An instance works while each of its service's needs is reachable from it; it serves while it works
// and can be reached from where users stand: any host of an `outside` site, or, without one, any host
// no fault is about. Cycles of needs hold each other up until something else brings them down.
//
// An instance that is killed, frozen or powered off does neither.
//
// A service is down when no instance serves, degraded when some do not or a need is degraded.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "injector/plan/plan.h"
#include "injector/topology/topology.h"

namespace blackstart {

// All faults of the orders are taken to be in force at once. `targets`: the hosts that are cut.
[[nodiscard]] std::map<std::string, PredictedImpact> predict(
    const Topology& topology, const std::map<std::string, contract::Order>& orders,
    const std::set<std::string>& targets);

// For every service, the services it needs, directly or not, that stand in one site alone.
[[nodiscard]] std::vector<SingleSiteDependency> single_site_dependencies(const Topology& topology);

}  // namespace blackstart
