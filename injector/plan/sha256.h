// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace blackstart {

// In lower-case hex.
std::string sha256_hex(std::string_view data);

}  // namespace blackstart
