// SPDX-License-Identifier: Apache-2.0
// command probes: an argument list, run without a shell in a process group of its own; exit status 0
// is success. It has no privileges, cannot gain any, reads nothing, and dies with the agent. When the
// command ends or its time is up, its whole group is killed. {n} in an argument is the attempt's number.
#pragma once

#include <sys/types.h>

#include <vector>

#include "agents/probes/check.h"

namespace blackstart {

// Kills commands without waiting for them: one that hangs in the kernel (a file system whose server is
// gone) must not hold the probes. The destructor waits a little for the last.
class CommandReaper {
 public:
  CommandReaper() = default;
  ~CommandReaper();
  CommandReaper(const CommandReaper&) = delete;
  CommandReaper& operator=(const CommandReaper&) = delete;

  // The leader is a child not yet reaped.
  void kill_group(pid_t leader);
  // Collects those that have died since.
  void reap();

 private:
  std::vector<pid_t> dying_;
};

// Who commands run as: this user where the agent is root, else the agent itself. kMissing
// without such a user.
[[nodiscard]] Result<std::optional<Credentials>> credentials_of(const std::string& user);

[[nodiscard]] Result<> validate_command(const contract::Probe& probe);
std::unique_ptr<Check> begin_command(const contract::Probe& probe, CheckContext& context, Report report);

}  // namespace blackstart
