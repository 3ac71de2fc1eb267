// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

#include "agents/contract/result.h"
#include "agents/faults/process/selection.h"

namespace blackstart {

// Sends the signal to all that `select` finds, and says how many that were. SIGKILL goes to a cgroup that
// they are all of at once, and elsewhere is repeated until nothing of what there was, nor what it forked
// meanwhile, is left; kStranded if that does not come within a second. Another signal is sent once.
[[nodiscard]] Result<uint64_t> end_processes(const std::function<Selection()>& select, int signal);

// Everything in scope that may be touched, by SIGKILL: a lab's host at once, with one write.
[[nodiscard]] Result<uint64_t> end_everything(const ProcessScope& scope, const Spared& spared);

}  // namespace blackstart
