// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/power/power_fault.h"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "agents/kernel/sock_destroy.h"

namespace blackstart {
namespace {

// How often it looks while processes die and sockets go.
constexpr Duration kLooks = std::chrono::milliseconds(5);

Result<> require_silence(const contract::Fault& fault) {
  if (fault.rules_size() > 0 && fault.manner() == contract::MANNER_SILENT) return {};
  return fail(ErrorKind::kRefused, "arm", fault.kind() + " " + fault.id(), 0,
              "power goes without a word: it needs a silent cut of the network around it");
}

}  // namespace

PowerFault::~PowerFault() {
  if (const auto ok = revert(); !ok) spdlog::error("{}", ok.error().message());
}

Result<> PowerFault::do_arm(const contract::Order& order) {
  for (const contract::Fault& fault : order.faults()) {
    if (!fault.has_process() || fault.process().act() != contract::ProcessFault::POWER_LOSS) continue;
    if (auto ok = require_silence(fault); !ok) return ok;
    Loss loss;
    loss.id = fault.id();
    loss.kind = fault.kind();
    loss.start_ns = fault.start_ns();
    loss.end_ns = fault.end_ns();
    loss.targets.assign(fault.process().targets().begin(), fault.process().targets().end());
    losses_.push_back(std::move(loss));
  }
  if (losses_.empty()) return {};
  const auto undone = [&](const Error& error) -> Result<> {
    (void)revert();
    losses_.clear();
    return tl::unexpected(error);
  };
  if (!parts_.processes)
    return undone({ErrorKind::kRefused, "take the power of", order.host(), 0, parts_.refusal});
  if (auto ok = parts_.processes->ready(order); !ok) return undone(ok.error());
  for (const contract::PortMatch& port : order.protection().ports())
    protected_ports_.insert(static_cast<uint16_t>(port.port()));
  if (parts_.processes->kills())
    if (const Feature ends = probe_sock_destroy(); !ends.available)
      return undone(
          {ErrorKind::kMissing, "end the sockets of", order.host(), 0, ends.reason + "; " + ends.hint});
  if (auto ok = arm_timer(); !ok) return undone(ok.error());
  owed_ = std::make_unique<OwedStarts>(parts_.steps, parts_.start, order.host(), parts_.keeper);
  if (auto ok = arm_hold_down(order.run()); !ok) return undone(ok.error());
  return {};
}

Result<> PowerFault::arm_hold_down(const std::string& run) {
  if (!parts_.held_down) return {};
  std::vector<HoldDownRule> rules;
  for (const Loss& loss : losses_)
    rules.push_back({.fault = loss.id,
                     .start_ns = loss.start_ns + parts_.behind_the_cut.count(),
                     .end_ns = loss.end_ns,
                     .everything = true});
  auto made = HoldDown::make(
      rules, {.run = run, .scope = *parts_.held_down, .never = parts_.processes->never_held_down()});
  if (!made) return tl::unexpected(made.error());
  hold_down_ = std::move(*made);
  return {};
}

int64_t PowerFault::strikes_at(const Loss& loss) const {
  return starts_at(loss.start_ns, parts_.behind_the_cut);
}

// When advance() is needed next; INT64_MAX: no more.
int64_t PowerFault::next(const Loss& loss) const {
  const int64_t now = monotonic_now(), strikes = strikes_at(loss), ends = ends_at(loss.end_ns);
  if (strikes == INT64_MAX) return INT64_MAX;
  if (holding_ && !parts_.processes->kills() && loss.phase != Phase::kWaiting) return ends;
  if (now >= ends || loss.phase == Phase::kDark) return INT64_MAX;
  return now < strikes ? strikes : now + kLooks.count();
}

int64_t PowerFault::next_act() const {
  int64_t due = INT64_MAX;
  for (const Loss& loss : losses_) due = std::min(due, next(loss));
  return due;
}

Result<> PowerFault::act() {
  Result<> first;
  for (Loss& loss : losses_) keep_first(first, advance(loss));
  return first;
}

Result<> PowerFault::advance(Loss& loss) {
  const int64_t now = monotonic_now();
  if (now < strikes_at(loss)) return {};
  if (now >= ends_at(loss.end_ns)) return loss.phase != Phase::kWaiting ? let_go() : Result<>();
  if (loss.phase == Phase::kWaiting) {
    if (!parts_.cut_in_force(loss.id))
      return fail(ErrorKind::kInternal, "take power", loss.kind + " " + loss.id, 0,
                  "its cut is not in force: nothing is killed that would be heard");
    if (auto ok = strike(loss); !ok) return ok;
    loss.phase = Phase::kDying;
  }
  if (loss.phase == Phase::kDark) return {};
  // What was being closed when a pass looked is an orphan by the next.
  const bool dark = parts_.processes->dark();
  Result<> first = dark ? Result<>() : parts_.processes->take_power();
  const auto ended = end_sockets();
  if (!ended) keep_first(first, tl::unexpected(ended.error()));
  loss.sockets += ended.value_or(0);
  if (dark && ended && *ended == 0) {
    loss.phase = Phase::kDark;
    spdlog::info("{} {}: dark; {} sockets ended", loss.kind, loss.id, loss.sockets);
  }
  return first;
}

// Of those that are left without an owner.
Result<uint32_t> PowerFault::end_sockets() {
  if (!parts_.end_sockets || !parts_.processes->kills()) return 0;
  return end_tcp_sockets({.ports = protected_ports_, .inodes = own_sockets(), .held = true})
      .map([](const EndedSockets& ended) { return ended.ended; });
}

Result<> PowerFault::strike(Loss& loss) {
  uint64_t all = parts_.processes->running();
  for (const contract::ProcessTarget& target : loss.targets) {
    const uint64_t running = parts_.processes->running(target);
    if (running > 0) loss.hit[target.service()] += running;
    all -= std::min(all, running);
    if (!parts_.processes->kills()) continue;
    if (running == 0)
      owed_->was_down(loss.id, target.service());
    else if (auto ok = owed_->owe(loss.id, target); !ok)
      return ok;
  }
  if (all > 0) loss.hit[""] += all;
  const auto also = parts_.processes->also();
  if (!also) return tl::unexpected(also.error());
  for (const contract::ProcessTarget& target : *also)
    if (auto ok = owed_->owe(loss.id, target); !ok) return ok;
  holding_ = true;
  const auto ok = parts_.processes->take_power();
  owed_->killed(unix_now());
  return ok;
}

void PowerFault::observe_faults(contract::HostReport& report) const {
  for (const Loss& loss : losses_) {
    // The traffic family has told of its packets.
    auto told = std::find_if(report.mutable_faults()->begin(), report.mutable_faults()->end(),
                             [&](const contract::FaultReport& each) { return each.id() == loss.id; });
    contract::FaultReport* fault = told != report.mutable_faults()->end() ? &*told : report.add_faults();
    fault->set_id(loss.id);
    fault->set_kind(loss.kind);
    const auto add = [&](const std::string& service, uint64_t hit, uint64_t respawns) {
      contract::ProcessCount* count = fault->add_processes();
      count->set_service(service);
      parts_.processes->kills() ? count->set_killed(hit) : count->set_frozen(hit);
      count->set_respawns_killed(respawns);
    };
    const uint64_t came = respawns(loss);
    for (const auto& [service, hit] : loss.hit) add(service, hit, service.empty() ? came : 0);
    if (came > 0 && !loss.hit.contains("")) add("", 0, came);
  }
}

uint64_t PowerFault::respawns(const Loss& loss) const {
  if (!hold_down_) return 0;
  for (const HoldDownCount& count : hold_down_->counts())
    if (count.fault == loss.id) return count.ended;
  return 0;
}

// What holds processes beyond their death ends here, at the latest.
int64_t PowerFault::do_due() const {
  if (!holding_ || parts_.processes->kills()) return INT64_MAX;
  int64_t due = INT64_MAX;
  for (const Loss& loss : losses_)
    if (loss.phase != Phase::kWaiting) due = std::min(due, ends_at(loss.end_ns));
  return due;
}

Result<> PowerFault::let_go() {
  if (!holding_) return {};
  const auto given = parts_.processes->give_power();
  holding_ = !given;
  return given;
}

}  // namespace blackstart
