// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace blackstart {

inline constexpr const char* kBootIdFile = "/proc/sys/kernel/random/boot_id";

// Names this boot of this machine; "" where the file does not say.
std::string boot_id(const std::string& file = kBootIdFile);

}  // namespace blackstart
