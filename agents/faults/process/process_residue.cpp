// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/process/process_residue.h"

#include <signal.h>

#include <cerrno>

#include <spdlog/spdlog.h>

#include "agents/faults/process/restart.h"
#include "agents/faults/process/units.h"
#include "agents/kernel/cgroup.h"
#include "agents/kernel/process_state.h"

namespace blackstart {
namespace {

Result<bool> let_go_on(const contract::Step::StoppedProcess& step) {
  const auto state = process_state(step.pid());
  if (!state || state->started != step.started() || state->state != 'T') return false;
  return signal_process({.pid = step.pid(), .started = step.started(), .name = step.name()}, SIGCONT);
}

Result<bool> thaw(const Cgroup& cgroup) {
  if (!cgroup.exists() || !cgroup.frozen()) return false;
  if (auto ok = cgroup.freeze(false); !ok) return tl::unexpected(ok.error());
  return true;
}

Result<int> thaw_below(const Cgroup& cgroup) {
  int thawed = 0;
  for (const Cgroup& child : cgroup.children()) {
    const auto own = thaw(child);
    if (!own) return tl::unexpected(own.error());
    const auto below = thaw_below(child);
    if (!below) return below;
    thawed += *below + (*own ? 1 : 0);
  }
  return thawed;
}

}  // namespace

Result<bool> take_back_process(const contract::Step& step) {
  switch (step.what_case()) {
    case contract::Step::kStoppedProcess:
      return let_go_on(step.stopped_process());
    case contract::Step::kFrozenCgroup: {
      const auto cgroup = Cgroup::at(step.frozen_cgroup().cgroup());
      return cgroup ? thaw(*cgroup) : tl::unexpected(cgroup.error());
    }
    case contract::Step::kDownService: {
      const auto started = start_again(step.down_service());
      if (started) return true;
      if (step.down_service().keeper().empty() || started.error().code != ENOENT)
        return tl::unexpected(started.error());
      spdlog::warn("{}: its lab is gone", started.error().message());
      return false;
    }
    case contract::Step::kHeldUnit:
      return take_back(step.held_unit());
    default:
      break;
  }
  return fail(ErrorKind::kInvalid, "take back", "a step", 0, "this version does not know it");
}

Result<int> sweep_processes(const ProcessScope& scope) {
  if (!scope.lab()) return 0;
  const auto cgroup = Cgroup::at(scope.cgroup);
  if (!cgroup) return tl::unexpected(cgroup.error());
  return thaw_below(*cgroup);
}

}  // namespace blackstart
