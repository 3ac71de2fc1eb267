// SPDX-License-Identifier: Apache-2.0
// Whose processes a fault is about: which instances of which services on which hosts, how its agent knows
// them, and who starts them again.
#pragma once

#include <optional>
#include <string>

#include "injector/plan/separation.h"

namespace blackstart {

// Of service-kill and service-freeze. Fills in act, victims, targets, services and the limits' hosts. A
// `process` of the fault takes the place of what the topology says of the instances; without a service,
// role or tier beside it, it is looked for on every host selected.
[[nodiscard]] std::optional<Problem> resolve_processes(const Topology& topology, const Experiment& experiment,
                                                       ResolvedFault& fault);

// Of a power loss whose cut is resolved: every instance on the hosts that go dark.
[[nodiscard]] std::optional<Problem> resolve_power(const Topology& topology, ResolvedFault& fault);

// How an instance's processes are recognised by its host's agent; nullopt: the topology does not say.
[[nodiscard]] std::optional<contract::ProcessTarget> target_of(const Topology& topology,
                                                               const Service& service,
                                                               const Instance& instance);

// "exe /usr/sbin/sshd, user root"; of an empty match "all it runs".
[[nodiscard]] std::string in_words(const contract::ProcessMatch& match);

// What has become of a victim: "killed", "frozen", "powered off".
[[nodiscard]] const char* participle(contract::ProcessFault::Act act);

}  // namespace blackstart
