// SPDX-License-Identifier: Apache-2.0
#include "load.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <thread>

#include "needs.h"

namespace sample {
namespace {

constexpr double kMostSaved = 10;  // retries

}  // namespace

std::optional<Capacity::Clock::time_point> Capacity::take(Clock::time_point now) {
  const std::scoped_lock lock(mutex_);
  auto& free_at = *std::min_element(free_at_.begin(), free_at_.end());
  const auto start = std::max(now, free_at);
  if (start - now > longest_) return std::nullopt;
  free_at = start + work_;
  return free_at;
}

void RetryBudget::first_attempt() {
  const std::scoped_lock lock(mutex_);
  left_ = std::min(kMostSaved, left_ + share_);
}

bool RetryBudget::may_retry() {
  const std::scoped_lock lock(mutex_);
  if (left_ < 1) return false;
  left_ -= 1;
  return true;
}

void start_load(const Load& load) {
  struct Shared {
    explicit Shared(const Load& wanted)
        : load(wanted),
          need{wanted.url, {wanted.url}},
          budget(wanted.budget),
          begin(Capacity::Clock::now()) {}
    Load load;
    Need need;
    RetryBudget budget;
    Capacity::Clock::time_point begin;
    std::atomic<uint64_t> next = 0;
  };
  const auto shared = std::make_shared<Shared>(load);
  // Enough of them that all can be in their last retry while new requests come.
  const double longest =
      static_cast<double>(load.retries + 1) * static_cast<double>(load.timeout.count()) / 1000;
  const auto threads = static_cast<size_t>(std::ceil(load.rate * longest * 1.25)) + 1;
  for (size_t i = 0; i < threads; ++i)
    std::thread([shared] {
      while (true) {
        const double due = static_cast<double>(shared->next++) / shared->load.rate;
        std::this_thread::sleep_until(shared->begin + std::chrono::microseconds(std::llround(due * 1e6)));
        shared->budget.first_attempt();
        for (int attempt = 0; attempt <= shared->load.retries; ++attempt) {
          if (attempt > 0 && shared->load.budget >= 0 && !shared->budget.may_retry()) break;
          if (ask(shared->need, shared->load.timeout).ok) break;
        }
      }
    }).detach();
}

}  // namespace sample
