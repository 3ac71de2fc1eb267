// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agents/contract/contract.pb.h"

namespace blackstart {

// What one attempt found.
struct Finding {
  contract::Sample::Outcome outcome = contract::Sample::UNKNOWN;
  std::string reason;  // "" for success
};

struct SampleBatch {
  std::vector<contract::Sample> samples;  // oldest first
  uint64_t until = 0;                     // pass as `after` next time
  uint64_t lost = 0;                      // overwritten since `after` before anyone took them
};

// Keeps the newest `capacity` samples until they are taken. Each gets a cursor, from 1, that never
// repeats in the life of the buffer. Safe to use from several threads.
class SampleBuffer {
 public:
  explicit SampleBuffer(size_t capacity) : capacity_(capacity) {}

  void push(const std::shared_ptr<const std::string>& probe, uint64_t sequence, int64_t scheduled_unix_ns,
            int64_t duration_ns, Finding finding);

  // The oldest samples after the cursor, at most `limit`; what stands before it is forgotten. A cursor
  // this buffer has not reached comes from another life of the agent and counts as 0.
  [[nodiscard]] SampleBatch take(uint64_t after, size_t limit);

 private:
  // A third of the size of its message.
  struct Stored {
    std::shared_ptr<const std::string> probe;
    uint64_t sequence;
    int64_t scheduled_unix_ns;
    int64_t duration_ns;
    Finding finding;
  };

  const size_t capacity_;
  std::mutex mutex_;
  std::deque<Stored> kept_;
  uint64_t last_ = 0;  // cursor of the newest; the oldest kept has last_ - kept_.size() + 1
};

}  // namespace blackstart
