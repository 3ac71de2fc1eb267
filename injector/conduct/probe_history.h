// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agents/contract/contract.pb.h"
#include "agents/contract/units.h"

namespace blackstart {

// Everything one probe has said so far. A sample belongs to the moment it was scheduled for, however
// long its answer took; an attempt that was missed is neither a success nor a failure.
class ProbeHistory {
 public:
  // patience: how long an attempt may take until its answer is in (period and timeout).
  explicit ProbeHistory(Duration patience = std::chrono::seconds(2)) : patience_(patience) {}

  struct Sample {
    UnixNs scheduled = 0;
    Duration took{0};
    contract::Sample::Outcome outcome = contract::Sample::UNKNOWN;
    std::string reason;
  };
  struct Count {
    uint64_t attempts = 0, failures = 0, missed = 0;
    // Of the attempts that were made; nullopt without any.
    [[nodiscard]] std::optional<double> success_ratio() const;
  };

  static constexpr UnixNs kEver = INT64_MAX;
  // Beyond what an attempt may take: collecting its answer, and a busy machine.
  static constexpr Duration kSilence = std::chrono::seconds(3);

  // Samples may come in any order; one that is already there is ignored.
  void add(const contract::Sample& sample);

  // Attempts scheduled in (from, to], without those still under way at `answered_by`.
  [[nodiscard]] Count count(UnixNs from, UnixNs to, UnixNs answered_by = kEver) const;
  // How long each of the attempts counted there took, shortest first; a failed one: Duration::max().
  [[nodiscard]] std::vector<Duration> latencies(UnixNs from, UnixNs to) const;
  // The success ratio of the `over` before the last moment up to which every attempt has its answer, so that
  // slow failures weigh as much as quick successes. nullopt: no data, or the probe has fallen silent.
  [[nodiscard]] std::optional<double> recent_ratio(Duration over, UnixNs now) const;
  [[nodiscard]] UnixNs settled() const;  // up to here every attempt has its answer; 0: nothing yet
  // No answer for longer than an attempt can take.
  [[nodiscard]] bool silent(UnixNs now) const;

  // How long an attempt may take until its answer is in.
  [[nodiscard]] Duration patience() const { return patience_; }
  // In order of schedule; holes (outcome UNKNOWN, scheduled 0) are attempts not heard of yet.
  [[nodiscard]] const std::vector<Sample>& samples() const { return samples_; }

 private:
  Duration patience_;
  std::vector<Sample> samples_;  // by sequence
  size_t contiguous_ = 0;        // samples_[0, contiguous_) are all known
};

}  // namespace blackstart
