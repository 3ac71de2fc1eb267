// SPDX-License-Identifier: Apache-2.0
// BPF objects of the whole machine by id, which needs CAP_SYS_ADMIN, and those one process holds, which
// needs to be that process or root.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "agents/contract/result.h"

namespace blackstart {

struct BpfObject {
  uint32_t id = 0;
  std::string name;      // of a link: its program's; at most 15 characters
  std::string type;      // "sched_cls", "lpm_trie", "tracing"
  uint32_t program = 0;  // of a link
};

[[nodiscard]] Result<std::vector<BpfObject>> bpf_programs();
[[nodiscard]] Result<std::vector<BpfObject>> bpf_maps();
[[nodiscard]] Result<std::vector<BpfObject>> bpf_links();

// Ids of what a process holds a descriptor of; empty for one that is gone or may not be looked at.
struct HeldBpf {
  std::set<uint32_t> programs, maps, links;
};
[[nodiscard]] HeldBpf held_bpf(pid_t process);

}  // namespace blackstart
