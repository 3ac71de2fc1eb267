// SPDX-License-Identifier: Apache-2.0
// What faults on processes leave when their agent dies, and how it is taken back.
#pragma once

#include "agents/contract/contract.pb.h"
#include "agents/contract/result.h"
#include "agents/faults/process/selection.h"

namespace blackstart {

// Lets a stopped process go on, thaws a cgroup, lets a unit start, has a killed service started again.
// Idempotent; true if something was done. A process or cgroup that is another by now, or gone, is left alone.
[[nodiscard]] Result<bool> take_back_process(const contract::Step& step);

// In a lab everything in scope is ours: thaws the cgroups there that nobody recorded, and says how many.
// Never while another agent is alive on this host.
[[nodiscard]] Result<int> sweep_processes(const ProcessScope& scope);

}  // namespace blackstart
