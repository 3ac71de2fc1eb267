// SPDX-License-Identifier: Apache-2.0
// The processes of a lab: starting them all at once, and asking how they are.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agents/contract/result.h"
#include "injector/lab/blueprint.h"
#include "injector/lab/state.h"

namespace blackstart::lab {

// "blackstart/LAB" or, with a host, the cgroup of that host.
[[nodiscard]] Result<Cgroup> cgroup_of(const Blueprint& blueprint, const std::string& host = {},
                                       const std::string& below = {});

// What a program on the host sees of the machine; program, user and folder are left to the caller.
[[nodiscard]] Result<Launch> launch_on(const Blueprint& blueprint, const std::string& host,
                                       const std::string& cgroup);

// kMissing unless every program and user the lab needs is on this machine. Touches nothing.
[[nodiscard]] Result<> check_programs(const Blueprint& blueprint);

// Starts all of them at the same time and waits until each is ready. Cancelled or failed, it returns
// the first error; some may be running then.
[[nodiscard]] Result<std::vector<RunningProcess>> start_all(
    const Blueprint& blueprint, const std::vector<ProcessPlan>& plans, const std::function<bool()>& cancelled,
    const std::function<void(const std::string&)>& progress);

// Whether each process, by its place in `plans`, answers its ready check now.
[[nodiscard]] std::vector<bool> ask_all(const Blueprint& blueprint, const std::vector<ProcessPlan>& plans);

}  // namespace blackstart::lab
