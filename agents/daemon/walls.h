// SPDX-License-Identifier: Apache-2.0
// What an agent gives up before it listens to anybody, for good and for all it will ever start
// (safety rule S13): capabilities, the gaining of new ones, and the system calls it has no use for.
#pragma once

#include <span>
#include <string_view>

#include "agents/contract/result.h"

namespace blackstart {

struct Walls {
  bool commands = false;   // of probes, and to start services again; they run as another user
  bool processes = false;  // faults on processes are accepted
};

struct KeptCapability {
  int value;
  const char* name;  // "cap_net_admin"
  const char* why;
  // Whom it is for; neither: it is always kept.
  bool for_commands = false;
  bool for_processes = false;

  [[nodiscard]] bool with(const Walls& walls) const {
    return (!for_commands && !for_processes) || (for_commands && walls.commands) ||
           (for_processes && walls.processes);
  }
};
[[nodiscard]] std::span<const KeptCapability> kept_capabilities();

// By name; not every architecture has each of them.
[[nodiscard]] std::span<const std::string_view> allowed_system_calls();

// Afterwards, and in every process executed from here:
//   - no capability is there that kept_capabilities() does not name, in any of the five sets;
//   - no program executed gains any (no_new_privs), inheritable and ambient sets are empty;
//   - a system call that allowed_system_calls() does not name fails with EPERM, one that libseccomp has
//     never heard of with ENOSYS, as on a kernel without it, so that the C library takes its other
//     way; so does clone3, whose flags a filter cannot see. clone makes no namespaces. A call of another
//     architecture kills the process.
// Nothing is killed for a forbidden call otherwise: a revert that is refused one step must take the
// others all the same. Behind walls that stand already only capabilities are given up.
//
// Called while the process has one thread. On failure what was given up until then stays so; do not go on.
[[nodiscard]] Result<> raise_walls(const Walls& walls);

// Whether an earlier program of this process, or an ancestor, has raised them.
[[nodiscard]] bool walls_stand();

}  // namespace blackstart
