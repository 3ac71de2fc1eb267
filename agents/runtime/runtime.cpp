// SPDX-License-Identifier: Apache-2.0
#include "agents/runtime/runtime.h"

#include <unistd.h>

#include <algorithm>

#include <spdlog/spdlog.h>

#include "agents/contract/units.h"
#include "agents/contract/wire.h"
#include "agents/runtime/check_order.h"
#include "agents/runtime/crash_points.h"

namespace blackstart {
namespace {

// An agent that hears of T0 later than this does not fire.
constexpr Duration kFireTolerance = std::chrono::seconds(1);
// Nor one that is told to wait longer than this: conductors agree on a T0 moments ahead, so the clocks
// disagree, or somebody made it up.
constexpr Duration kFireAhead = std::chrono::minutes(1);
// The kernel ends a fault at its deadline; the agent takes the objects away this much later, so that
// the last packets are counted.
constexpr Duration kTidyDelay = std::chrono::milliseconds(100);
// What taking back may cost before the sentinel loses its patience, which is kOverdue longer.
constexpr Duration kRevertPatience = std::chrono::milliseconds(750);
// Probes are not faults, but nobody should probe for ever for a conductor that is gone.
constexpr Duration kProbePatience = std::chrono::minutes(2);
// A run whose conductor has not collected for this long leaves the prober to the next.
constexpr Duration kConductorSilence = std::chrono::seconds(3);

contract::Reply failed(const Error& error) {
  contract::Reply reply;
  to_wire(error, reply.mutable_failure());
  return reply;
}

// What the families are told; the test build can switch deadline and protection off here.
contract::Order as_told(contract::Order order) {
  if (switched_off(Mechanism::kProtect)) order.clear_protection();
  if (switched_off(Mechanism::kDeadline))
    for (auto& fault : *order.mutable_faults()) fault.set_end_ns(kLongestFault.count());
  return order;
}

int64_t as_told(int64_t lease_end) {
  return switched_off(Mechanism::kDeadline) ? INT64_MAX : lease_end;
}

bool anything_down(const contract::HostReport& report) {
  return std::any_of(report.down().begin(), report.down().end(),
                     [](const auto& each) { return each.state() == contract::DownReport::DOWN; });
}

}  // namespace

// The order this host is held by, and what serves it.
struct Runtime::Held {
  contract::Order order;
  std::vector<std::unique_ptr<FaultFamily>> families;
  int64_t t0 = 0;         // CLOCK_MONOTONIC; 0: not fired
  int64_t told = 0;       // when it heard of t0
  int64_t lease_end = 0;  // INT64_MAX: holds until the deadline
  std::string trouble;    // what went wrong while the order was in force
  int64_t horizon = 0;    // offset from t0: faults that start here or later do not fire yet
  std::string lifted;     // why its faults are over, while what they killed is still down; "": they are not

