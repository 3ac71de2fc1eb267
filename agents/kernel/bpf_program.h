// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agents/contract/result.h"

struct bpf_map;
struct bpf_program;

namespace blackstart {

Result<uint32_t> program_id(int program_fd);
// "" when the program is gone, or without CAP_SYS_ADMIN, which asking by id needs.
std::string program_name(uint32_t id);

// Says in `map`, whose one value is a program_identity, that loaded programs are this process's and of this
// run. They hold it, so whoever finds one can ask whose it is.
Result<> identify(bpf_map* map, const std::string& run, const std::vector<bpf_program*>& programs);

}  // namespace blackstart
