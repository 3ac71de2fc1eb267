// SPDX-License-Identifier: Apache-2.0
#include "injector/conduct/probe_history.h"

#include <algorithm>

namespace blackstart {
namespace {

// A day of samples every 50 ms: what lies beyond is not a sequence number.
constexpr uint64_t kMostSamples = 24 * 3600 * 20;

}  // namespace

std::optional<double> ProbeHistory::Count::success_ratio() const {
  if (attempts == 0) return std::nullopt;
  return static_cast<double>(attempts - failures) / static_cast<double>(attempts);
}

void ProbeHistory::add(const contract::Sample& sample) {
  if (sample.sequence() >= kMostSamples || sample.outcome() == contract::Sample::UNKNOWN) return;
  if (sample.sequence() >= samples_.size()) samples_.resize(sample.sequence() + 1);
  Sample& slot = samples_[sample.sequence()];
  if (slot.outcome != contract::Sample::UNKNOWN) return;
  slot = {sample.scheduled_unix_ns(), Duration(sample.duration_ns()), sample.outcome(), sample.reason()};
  while (contiguous_ < samples_.size() && samples_[contiguous_].outcome != contract::Sample::UNKNOWN)
    ++contiguous_;
}

ProbeHistory::Count ProbeHistory::count(UnixNs from, UnixNs to, UnixNs answered_by) const {
  Count count;
  for (auto sample = samples_.rbegin(); sample != samples_.rend(); ++sample) {
    if (sample->outcome == contract::Sample::UNKNOWN || sample->scheduled > to) continue;
    if (sample->scheduled <= from) break;
    if (sample->outcome == contract::Sample::MISSED) {
      ++count.missed;
      continue;
    }
    if (sample->scheduled + sample->took.count() > answered_by) continue;
    ++count.attempts;
    if (sample->outcome == contract::Sample::FAILURE) ++count.failures;
  }
  return count;
}

std::vector<Duration> ProbeHistory::latencies(UnixNs from, UnixNs to) const {
  std::vector<Duration> took;
  for (auto sample = samples_.rbegin(); sample != samples_.rend(); ++sample) {
    if (sample->outcome == contract::Sample::UNKNOWN || sample->scheduled > to) continue;
    if (sample->scheduled <= from) break;
    if (sample->outcome == contract::Sample::SUCCESS) took.push_back(sample->took);
    if (sample->outcome == contract::Sample::FAILURE) took.push_back(Duration::max());
  }
  std::sort(took.begin(), took.end());
  return took;
}

UnixNs ProbeHistory::settled() const {
  return contiguous_ == 0 ? 0 : samples_[contiguous_ - 1].scheduled;
}

bool ProbeHistory::silent(UnixNs now) const {
  return settled() < now - patience_.count() - kSilence.count();
}

std::optional<double> ProbeHistory::recent_ratio(Duration over, UnixNs now) const {
  if (silent(now)) return std::nullopt;
  return count(settled() - over.count(), settled()).success_ratio();
}

}  // namespace blackstart
