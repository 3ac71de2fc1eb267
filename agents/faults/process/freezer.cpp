// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/process/freezer.h"

#include <signal.h>

#include <algorithm>

#include "agents/faults/process/process_residue.h"
#include "agents/kernel/cgroup.h"

namespace blackstart {
namespace {

// A process that forks faster than it is stopped is given up after so many looks.
constexpr int kLooks = 10;

}  // namespace

Result<> Freezer::record(contract::Step step) {
  uint64_t id = 0;
  if (steps_) {
    const auto recorded = steps_->record(step);
    if (!recorded) return tl::unexpected(recorded.error());
    id = *recorded;
  }
  held_.push_back({std::move(step), id});
  return {};
}

Result<uint64_t> Freezer::freeze(const std::function<Selection()>& select) {
  const Selection first = select();
  uint64_t still = 0;
  const auto in_one = [&](const Process& process) {
    return std::any_of(first.cgroups.begin(), first.cgroups.end(),
                       [&](const std::string& name) { return ProcessScope{name}.holds(process.cgroup); });
  };
  for (const std::string& name : first.cgroups) {
    const auto cgroup = Cgroup::at(name);
    if (!cgroup) return tl::unexpected(cgroup.error());
    if (!cgroup->exists() || cgroup->frozen()) continue;
    contract::Step step;
    step.mutable_frozen_cgroup()->set_cgroup(name);
    if (auto ok = record(std::move(step)); !ok) return tl::unexpected(ok.error());
    if (auto ok = cgroup->freeze(true); !ok) return tl::unexpected(ok.error());
    still += static_cast<uint64_t>(
        std::count_if(first.processes.begin(), first.processes.end(),
                      [&](const Process& process) { return ProcessScope{name}.holds(process.cgroup); }));
  }
  for (int look = 0; look < kLooks; ++look) {
    const Selection now = look == 0 ? first : select();
    bool more = false;
    for (const Process& process : now.processes) {
      if (in_one(process) || process.state == 'T') continue;
      contract::Step step;
      auto& stopped = *step.mutable_stopped_process();
      stopped.set_pid(process.pid);
      stopped.set_started(process.started);
      stopped.set_name(process.name);
      const bool known = std::any_of(held_.begin(), held_.end(), [&](const Held& held) {
        return held.step.stopped_process().pid() == process.pid &&
               held.step.stopped_process().started() == process.started;
      });
      if (known) continue;  // on its way
      if (auto ok = record(std::move(step)); !ok) return tl::unexpected(ok.error());
      const auto sent = signal_process(process, SIGSTOP);
      if (!sent) return tl::unexpected(sent.error());
      still += *sent ? 1 : 0;
      more = true;
    }
    if (!more) break;
  }
  return still;
}

Result<> Freezer::thaw() {
  Result<> first;
  std::erase_if(held_, [&](const Held& held) {
    const auto gone = take_back_process(held.step);
    if (!gone) {
      keep_first(first, tl::unexpected(gone.error()));
      return false;
    }
    if (steps_) (void)steps_->taken_back(held.id);
    return true;
  });
  return first;
}

}  // namespace blackstart
