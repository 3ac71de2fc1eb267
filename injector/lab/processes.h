// SPDX-License-Identifier: Apache-2.0
// The processes of a lab: starting them all at once, and asking how they are.
#pragma once

#include <functional>
#include <optional>
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

// The process of a plan that runs; nullopt: none does. A service's is the one that was launched, whatever
// is left of its children; an agent that died is followed by one of its own making, under another number, in
// the same cgroup.
[[nodiscard]] std::optional<ProcessId> running(const State& state, const ProcessPlan& plan);

// Starts one of them as it was started before, its folder as it is, and does not wait until it is ready. It
// is a child of the caller.
[[nodiscard]] Result<ProcessId> start_one(const Blueprint& blueprint, const ProcessPlan& plan);

// What became of a process that was started to see whether it comes up.
struct FreshStart {
  enum class End {
    kReady,
    kDied,  // or could not even be prepared
    kLate,  // plan.ready.within_ms is over
  };
  End end = End::kDied;
  std::string last_words;       // the end of its log, or, where that is empty, what went wrong
  std::optional<ProcessId> id;  // a child of the caller, which may be dead; nullopt: it was not launched
};

// Waits until it is ready, dead or late, and ends nothing. `launched` is told of the process, its
// preparations done. The calling thread may have entered the host's network namespace afterwards.
[[nodiscard]] FreshStart start_fresh(const Blueprint& blueprint, const ProcessPlan& plan,
                                     const std::function<bool()>& cancelled,
                                     const std::function<void(const ProcessId&)>& launched);

// Whether each process, by its place in `plans`, answers its ready check now.
[[nodiscard]] std::vector<bool> ask_all(const Blueprint& blueprint, const std::vector<ProcessPlan>& plans);

}  // namespace blackstart::lab
