// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/process/process_family.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include <spdlog/spdlog.h>

#include "agents/contract/units.h"
#include "agents/faults/process/kill.h"
#include "agents/faults/process/restart.h"
#include "agents/kernel/cgroup.h"

namespace blackstart {
namespace {

using contract::ProcessFault;

bool is_ours(const contract::Fault& fault) {
  return fault.has_process() && fault.process().act() != ProcessFault::POWER_LOSS;
}

int signal_of(const contract::Fault& fault) {
  return fault.process().signal() == 0 ? SIGKILL : static_cast<int>(fault.process().signal());
}

std::string engine_of(const contract::Fault& fault, const Selection& selection) {
  if (selection.cgroups.empty() || signal_of(fault) != SIGKILL) return "signal";
  return fault.process().act() == ProcessFault::FREEZE ? "cgroup.freeze" : "cgroup.kill";
}

tl::unexpected<Error> refuse(const std::string& service, const std::string& hint) {
  return fail(ErrorKind::kRefused, "touch", service, 0, hint);
}

}  // namespace

Result<std::unique_ptr<ProcessFamily>> ProcessFamily::make(ProcessOptions options) {
  return std::unique_ptr<ProcessFamily>(new ProcessFamily(std::move(options)));
}

ProcessFamily::~ProcessFamily() {
  if (const auto ok = revert(); !ok) spdlog::error("{}", ok.error().message());
}

Result<> ProcessFamily::do_arm(const contract::Order& order) {
  if (std::none_of(order.faults().begin(), order.faults().end(), is_ours)) return {};
  owed_ = std::make_unique<OwedStarts>(
      options_.steps, [this](const contract::Step::DownService& service) { return start(service); },
      order.host(), options_.scope.lab() ? options_.keeper : "");
  const auto all = list_processes(options_.scope);
  Result<> ok = find_protected(order);
  for (const contract::Fault& fault : order.faults())
    if (ok && is_ours(fault)) ok = arm_fault(fault, all);
  if (ok) ok = arm_hold_down(order, all);
  if (ok) ok = arm_timer();
  if (!ok) {
    hold_down_.reset();
    faults_.clear();
  }
  return ok;
}

Result<> ProcessFamily::find_protected(const contract::Order& order) {
  for (const contract::ProcessTarget& target : order.protection().processes()) {
    protected_services_.push_back(target.service());
    const bool by_name_alone = !options_.scope.lab() && target.match().ByteSizeLong() == 0;
    if (by_name_alone) continue;
    auto selector = Selector::make(target, options_.scope);
    if (!selector) return tl::unexpected(selector.error());
    protected_.push_back(std::move(*selector));
  }
  return {};
}

Spared ProcessFamily::spared(const std::vector<Process>& all) const {
  Spared out;
  for (const Selector& selector : protected_)
    for (const Process& process : selector.select(all, {}).processes) out.insert(process.pid);
  return out;
}

Result<> ProcessFamily::require_unprotected(const Selector& selector, const std::vector<Process>& all) const {
  if (auto ok = selector.require_touchable(all); !ok) return ok;
  for (const std::string& service : protected_services_)
    if (!service.empty() && service == selector.service()) return refuse(service, "it is protected");
  const Spared spare = spared(all);
  for (const Process& process : selector.select(all, {}).processes)
    if (spare.contains(process.pid))
      return refuse(selector.service(), "process " + std::to_string(process.pid) + " (" + process.name +
                                            ") is of it, and is protected");
  return {};
}

Result<> ProcessFamily::require_restorable(const contract::ProcessTarget& target) const {
  if (target.restore() != contract::RESTORE_COMMAND) return {};
  if (target.command().empty() || target.command(0).empty())
    return fail(ErrorKind::kInvalid, "start again", target.service(), 0, "its command is empty");
  if (!options_.commands)
    return refuse(target.service(), "this host runs no commands, and it is to be started again by one");
  return {};
}

Result<> ProcessFamily::arm_fault(const contract::Fault& fault, const std::vector<Process>& all) {
  Known known{.ordered = fault};
  for (const contract::ProcessTarget& target : fault.process().targets()) {
    auto selector = Selector::make(target, options_.scope);
    if (!selector) return tl::unexpected(selector.error());
    if (auto ok = require_unprotected(*selector, all); !ok) return ok;
    if (auto ok = require_restorable(target); !ok) return ok;
    if (known.engine.empty()) known.engine = engine_of(fault, selector->select(all, {}));
    known.counts[target.service()].set_service(target.service());
    auto unit = find_unit(fault, target);
    if (!unit) return tl::unexpected(unit.error());
    known.targets.push_back({std::move(*selector), target, std::move(*unit)});
  }
  if (known.targets.empty()) return refuse(fault.kind(), "it names no processes");
  if (fault.process().act() == ProcessFault::FREEZE)
    known.freezer = std::make_unique<Freezer>(options_.steps);
  faults_.push_back(std::move(known));
  return {};
}

Result<std::unique_ptr<UnitHold>> ProcessFamily::find_unit(const contract::Fault& fault,
                                                           const contract::ProcessTarget& target) const {
  const contract::ProcessMatch& match = target.match();
  const bool named =
      !match.exe().empty() || !match.comm().empty() || !match.cmdline().empty() || !match.user().empty();
  if (match.unit().empty() || named || fault.process().act() != ProcessFault::KILL) return nullptr;
  auto found = UnitHold::find(match.unit(), options_.steps);
  if (!found) return tl::unexpected(found.error());
  return std::make_unique<UnitHold>(std::move(*found));
}

Result<> ProcessFamily::arm_hold_down(const contract::Order& order, const std::vector<Process>& all) {
  std::vector<HoldDownRule> rules;
  for (const Known& fault : faults_) {
    if (!fault.ordered.process().hold_down()) continue;
    for (const Target& target : fault.targets) {
      if (target.unit) continue;  // a drop-in holds it
      auto some = target.selector.exec_rules(all);
      if (some.empty())
        return refuse(
            target.selector.service(),
            "it cannot be held down while nothing of it runs: what it would come up as is not known");
      for (HoldDownRule& rule : some) {
        rule.fault = fault.ordered.id();
        rule.start_ns = fault.ordered.start_ns();
        rule.end_ns = fault.ordered.end_ns();
        rules.push_back(std::move(rule));
      }
    }
  }
  if (rules.empty()) return {};
  HoldDownOptions options{.run = order.run(), .scope = options_.scope.cgroup};
  for (const Selector& selector : protected_)
    for (HoldDownRule& rule : selector.exec_rules(all)) options.never.push_back(std::move(rule));
  auto made = HoldDown::make(rules, options);
  if (!made) return tl::unexpected(made.error());
  hold_down_ = std::move(*made);
  for (Known& fault : faults_)
    if (fault.ordered.process().hold_down()) fault.engine = hold_down_->name();
  return {};
}

// For the next start of a fault, or the end of one that holds something.
int64_t ProcessFamily::next_act() const {
  int64_t due = do_due();
  for (const Known& fault : faults_)
    if (fault.phase == Known::kWaiting) due = std::min(due, starts_at(fault.ordered.start_ns()));
  return due;
}

int64_t ProcessFamily::do_due() const {
  int64_t due = INT64_MAX;
  for (const Known& fault : faults_)
    if (fault.holds()) due = std::min(due, ends_at(fault.ordered.end_ns()));
  return due;
}

Result<> ProcessFamily::act() {
  Result<> first;
  for (Known& fault : faults_) {
    const int64_t now = monotonic_now();
    if (now >= ends_at(fault.ordered.end_ns())) {
      keep_first(first, let_go(fault));
    } else if (fault.phase == Known::kWaiting && now >= starts_at(fault.ordered.start_ns())) {
      const auto done = begin(fault);
      fault.phase = done ? Known::kActed : Known::kFailed;
      keep_first(first, done);
    }
  }
  return first;
}

Result<> ProcessFamily::begin(Known& fault) {
  return fault.freezer ? freeze(fault) : kill(fault);
}

Result<> ProcessFamily::kill(Known& fault) {
  const auto all = list_processes(options_.scope);
  const Spared spare = spared(all);
  const std::string& id = fault.ordered.id();
  // All of it is on record before the first dies.
  for (Target& target : fault.targets) {
    if (target.unit) {
      auto found = find_unit(fault.ordered, target.ordered);  // as it stands now
      if (!found) return tl::unexpected(found.error());
      target.unit = std::move(*found);
      if (!target.unit->was_active().empty())
        if (auto ok = owed_->owe(id, target.ordered, target.unit->was_active()); !ok) return ok;
      if (fault.ordered.process().hold_down())
        if (auto ok = target.unit->hold(); !ok) return ok;
    } else if (!target.selector.select(all, spare).processes.empty()) {
      if (auto ok = owed_->owe(id, target.ordered); !ok) return ok;
    }
    owed_->was_down(id, target.selector.service());
  }
  Result<> first;
  for (const Target& target : fault.targets) {
    const auto killed = kill(fault, target);
    if (killed) {
      auto& count = fault.counts[target.selector.service()];
      count.set_killed(count.killed() + *killed);
    } else {
      keep_first(first, tl::unexpected(killed.error()));
    }
  }
  owed_->killed(unix_now());
  return first;
}

Result<uint64_t> ProcessFamily::kill(const Known& fault, const Target& target) const {
  const auto select = [&] {
    const auto now = list_processes(options_.scope);
    return target.selector.select(now, spared(now));
  };
  if (!target.unit) return end_processes(select, signal_of(fault.ordered));
  const uint64_t there = select().processes.size();
  return target.unit->kill(signal_of(fault.ordered)).map([&] { return there; });
}

Result<> ProcessFamily::freeze(Known& fault) {
  Result<> first;
  for (const Target& target : fault.targets) {
    const auto still = fault.freezer->freeze([&] {
      const auto now = list_processes(options_.scope);
      return target.selector.select(now, spared(now));
    });
    if (still) {
      auto& count = fault.counts[target.selector.service()];
      count.set_frozen(count.frozen() + *still);
    } else {
      keep_first(first, tl::unexpected(still.error()));
    }
  }
  if (!first) (void)fault.freezer->thaw();
  return first;
}

bool ProcessFamily::Known::holds() const {
  return (freezer && freezer->holds()) ||
         (phase == kActed && ordered.process().hold_down() &&
          std::any_of(targets.begin(), targets.end(),
                      [](const Target& target) { return target.unit != nullptr; }));
}

Result<> ProcessFamily::let_go(Known& fault) {
  Result<> first;
  if (fault.freezer) keep_first(first, fault.freezer->thaw());
  for (Target& target : fault.targets)
    if (target.unit) keep_first(first, target.unit->release());
  fault.phase = Known::kOver;
  return first;
}

// A command would start another one; whoever else starts services looks first.
Result<> ProcessFamily::start(const contract::Step::DownService& service) const {
  if (service.command_size() > 0) {
    const auto all = list_processes(options_.scope);
    for (const Known& fault : faults_)
      for (const Target& target : fault.targets)
        if (target.selector.service() == service.service() &&
            !target.selector.select(all, {}).processes.empty())
          return {};
  }
  return start_again(service);
}

Result<> ProcessFamily::let_go() {
  Result<> first;
  for (Known& fault : faults_) keep_first(first, let_go(fault));
  return first;
}

contract::FaultState ProcessFamily::state_of(const Known& fault) const {
  if (fault.phase == Known::kOver || fault.phase == Known::kFailed) return contract::FAULT_REVERTED;
  if (monotonic_now() >= ends_at(fault.ordered.end_ns())) return contract::FAULT_REVERTED;
  return fault.phase == Known::kActed ? contract::FAULT_FIRING : contract::FAULT_ARMED;
}

void ProcessFamily::observe_faults(contract::HostReport& report) const {
  std::vector<HoldDownCount> ended;
  if (hold_down_) ended = hold_down_->counts();
  for (const Known& fault : faults_) {
    contract::FaultReport& out = *report.add_faults();
    out.set_id(fault.ordered.id());
    out.set_kind(fault.ordered.kind());
    out.set_engine(fault.engine);
    out.set_state(state_of(fault));
    for (const auto& [service, count] : fault.counts) {
      contract::ProcessCount& reported = *out.add_processes();
      reported = count;
      for (const HoldDownCount& one : ended)
        if (one.fault == fault.ordered.id() && one.service == service)
          reported.set_respawns_killed(one.ended);
    }
  }
}

FeatureReport probe_process_features() {
  Feature kill{"cgroup-kill", false, "",
               "cgroup v2, Linux 5.14 or later (processes are then signalled one by one)"};
  // The root has no such file: an empty one of our own is looked at, and goes again.
  const auto own = Cgroup::at("blackstart-probe-" + std::to_string(::getpid()));
  const auto made = own ? own->create() : tl::unexpected(own.error());
  if (!made) {
    kill.reason = made.error().message();
  } else {
    const auto done = own->kill(std::chrono::seconds(1));
    if (done) kill = {"cgroup-kill", true, "ended what is in a cgroup of its own", ""};
    if (!done) kill.reason = done.error().message();
    (void)own->remove();
  }
  return {probe_exec_kill(), probe_exec_deny(), kill};
}

}  // namespace blackstart
