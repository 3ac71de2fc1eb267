// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/process/kill.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "agents/contract/units.h"
#include "agents/kernel/cgroup.h"

namespace blackstart {
namespace {

constexpr std::chrono::milliseconds kPatience{1000}, kBetweenRounds{1};

// What started by now, in clock ticks after boot; one more, since the kernel rounds down.
uint64_t ticks_now() {
  timespec since_boot{};
  ::clock_gettime(CLOCK_BOOTTIME, &since_boot);
  const auto per_second = static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
  return static_cast<uint64_t>(since_boot.tv_sec) * per_second +
         static_cast<uint64_t>(since_boot.tv_nsec) * per_second / 1'000'000'000 + 1;
}

Result<uint64_t> signal_each(const std::vector<Process>& processes, int signal) {
  uint64_t reached = 0;
  Result<> first;
  for (const Process& process : processes) {
    const auto sent = signal_process(process, signal);
    if (!sent) keep_first(first, tl::unexpected(sent.error()));
    if (sent && *sent) ++reached;
  }
  if (!first) return tl::unexpected(first.error());
  return reached;
}

}  // namespace

Result<uint64_t> end_processes(const std::function<Selection()>& select, int signal) {
  Selection selection = select();
  if (signal != SIGKILL) return signal_each(selection.processes, signal);

  uint64_t killed = 0;
  for (const std::string& name : selection.cgroups) {
    const auto cgroup = Cgroup::at(name);
    if (!cgroup) return tl::unexpected(cgroup.error());
    killed += static_cast<uint64_t>(
        std::count_if(selection.processes.begin(), selection.processes.end(),
                      [&](const Process& process) { return ProcessScope{name}.holds(process.cgroup); }));
    if (auto ok = cgroup->kill(kPatience); !ok) return tl::unexpected(ok.error());
  }
  const auto at_once = [&](const Process& process) {
    return std::any_of(selection.cgroups.begin(), selection.cgroups.end(),
                       [&](const std::string& name) { return ProcessScope{name}.holds(process.cgroup); });
  };
  std::erase_if(selection.processes, at_once);
  // A supervisor that lives starts new ones at once; whether those may live is for hold-down to say.
  const uint64_t begun = ticks_now();
  std::set<pid_t> dead;
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (!selection.processes.empty()) {
    const auto reached = signal_each(selection.processes, SIGKILL);
    if (!reached) return reached;
    for (const Process& process : selection.processes)
      if (dead.insert(process.pid).second) ++killed;
    if (std::chrono::steady_clock::now() > give_up)
      return fail(ErrorKind::kStranded, "kill", selection.processes.front().name, ETIMEDOUT,
                  "it does not die: it may wait for a disk or a network file system");
    std::this_thread::sleep_for(kBetweenRounds);
    selection = select();
    std::erase_if(selection.processes, [&](const Process& process) {
      return at_once(process) || (process.started > begun && !dead.contains(process.parent));
    });
  }
  return killed;
}

Result<uint64_t> end_everything(const ProcessScope& scope, const Spared& spared) {
  return end_processes(
      [&] {
        Selection out{.processes = list_processes(scope)};
        const size_t before = out.processes.size();
        std::erase_if(out.processes, [&](const Process& process) {
          return !process.no_fault.empty() || spared.contains(process.pid);
        });
        if (scope.lab() && before == out.processes.size()) out.cgroups.push_back(scope.cgroup);
        return out;
      },
      SIGKILL);
}

}  // namespace blackstart
