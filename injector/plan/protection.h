// SPDX-License-Identifier: Apache-2.0
// What no fault may touch (safety rule S5).
#pragma once

#include <vector>

#include "injector/experiment/experiment.h"
#include "injector/plan/plan.h"
#include "injector/plan/separation.h"
#include "injector/topology/topology.h"

namespace blackstart {

// The same for every host: link scope, port 22, and the topology's `protect`.
[[nodiscard]] contract::Protection protection(const Topology& topology);

// The processes a protection of a service or a port means on this host, but for those the experiment names
// in `unprotect`.
[[nodiscard]] std::vector<contract::ProcessTarget> protected_processes(const Topology& topology,
                                                                       const Experiment& experiment,
                                                                       const std::string& host);

// A victim that is protected, and the name `unprotect` knows the protection by.
struct ProtectedVictim {
  const ResolvedFault* fault;
  const Victim* victim;  // nullptr: the host itself
  std::string host, name, why;
  Location at;  // of the line that protects it; line 0: built in
};
// Whether the experiment means to hit them or not.
[[nodiscard]] std::vector<ProtectedVictim> protected_victims(const Topology& topology,
                                                             const std::vector<ResolvedFault>& faults);

// kRefused for each of them that `unprotect` does not name.
[[nodiscard]] Problems check_protection(const Topology& topology, const Experiment& experiment,
                                        const std::vector<ResolvedFault>& faults, bool ad_hoc);

// Protected traffic, outside sites and exceptions, each with the line that says so.
[[nodiscard]] std::vector<Untouched> untouched(const Topology& topology, const Experiment& experiment);

}  // namespace blackstart
