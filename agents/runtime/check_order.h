// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agents/contract/contract.pb.h"
#include "agents/contract/result.h"
#include "agents/contract/safety.h"
#include "agents/policy/policy.h"

namespace blackstart {

// Whether the order is one at all, independent of the conductor: an order for another host, a fault
// without an end, a prefix that is none, more of anything than an order can need is refused
// before anything is touched.
[[nodiscard]] Result<> check_order(const contract::Order& order, const std::string& own_host);

// The order as this host will carry it out: checked, accepted by the policy, and with the policy's own
// protection in it.
[[nodiscard]] Result<contract::Order> admit(const contract::Order& order, const std::string& own_host,
                                            const Policy& policy);

}  // namespace blackstart
