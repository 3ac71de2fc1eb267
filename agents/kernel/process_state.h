// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace blackstart {

struct ProcessState {
  pid_t pid = 0;
  std::string name;  // comm: at most 15 characters
  char state = 0;    // as /proc/PID/stat has it; T: stopped by a signal
};

// nullopt: there is no such process.
std::optional<ProcessState> process_state(pid_t pid);

// Every process this mount of /proc shows, unordered.
std::vector<pid_t> all_processes();

}  // namespace blackstart
