// SPDX-License-Identifier: Apache-2.0
#include "agents/probes/sample_buffer.h"

#include <algorithm>
#include <utility>

namespace blackstart {

void SampleBuffer::push(const std::shared_ptr<const std::string>& probe, uint64_t sequence,
                        int64_t scheduled_unix_ns, int64_t duration_ns, Finding finding) {
  const std::lock_guard lock(mutex_);
  kept_.push_back({probe, sequence, scheduled_unix_ns, duration_ns, std::move(finding)});
  ++last_;
  if (kept_.size() > capacity_) kept_.pop_front();
}

SampleBatch SampleBuffer::take(uint64_t after, size_t limit) {
  const std::lock_guard lock(mutex_);
  if (after > last_) after = 0;
  while (!kept_.empty() && last_ - kept_.size() < after) kept_.pop_front();

  SampleBatch batch;
  const uint64_t forgotten = last_ - kept_.size();
  batch.lost = forgotten - after;
  const size_t count = std::min(limit, kept_.size());
  batch.until = forgotten + count;
  batch.samples.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const Stored& stored = kept_[i];
    contract::Sample& sample = batch.samples.emplace_back();
    sample.set_probe(*stored.probe);
    sample.set_sequence(stored.sequence);
    sample.set_scheduled_unix_ns(stored.scheduled_unix_ns);
    sample.set_duration_ns(stored.duration_ns);
    sample.set_outcome(stored.finding.outcome);
    sample.set_reason(stored.finding.reason);
  }
  return batch;
}

}  // namespace blackstart
