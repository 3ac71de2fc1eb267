// SPDX-License-Identifier: Apache-2.0
// What holds whatever anybody wrote: the conductor plans by it, and every agent checks it again.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "agents/contract/ip.h"
#include "agents/contract/units.h"

namespace blackstart {

// The longest a fault may last.
inline constexpr Duration kLongestFault = std::chrono::hours(12);

// The datapath holds one bit per packet rule, and one is taken by protected traffic.
inline constexpr int kMaxRules = 63;

// People must be able to log in: TCP and UDP, local or remote.
inline constexpr uint16_t kSshPort = 22;

// Traffic that never leaves a link: no fault is about it.
const std::vector<Prefix>& link_scope();

// 0.0.0.0/0 and ::/0.
const std::vector<Prefix>& everyone();

}  // namespace blackstart
