// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "agents/contract/result.h"

namespace blackstart {

Result<uint32_t> program_id(int program_fd);
// "" when the program is gone, or without CAP_SYS_ADMIN, which asking by id needs.
std::string program_name(uint32_t id);

}  // namespace blackstart
