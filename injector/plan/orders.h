// SPDX-License-Identifier: Apache-2.0
// What each agent must do: its packet rules, whose processes it kills or freezes, which fresh instances it
// starts; and the packets that must not reach it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agents/contract/contract.pb.h"
#include "agents/contract/safety.h"
#include "injector/plan/plan.h"
#include "injector/plan/separation.h"

namespace blackstart {

// The router of a lab: it drops nothing and counts what should not have been sent.
inline constexpr char kWan[] = "wan";

// One order per host, outside hosts included (they only watch), and one for `wan` in a lab. `run` and
// `plan_hash` are left empty.
[[nodiscard]] tl::expected<std::map<std::string, contract::Order>, Problems> make_orders(
    const Topology& topology, const Experiment& experiment, const std::vector<ResolvedFault>& faults,
    const std::vector<PlanColdStart>& cold_starts, contract::Engine engine, contract::Attachment attachment);

// Adds the leak watches of one fault to the orders (leaks.cpp): at each receiving host the packets that
// cannot arrive because it drops them itself, or because every sender counted drops them.
void add_leak_watches(const Topology& topology, const ResolvedFault& fault,
                      std::map<std::string, contract::Order>& orders);

}  // namespace blackstart
