// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/process/process_family.h"

#include <signal.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <spdlog/spdlog.h>

#include "agents/contract/units.h"
#include "agents/faults/process/kill.h"
#include "agents/faults/process/restart.h"
#include "agents/kernel/cgroup.h"
#include "agents/kernel/kernel_error.h"

namespace blackstart {
namespace {

using contract::DownReport;
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
  host_ = order.host();
  const auto all = list_processes(options_.scope);
  Result<> ok = find_protected(order);
  for (const contract::Fault& fault : order.faults())
    if (ok && is_ours(fault)) ok = arm_fault(fault, all);
  if (ok) ok = arm_hold_down(order, all);
  timer_ = Fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (ok && !timer_.valid()) ok = kernel_refused(errno, "make", "a timer");
  if (!ok) {
    hold_down_.reset();
    faults_.clear();
    timer_.reset();
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
    known.targets.push_back({std::move(*selector), target});
  }
  if (known.targets.empty()) return refuse(fault.kind(), "it names no processes");
  if (fault.process().act() == ProcessFault::FREEZE)
    known.freezer = std::make_unique<Freezer>(options_.steps);
  faults_.push_back(std::move(known));
  return {};
}

Result<> ProcessFamily::arm_hold_down(const contract::Order& order, const std::vector<Process>& all) {
  std::vector<HoldDownRule> rules;
  for (const Known& fault : faults_) {
    if (!fault.ordered.process().hold_down()) continue;
    for (const Target& target : fault.targets) {
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

Result<> ProcessFamily::do_fire(int64_t t0, const Word& word) {
  t0_ = t0;
  word_ = word;
  if (hold_down_) hold_down_->fire(t0, word);
  set_timer();
  return {};
}

Result<> ProcessFamily::do_renew(const Word& word) {
  word_ = word;
  if (hold_down_) hold_down_->renew(word);
  set_timer();
  return {};
}

// For the next start of a fault that may act, or the end of one that holds something.
void ProcessFamily::set_timer() const {
  if (!timer_.valid() || t0_ == 0) return;
  int64_t due = INT64_MAX;
  for (const Known& fault : faults_) {
    if (fault.phase == Known::kWaiting && fault.ordered.start_ns() < word_.horizon)
      due = std::min(due, t0_ + fault.ordered.start_ns());
    if (fault.phase == Known::kActed && fault.freezer) due = std::min(due, t0_ + fault.ordered.end_ns());
  }
  itimerspec at{};
  if (due != INT64_MAX) at.it_value = {due / 1'000'000'000, std::max<int64_t>(due % 1'000'000'000, 1)};
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &at, nullptr);
}

int64_t ProcessFamily::do_due() const {
  int64_t due = INT64_MAX;
  for (const Known& fault : faults_)
    if (fault.freezer && fault.freezer->holds())
      due = std::min({due, t0_ + fault.ordered.end_ns(), word_.lease_end});
  return due;
}

Result<> ProcessFamily::do_wake() {
  uint64_t expirations;
  while (::read(timer_.get(), &expirations, sizeof(expirations)) > 0) {
  }
  const auto ok = tick();
  set_timer();
  return ok;
}

Result<> ProcessFamily::tick() {
  if (t0_ == 0) return {};
  Result<> first;
  for (Known& fault : faults_) {
    const int64_t now = monotonic_now();
    if (now >= std::min(t0_ + fault.ordered.end_ns(), word_.lease_end)) {
      if (fault.freezer) keep_first(first, fault.freezer->thaw());
      fault.phase = Known::kOver;
    } else if (fault.phase == Known::kWaiting && now >= t0_ + fault.ordered.start_ns() &&
               fault.ordered.start_ns() < word_.horizon) {
      const auto done = act(fault);
      fault.phase = done ? Known::kActed : Known::kFailed;
      keep_first(first, done);
    }
  }
  return first;
}

Result<> ProcessFamily::act(Known& fault) {
  return fault.freezer ? freeze(fault) : kill(fault);
}

Result<> ProcessFamily::kill(Known& fault) {
  const auto all = list_processes(options_.scope);
  const Spared spare = spared(all);
  // All of it is on record before the first dies.
  for (const Target& target : fault.targets)
    if (auto ok = record_down(fault, target, !target.selector.select(all, spare).processes.empty()); !ok)
      return ok;
  Result<> first;
  for (const Target& target : fault.targets) {
    const auto killed = end_processes(
        [&] {
          const auto now = list_processes(options_.scope);
          return target.selector.select(now, spared(now));
        },
        signal_of(fault.ordered));
    if (!killed) {
      keep_first(first, tl::unexpected(killed.error()));
      continue;
    }
    auto& count = fault.counts[target.selector.service()];
    count.set_killed(count.killed() + *killed);
  }
  return first;
}

Result<> ProcessFamily::record_down(const Known& fault, const Target& target, bool runs) {
  const contract::ProcessTarget& ordered = target.ordered;
  Down down{.selector = target.selector};
  down.report.set_fault(fault.ordered.id());
  down.report.set_service(ordered.service());
  down.how.set_fault(fault.ordered.id());
  down.how.set_service(ordered.service());
  down.how.set_host(host_);
  if (ordered.restore() == contract::RESTORE_AUTO && options_.scope.lab())
    down.how.set_keeper(options_.keeper);
  if (ordered.restore() == contract::RESTORE_COMMAND) *down.how.mutable_command() = ordered.command();
  const bool somebody = !down.how.keeper().empty() || down.how.command_size() > 0;
  if (!runs) {
    down.report.set_state(DownReport::WAS_DOWN);
  } else if (!somebody) {
    down.report.set_state(DownReport::LEFT);
    down.report.set_why(ordered.restore() == contract::RESTORE_NONE ? "the experiment leaves it down"
                                                                    : "nobody is known who would start it");
    down.report.set_killed_unix_ns(unix_now());
  } else {
    if (options_.steps) {
      contract::Step step;
      *step.mutable_down_service() = down.how;
      const auto recorded = options_.steps->record(step);
      if (!recorded) return tl::unexpected(recorded.error());
      down.step = *recorded;
    }
    down.report.set_state(DownReport::DOWN);
    down.report.set_killed_unix_ns(unix_now());
  }
  down_.push_back(std::move(down));
  return {};
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

Result<> ProcessFamily::start_again(Down& down) {
  // A command would start another one; whoever else starts services looks first.
  const bool runs = down.how.command_size() > 0 &&
                    !down.selector.select(list_processes(options_.scope), {}).processes.empty();
  const auto started = runs ? Result<>() : blackstart::start_again(down.how);
  if (!started) {
    down.report.set_state(DownReport::FAILED);
    down.report.set_why(started.error().message());
    return started;
  }
  down.report.set_state(DownReport::STARTED);
  down.report.clear_why();
  down.report.set_started_unix_ns(unix_now());
  if (options_.steps) (void)options_.steps->taken_back(down.step);
  return {};
}

Result<> ProcessFamily::do_lift() {
  Result<> first;
  for (Known& fault : faults_) {
    if (fault.freezer) keep_first(first, fault.freezer->thaw());
    fault.phase = Known::kOver;
  }
  if (hold_down_) hold_down_->revert();
  timer_.reset();
  return first;
}

Result<> ProcessFamily::do_bring_back(const std::vector<std::string>& services) {
  Result<> first;
  for (Down& down : down_) {
    const bool meant = std::find(services.begin(), services.end(), down.report.service()) != services.end();
    const bool owed = down.report.state() == DownReport::DOWN || down.report.state() == DownReport::FAILED;
    if (meant && owed) keep_first(first, start_again(down));
  }
  return first;
}

Result<> ProcessFamily::do_revert() {
  Result<> first = lift();
  if (!first) first.error().kind = ErrorKind::kStranded;
  std::string names, why;
  for (Down& down : down_) {
    if (down.report.state() != DownReport::DOWN && down.report.state() != DownReport::FAILED) continue;
    if (start_again(down)) continue;
    names += (names.empty() ? "" : ", ") + down.report.service();
    if (why.empty()) why = down.report.why();
  }
  if (!names.empty()) keep_first(first, fail(ErrorKind::kStranded, "start again", names, 0, why));
  return first;
}

contract::FaultState ProcessFamily::state_of(const Known& fault) const {
  if (fault.phase == Known::kOver || fault.phase == Known::kFailed) return contract::FAULT_REVERTED;
  const int64_t now = monotonic_now();
  if (t0_ != 0 && now >= std::min(t0_ + fault.ordered.end_ns(), word_.lease_end))
    return contract::FAULT_REVERTED;
  return fault.phase == Known::kActed ? contract::FAULT_FIRING : contract::FAULT_ARMED;
}

void ProcessFamily::do_observe(contract::HostReport& report) const {
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
  for (const Down& down : down_) *report.add_down() = down.report;
}

FeatureReport probe_process_features() {
  Feature kill{"cgroup-kill", false, "no cgroup has cgroup.kill",
               "cgroup v2, Linux 5.14 or later (processes are then signalled one by one)"};
  // The root has no such file, which is why the first below it is looked at.
  if (const auto root = Cgroup::at("")) {
    for (const Cgroup& child : root->children())
      if (::access((child.path() / "cgroup.kill").c_str(), F_OK) == 0)
        kill = {"cgroup-kill", true, child.path().string() + " has cgroup.kill", ""};
    if (root->children().empty()) kill.reason = "there is no cgroup to look at";
  } else {
    kill.reason = root.error().message();
  }
  return {probe_exec_kill(), probe_exec_deny(), kill};
}

}  // namespace blackstart
