// SPDX-License-Identifier: Apache-2.0
// Runs a program as a user would and keeps what it said.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <sys/types.h>

namespace blackstart {

struct CommandResult {
  int exit_code = -1;  // 128 + N after signal N
  std::string out, err;
};

// A program started and not yet waited for; the destructor kills it.
class RunningCommand {
 public:
  explicit RunningCommand(const std::vector<std::string>& argv);
  ~RunningCommand();
  RunningCommand(const RunningCommand&) = delete;
  RunningCommand& operator=(const RunningCommand&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void send(int signal) const;
  // Waits; after `patience` the program is killed, which shows in exit_code.
  CommandResult wait(std::chrono::seconds patience = std::chrono::seconds(120));

 private:
  pid_t pid_ = -1;
  int out_ = -1, err_ = -1;
};

CommandResult run_command(const std::vector<std::string>& argv,
                          std::chrono::seconds patience = std::chrono::seconds(120));

}  // namespace blackstart
