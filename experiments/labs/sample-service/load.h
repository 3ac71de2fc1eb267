// SPDX-License-Identifier: Apache-2.0
// How a service behaves under load: one that can do only so much, and clients that ask whatever happens.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace sample {

// So many requests at a time, each for `work`; the others wait in order. What a client gave up on is done
// all the same, as a server does that is not told.
class Capacity {
 public:
  using Clock = std::chrono::steady_clock;
  // longest: whoever would have to wait longer is turned away at once.
  Capacity(size_t slots, std::chrono::milliseconds work, std::chrono::milliseconds longest)
      : free_at_(slots), work_(work), longest_(longest) {}

  // When a request that came at `now` is done; nullopt: it is turned away.
  std::optional<Clock::time_point> take(Clock::time_point now);

 private:
  std::mutex mutex_;
  std::vector<Clock::time_point> free_at_;  // by slot
  const std::chrono::milliseconds work_, longest_;
};

// Retries beyond this share of the first attempts are not made.
class RetryBudget {
 public:
  explicit RetryBudget(double share) : share_(share) {}
  void first_attempt();
  [[nodiscard]] bool may_retry();  // and takes it from the budget

 private:
  std::mutex mutex_;
  const double share_;
  double left_ = 0;  // at most kMostSaved
};

struct Load {
  std::string url;
  double rate = 0;     // new requests a second, however the others fare
  int retries = 0;     // at once, after an attempt that failed
  double budget = -1;  // share of the first attempts; < 0: there is none
  std::chrono::milliseconds timeout{};
};

// Asks until the process ends; returns at once.
void start_load(const Load& load);

}  // namespace sample
