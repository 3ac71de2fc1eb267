// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/process/killing_family.h"

#include <algorithm>

namespace blackstart {

Result<> KillingFamily::arm_timer() {
  auto timer = Timer::make();
  if (!timer) return tl::unexpected(timer.error());
  timer_ = std::move(*timer);
  return {};
}

int64_t KillingFamily::starts_at(int64_t start_ns, Duration later) const {
  return t0_ == 0 || start_ns >= word_.horizon ? INT64_MAX : t0_ + start_ns + later.count();
}

int64_t KillingFamily::ends_at(int64_t end_ns) const {
  return t0_ == 0 ? INT64_MAX : std::min(t0_ + end_ns, word_.lease_end);
}

void KillingFamily::set_timer() const {
  if (timer_.valid()) timer_.set(next_act());
}

Result<> KillingFamily::do_fire(int64_t t0, const Word& word) {
  t0_ = t0;
  word_ = word;
  if (hold_down_) hold_down_->fire(t0, word);
  set_timer();
  return {};
}

Result<> KillingFamily::do_renew(const Word& word) {
  word_ = word;
  if (hold_down_) hold_down_->renew(word);
  set_timer();
  return {};
}

Result<> KillingFamily::do_wake() {
  if (!timer_.valid() || t0_ == 0) return {};
  timer_.clear();
  const auto acted = act();
  set_timer();
  return acted;
}

void KillingFamily::do_observe(contract::HostReport& report) const {
  observe_faults(report);
  if (owed_)
    for (const contract::DownReport& each : owed_->reports()) *report.add_down() = each;
}

Result<> KillingFamily::do_lift() {
  if (hold_down_) hold_down_->revert();
  timer_.reset();
  return let_go();
}

Result<> KillingFamily::do_bring_back(const std::vector<std::string>& services) {
  return owed_ ? owed_->start(services) : Result<>();
}

Result<> KillingFamily::do_revert() {
  Result<> first = do_lift();
  if (!first) first.error().kind = ErrorKind::kStranded;
  if (owed_) keep_first(first, owed_->start_all());
  return first;
}

}  // namespace blackstart
