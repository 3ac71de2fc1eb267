// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agents/contract/contract.pb.h"
#include "agents/contract/result.h"
#include "agents/contract/units.h"

namespace blackstart {

// The longest a fault may last, whoever orders it.
inline constexpr Duration kLongestFault = std::chrono::hours(12);

// The agent's own word, independent of the conductor's: an order for another host, a fault without an
// end, a prefix that is none is refused before anything is touched.
Result<> check_order(const contract::Order& order, const std::string& own_host);

}  // namespace blackstart
