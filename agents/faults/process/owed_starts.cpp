// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/process/owed_starts.h"

#include <algorithm>

#include "agents/contract/units.h"

namespace blackstart {

bool OwedStarts::knows(const std::string& service) const {
  return std::any_of(reports_.begin(), reports_.end(), [&](const contract::DownReport& each) {
    return each.service() == service && each.state() != contract::DownReport::STARTED;
  });
}

contract::DownReport& OwedStarts::report(const std::string& fault, const std::string& service,
                                         contract::DownReport::State state) {
  contract::DownReport& out = reports_.emplace_back();
  out.set_fault(fault);
  out.set_service(service);
  out.set_state(state);
  return out;
}

void OwedStarts::was_down(const std::string& fault, const std::string& service) {
  if (!knows(service)) report(fault, service, contract::DownReport::WAS_DOWN);
}

Result<> OwedStarts::owe(const std::string& fault, const contract::ProcessTarget& target,
                         const std::vector<std::string>& active) {
  if (knows(target.service())) return {};
  contract::Step step;
  contract::Step::DownService& what = *step.mutable_down_service();
  what.set_fault(fault);
  what.set_service(target.service());
  what.set_host(host_);
  switch (target.restore()) {
    case contract::RESTORE_COMMAND:
      *what.mutable_command() = target.command();
      break;
    case contract::RESTORE_UNIT:
      what.set_unit(target.match().unit());
      break;
    case contract::RESTORE_AUTO:
      what.set_keeper(keeper_);
      if (keeper_.empty()) what.set_unit(target.match().unit());
      break;
    default:
      break;
  }
  if (what.keeper().empty() && what.unit().empty() && what.command().empty()) {
    report(fault, target.service(), contract::DownReport::LEFT)
        .set_why(target.restore() == contract::RESTORE_NONE ? "the experiment leaves it down"
                                                            : "nobody is known who would start it");
    return {};
  }
  if (!what.unit().empty()) what.mutable_active()->Assign(active.begin(), active.end());
  uint64_t id = 0;
  if (steps_) {
    const auto recorded = steps_->record(step);
    if (!recorded) return tl::unexpected(recorded.error());
    id = *recorded;
  }
  report(fault, target.service(), contract::DownReport::DOWN);
  owed_.push_back({what, id, reports_.size() - 1});
  return {};
}

void OwedStarts::killed(int64_t moment_unix_ns) {
  for (contract::DownReport& each : reports_)
    if (each.killed_unix_ns() == 0 && each.state() != contract::DownReport::WAS_DOWN)
      each.set_killed_unix_ns(moment_unix_ns);
}

Result<> OwedStarts::start(const std::function<bool(const std::string&)>& meant) {
  Result<> first;
  std::erase_if(owed_, [&](const Owed& owed) {
    if (!meant(owed.what.service())) return false;
    contract::DownReport& told = reports_[owed.report];
    if (const auto ok = start_(owed.what); !ok) {
      told.set_state(contract::DownReport::FAILED);
      told.set_why(ok.error().message());
      keep_first(first, fail(ErrorKind::kStranded, "start again", owed.what.service(), ok.error().code,
                             ok.error().message()));
      return false;
    }
    told.set_state(contract::DownReport::STARTED);
    told.clear_why();
    told.set_started_unix_ns(unix_now());
    if (steps_) (void)steps_->taken_back(owed.step);
    return true;
  });
  return first;
}

Result<> OwedStarts::start(const std::vector<std::string>& services) {
  return start([&](const std::string& service) {
    return std::find(services.begin(), services.end(), service) != services.end();
  });
}

Result<> OwedStarts::start_all() {
  return start([](const std::string&) { return true; });
}

}  // namespace blackstart
