// SPDX-License-Identifier: Apache-2.0
#include "agents/runtime/reaper.h"

#include <spdlog/spdlog.h>

#include "agents/runtime/crash_points.h"

namespace blackstart {
namespace {

std::string on_interface(const std::string& what, const std::string& name, int index) {
  return what + " of " + name + " (interface " + std::to_string(index) + ")";
}

}  // namespace

std::string describe(const contract::Step& step) {
  switch (step.what_case()) {
    case contract::Step::kClsactQdisc:
      return on_interface("clsact qdisc", step.clsact_qdisc().interface(), step.clsact_qdisc().index());
    case contract::Step::kClsactFilter:
      return on_interface("filter " + step.clsact_filter().program(), step.clsact_filter().interface(),
                          step.clsact_filter().index());
    case contract::Step::kStoppedProcess:
      return "stopped process " + std::to_string(step.stopped_process().pid()) + " (" +
             step.stopped_process().name() + ")";
    case contract::Step::kFrozenCgroup:
      return "frozen cgroup " + step.frozen_cgroup().cgroup();
    case contract::Step::kDownService:
      return "killed service " + step.down_service().service();
    case contract::Step::kHeldUnit:
      return "held unit " + step.held_unit().unit();
    case contract::Step::WHAT_NOT_SET:
      return "a step of an unknown kind";
  }
  return "a step of an unknown kind";
}

Result<std::vector<std::string>> reap(Journal& journal, const ReapParts& parts) {
  std::vector<std::string> removed;
  if (switched_off(Mechanism::kReaper)) return removed;
  Result<> first;
  const auto keep_first = [&](const Error& error) {
    spdlog::error("{}", error.message());
    if (first) first = fail(ErrorKind::kStranded, error.operation, error.object, error.code, error.hint);
  };
  const std::vector<StandingStep> standing = journal.standing();
  for (auto one = standing.rbegin(); one != standing.rend(); ++one) {
    if (one->still_there(journal.here())) {
      const auto gone = parts.take_back(one->step);
      if (!gone) {
        keep_first(gone.error());
        continue;
      }
      if (*gone) removed.push_back(describe(one->step) + ", run " + one->run);
    } else {
      spdlog::info("{} went with its boot or its network namespace", describe(one->step));
    }
    (void)journal.taken_back(one->id);
  }
  if (const auto swept = parts.sweep(); !swept)
    keep_first(swept.error());
  else if (*swept > 0)
    removed.push_back(std::to_string(*swept) + " objects that bear our name and stand in no journal");
  if (auto ended = journal.end(); !ended) keep_first(ended.error());
  if (!first) return tl::unexpected(first.error());
  return removed;
}

}  // namespace blackstart