  [[nodiscard]] int64_t last_end() const {
    int64_t end = 0;
    for (const auto& fault : order.faults()) end = std::max(end, fault.end_ns());
    for (const auto& leak : order.leaks()) end = std::max(end, leak.end_ns());
    for (const auto& start : order.cold_starts()) end = std::max(end, start.end_ns());
    return end;
  }
  [[nodiscard]] int64_t ends_at() const {
    if (t0 == 0 || !lifted.empty()) return lease_end;
    return std::min(lease_end, t0 + last_end() + kTidyDelay.count());
  }
  [[nodiscard]] int64_t lease_from(int64_t now) const {
    return order.hold() && t0 != 0 && lifted.empty()
               ? INT64_MAX
               : now + std::max<int64_t>(order.lease_ns(), 1'000'000'000);
  }
};

Runtime::Runtime(AgentIdentity identity, RuntimeParts parts)
    : identity_(std::move(identity)), parts_(std::move(parts)) {}

Runtime::~Runtime() {
  give_back("agent ends");
}

void Runtime::give_back(const std::string& reason) {
  if (held_) (void)revert(held_->order.run(), reason);
}

contract::Reply Runtime::answer(const contract::Request& request) {
  tick();  // what has lapsed is over before anybody's word can renew it
  contract::Reply reply;
  Result<> done;
  switch (request.body_case()) {
    case contract::Request::kHello:
      break;
    case contract::Request::kArm:
      done = arm(request.arm().order());
      break;
    case contract::Request::kFire:
      done = fire(request.fire());
      break;
    case contract::Request::kCollect: {
      renew(request.collect());
      if (request.collect().run() != probing_run_) break;
      Prober::Batch batch = parts_.prober->take(request.collect().samples_after());
      for (contract::Sample& sample : batch.samples) *reply.add_samples() = std::move(sample);
      reply.set_samples_until(batch.until);
      break;
    }
    case contract::Request::kRevert:
      done = request.revert().keep_down() ? lift(request.revert())
                                          : revert(request.revert().run(), request.revert().reason());
      break;
    case contract::Request::kReturnServices:
      done = bring_back(request.return_services());
      break;
    case contract::Request::kStartProbes:
      done = start_probes(request.start_probes(), reply);
      break;
    case contract::Request::kStopProbes:
      if (request.stop_probes().run() == probing_run_) {
        stop_probes();
      }
      break;
    case contract::Request::BODY_NOT_SET:
      return failed({ErrorKind::kInvalid, "read the request"});
  }
  if (!done) return failed(done.error());

  // The report of a run that has ended here is still its conductor's to read.
  const bool ended = !held_ && !last_.run().empty();
  const std::string asked = request.has_collect()           ? request.collect().run()
                            : request.has_revert()          ? request.revert().run()
                            : request.has_return_services() ? request.return_services().run()
                                                            : "";
  *reply.mutable_report() = ended && asked == last_.run() ? last_ : host_report();
  if (request.has_hello()) {
    *reply.mutable_report() = report();
    if (!held_ && changes_)
      for (contract::Residue& change : changes_()) *reply.mutable_report()->add_changes() = std::move(change);
  }
  return reply;
}

// A new run's probes count from 0; what nobody took of an earlier run's answers is passed over.
Result<> Runtime::start_probes(const contract::StartProbes& request, contract::Reply& reply) {
  if (auto ok = accept(parts_.policy, request); !ok) return ok;
  const int64_t asked = probes_end_ - kProbePatience.count();
  if (!probing_run_.empty() && probing_run_ != request.run() &&
      parts_.now() < asked + kConductorSilence.count())
    return fail(ErrorKind::kRefused, "probe from", identity_.host, 0,
                "run " + probing_run_ + " probes from it");
  if (probing_run_ != request.run()) stop_probes();
  const uint64_t until = parts_.prober->pass_over();
  if (auto ok = parts_.prober->start({request.probes().begin(), request.probes().end()}); !ok) return ok;
  probing_run_ = request.run();
  probes_end_ = parts_.now() + kProbePatience.count();
  reply.set_samples_until(until);
  return {};
}

void Runtime::stop_probes() {
  parts_.prober->stop();
  probing_run_.clear();
  probes_end_ = INT64_MAX;
}

Result<> Runtime::require_no_stop(const std::string& operation) const {
  const auto stop = parts_.stop();
  if (!stop) return {};
  return fail(ErrorKind::kRefused, operation, identity_.host, 0, stop->hint);
}

void Runtime::tell_deadline() const {
  int64_t due = INT64_MAX;
  if (held_) {
    due = held_->ends_at();
    for (const auto& family : held_->families) due = std::min(due, family->due());
  }
  parts_.deadline(due);
}

void Runtime::end_journal() {
  if (!parts_.journal) return;
  if (auto ok = parts_.journal->end(); !ok) spdlog::warn("{}", ok.error().message());
}

Result<> Runtime::arm_all(Held& held) {
  const contract::Order told = as_told(held.order);
  for (auto& family : held.families)
    if (auto ok = family->arm(told); !ok) return ok;
  return {};
}

Error Runtime::after_failed_arm(const Error& why) {
  end_journal();
  if (!parts_.journal || parts_.journal->standing().empty()) return why;
  const auto reaped = parts_.reap();
  if (reaped && parts_.journal->standing().empty()) return why;
  Error stranded = reaped ? why : reaped.error();
  stranded.kind = ErrorKind::kStranded;
  stranded.hint += (stranded.hint.empty() ? "" : "; ") + std::string("it came up after ") + why.message();
  return stranded;
}

Result<> Runtime::arm(const contract::Order& ordered) {
  const auto admitted = admit(ordered, identity_.host, parts_.policy);
  if (!admitted) return tl::unexpected(admitted.error());
  const contract::Order& order = *admitted;
  if (auto ok = require_no_stop("arm"); !ok) return ok;
  if (auto ok = parts_.may_arm(); !ok) return ok;
  if (held_ && held_->order.run() != order.run())
    return fail(ErrorKind::kRefused, "arm", identity_.host, 0, "run " + held_->order.run() + " holds it");
  if (held_)
    if (auto ok = revert(order.run(), "armed again"); !ok) return ok;

  reached(CrashPoint::kOrderAccepted);
  // Armed again, a run still answers for what it did at first.
  if (parts_.snapshot && last_.run() != order.run()) changes_ = parts_.snapshot();
  auto families = parts_.make_families();
  if (!families) return tl::unexpected(families.error());
  if (parts_.journal)
    if (auto ok = parts_.journal->begin(order.run()); !ok) return ok;
  auto held = std::make_unique<Held>();
  held->order = order;
  held->families = std::move(*families);
  if (auto ok = arm_all(*held); !ok) {
    held.reset();  // the families armed before revert as they go
    return tl::unexpected(after_failed_arm(ok.error()));
  }
  held->lease_end = held->lease_from(parts_.now());
  held_ = std::move(held);
  last_.Clear();
  tell_deadline();
  reached(CrashPoint::kArmed);
  spdlog::info("armed for run {}: {} faults, {} leak watches", order.run(), order.faults_size(),
               order.leaks_size());
  return {};
}

Result<> Runtime::require_run(const std::string& run) const {
  if (held_ && held_->order.run() == run) return {};
  return fail(ErrorKind::kRefused, "obey run " + run + " on", identity_.host, 0,
              held_ ? "run " + held_->order.run() + " holds it" : "it is not armed");
}

Result<> Runtime::fire(const contract::Fire& fire) {
  if (auto ok = require_run(fire.run()); !ok) return ok;
  if (held_->t0 != 0) return {};
  if (auto ok = require_no_stop("fire on"); !ok) return ok;
  const int64_t now = parts_.now();
  int64_t ahead = 0;
  if (__builtin_sub_overflow(fire.t0_unix_ns(), unix_now(), &ahead) || ahead > kFireAhead.count() ||
      fire.horizon_ns() < 0)
    return fail(ErrorKind::kRefused, "fire on", identity_.host, 0,
                "its T0 is more than " + format_duration(kFireAhead) +
                    " ahead of this host's clock, or its horizon is none");
  const int64_t t0 = monotonic_at(fire.t0_unix_ns());
  if (now - t0 > kFireTolerance.count()) {
    const std::string late = format_duration(Duration(now - t0));
    (void)revert(fire.run(), "late");
    return fail(ErrorKind::kRefused, "fire on", identity_.host, 0,
                "it heard of T0 " + late + " too late, and did not fire");
  }
  held_->t0 = t0;
  held_->told = now;
  held_->horizon = fire.horizon_ns();
  held_->lease_end = held_->lease_from(now);
  for (auto& family : held_->families) {
    if (auto ok = family->fire(t0, {as_told(held_->lease_end), held_->horizon}); !ok) {
      (void)revert(fire.run(), "could not fire");
      return ok;
    }
  }
  tell_deadline();
  reached(CrashPoint::kFired);
  return {};
}

void Runtime::renew(const contract::Collect& collect) {
  const int64_t now = parts_.now();
  if (collect.run() == probing_run_ && probes_end_ != INT64_MAX) probes_end_ = now + kProbePatience.count();
  if (!held_ || held_->order.run() != collect.run() || !collect.renew()) return;
  held_->lease_end = held_->lease_from(now);
  held_->horizon = std::max(held_->horizon, collect.horizon_ns());
  for (auto& family : held_->families)
    if (auto ok = family->renew({as_told(held_->lease_end), held_->horizon}); !ok)
      held_->trouble = ok.error().message();
  tell_deadline();
  reached(CrashPoint::kRenewed);
}

Result<> Runtime::lift(const contract::Revert& request) {
  if (!held_) return {};
  if (auto ok = require_run(request.run()); !ok) return ok;
  if (!held_->lifted.empty()) return {};
  if (held_->t0 == 0 || !anything_down(host_report())) return revert(request.run(), request.reason());
  parts_.deadline(parts_.now() + kRevertPatience.count());
  Result<> outcome;
  for (auto& family : held_->families)
    if (auto ok = family->lift(); !ok && outcome) outcome = ok;
  if (!outcome) {
    (void)revert(request.run(), request.reason());
    return outcome;
  }
  held_->lifted = request.reason().empty() ? "end" : request.reason();
  held_->lease_end = held_->lease_from(parts_.now());
  tell_deadline();
  spdlog::info("the faults of run {} are over ({}); what they killed waits", request.run(), held_->lifted);
  return {};
}

Result<> Runtime::bring_back(const contract::Return& request) {
  if (!held_) return {};
  if (auto ok = require_run(request.run()); !ok) return ok;
  if (held_->lifted.empty())
    return fail(ErrorKind::kRefused, "start again on", identity_.host, 0, "its faults are not over");
  const std::vector<std::string> services(request.services().begin(), request.services().end());
  parts_.deadline(parts_.now() + kRevertPatience.count());
  Result<> outcome;
  for (auto& family : held_->families)
    if (auto ok = family->bring_back(services); !ok && outcome) outcome = ok;
  tell_deadline();
  return outcome;
}

Result<> Runtime::revert(const std::string& run, const std::string& reason) {
  if (!held_) return {};
  if (auto ok = require_run(run); !ok) return ok;
  parts_.deadline(parts_.now() + kRevertPatience.count());
  reached(CrashPoint::kReverting);
  Result<> outcome;
  contract::HostReport final_report = host_report();
  for (auto& family : held_->families) {
    if (auto ok = family->revert(); !ok && outcome) outcome = ok;
  }
  *final_report.mutable_down() = host_report().down();  // what was started just now
  for (auto& fault : *final_report.mutable_faults())
    fault.set_state(outcome ? contract::FAULT_REVERTED : contract::FAULT_STRANDED);
  final_report.set_armed(false);
  final_report.set_lifted(false);
  final_report.set_note(held_->lifted.empty() ? reason : held_->lifted);
  last_ = std::move(final_report);
  spdlog::info("reverted run {} ({})", run, reason);
  held_.reset();  // `run` may have been its own
  end_journal();
  tell_deadline();
  reached(CrashPoint::kReverted);
  if (!outcome) spdlog::error("stranded: {}", outcome.error().message());
  return outcome;
}

void Runtime::tick() {
  const int64_t now = parts_.now();
  if (held_)
    if (const auto stop = parts_.stop()) (void)revert(held_->order.run(), stop->reason);
  if (held_ && now >= held_->ends_at()) {
    reached(CrashPoint::kDeadlineReached);
    const bool over = held_->t0 != 0 && held_->lease_end > held_->t0 + held_->last_end();
    contract::Revert word;
    word.set_run(held_->order.run());
    word.set_reason(over ? "end" : "lease");
    // In time the conductor's word on the return may still be on its way.
    (void)(over && held_->lifted.empty() ? lift(word) : revert(word.run(), word.reason()));
  }
  if (now >= probes_end_) stop_probes();
}

int64_t Runtime::next_tick() const {
  if (!held_) return probes_end_;
  return std::min({held_->ends_at(), probes_end_, parts_.now() + kStopFilesEvery.count()});
}

contract::HostReport Runtime::report() const {
  contract::HostReport full = host_report();
  if (!held_)
    for (std::string& object : parts_.residue()) full.add_residue(std::move(object));
  return full;
}

contract::HostReport Runtime::host_report() const {
  contract::HostReport report;
  report.set_host(identity_.host);
  report.set_site(identity_.site);
  report.set_version(BLACKSTART_VERSION);
  report.set_boot_id(identity_.boot_id);
  report.set_pid(getpid());
  if (!held_) return report;
  report.set_run(held_->order.run());
  report.set_experiment(held_->order.experiment());
  report.set_armed(true);
  report.set_lifted(!held_->lifted.empty());
  report.set_note(held_->trouble);
  if (held_->t0 != 0) {
    report.set_t0_unix_ns(unix_at(held_->t0));
    report.set_fired_unix_ns(unix_at(std::max(held_->t0, held_->told)));
  }
  for (const auto& family : held_->families) family->observe(report);
  if (held_->t0 == 0) return report;
  for (auto& fault : *report.mutable_faults()) {
    const auto ordered = std::find_if(held_->order.faults().begin(), held_->order.faults().end(),
                                      [&](const auto& own) { return own.id() == fault.id(); });
    if (ordered == held_->order.faults().end()) continue;
    fault.set_start_unix_ns(unix_at(held_->t0 + ordered->start_ns()));
    fault.set_end_unix_ns(unix_at(std::min(held_->t0 + ordered->end_ns(), held_->lease_end)));
  }
  return report;
}

std::vector<int> Runtime::wake_fds() const {
  std::vector<int> fds;
  if (held_)
    for (const auto& family : held_->families)
      if (const int fd = family->wake_fd(); fd >= 0) fds.push_back(fd);
  return fds;
}

void Runtime::wake() {
  if (!held_) return;
  for (auto& family : held_->families)
    if (auto ok = family->wake(); !ok) {
      held_->trouble = ok.error().message();
      spdlog::error("{}", held_->trouble);
    }
  tell_deadline();
}

}  // namespace blackstart
