// SPDX-License-Identifier: Apache-2.0
// What agent and sentinel say to each other: eight bytes, a deadline or one of these.
#pragma once

#include <cstdint>
#include <string>

namespace blackstart {

inline constexpr int64_t kGoodbye = 0;  // from the agent
inline constexpr int64_t kHere = 1;     // from the sentinel, once

// The path to start this program by once more.
std::string this_program();

}  // namespace blackstart
