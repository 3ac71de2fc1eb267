// SPDX-License-Identifier: Apache-2.0
// What a lab leaves in its run folder for the next command: the blueprint before anything is made, the
// processes once all of them run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agents/contract/result.h"
#include "agents/kernel/fd.h"
#include "injector/lab/blueprint.h"
#include "injector/lab/launch.h"

namespace blackstart::lab {

struct RunningProcess {
  std::string host, service;
  ProcessId id;
};

struct State {
  Blueprint blueprint;
  std::string boot_id;    // nothing of a lab survives a reboot, though its files may
  bool complete = false;  // false: being made, or its maker died
  std::vector<RunningProcess> processes;
};

// The lab's state, with what its keeper has started since; nullopt when there is none, or none that can be
// read: then nothing was made either.
[[nodiscard]] std::optional<State> read_state(const std::string& lab);
// Replaces the state in one step; on failure the old one stands.
[[nodiscard]] Result<> write_state(const State& state);

// What the keeper has started, and keeps on record for others: at most one process of a service on a host.
[[nodiscard]] std::vector<RunningProcess> read_started(const std::string& lab);
[[nodiscard]] Result<> write_started(const std::string& lab, const std::vector<RunningProcess>& processes);

// Keeps two commands from changing one lab at the same time: an exclusive lock on its run folder, which
// is made if need be. Waits for the other command at most a minute; then kRefused.
[[nodiscard]] Result<Fd> lock_lab(const std::string& lab);

}  // namespace blackstart::lab
