// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace blackstart {

struct ProcessState {
  pid_t pid = 0;
  std::string name;  // comm: at most 15 characters
  char state = 0;    // as /proc/PID/stat has it; T: stopped by a signal, Z: dead
  pid_t parent = 0, session = 0;
  uint64_t started = 0;  // clock ticks after boot: tells it from a later one of the same number
  bool kernel = false;   // a thread of the kernel
};

// nullopt: there is no such process.
std::optional<ProcessState> process_state(pid_t pid);

// Every process this mount of /proc shows, unordered.
std::vector<pid_t> all_processes();

}  // namespace blackstart
