// SPDX-License-Identifier: Apache-2.0
// Hold-down rules as the tables of the program at exec. Looks at files and cgroups; loads nothing.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "agents/contract/result.h"
#include "agents/faults/process/exec_maps.h"
#include "agents/faults/process/hold_down.h"

namespace blackstart {

struct ExecTables {
  template <typename Key>
  struct Table {
    std::vector<Key> keys;
    std::vector<exec_fits> values;
  };

  exec_config config{};
  Table<exec_inode> inodes;
  Table<exec_path> paths;
  Table<exec_name> names;
  Table<exec_comm> comms;
  Table<exec_line> lines;
  Table<uint32_t> users;
  Table<uint64_t> cgroups;
  std::vector<exec_inode> interpreters;
  std::vector<std::pair<std::string, std::string>> counted;  // fault and service, by rule of the config
};

// kInvalid: a rule that asks for nothing, or more of them than kMostHoldDownBits.
[[nodiscard]] Result<ExecTables> compile(const std::vector<HoldDownRule>& rules,
                                         const HoldDownOptions& options);

}  // namespace blackstart
