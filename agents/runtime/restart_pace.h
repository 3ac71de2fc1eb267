// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "agents/contract/units.h"

namespace blackstart {

// Bounds how often agent and sentinel restart each other: five times within ten seconds at once, then
// with a pause before each, so that a crash at start-up is not a storm.
class RestartPace {
 public:
  static constexpr size_t kAtOnce = 5;
  static constexpr Duration kWithin = std::chrono::seconds(10);
  static constexpr Duration kPause = std::chrono::seconds(5);

  // Notes a restart at `now` (CLOCK_MONOTONIC); how long to wait before it.
  Duration next(int64_t now);

  // How the memory survives an exec; text that is none counts as no memory.
  static RestartPace from_text(const std::string& text);
  [[nodiscard]] std::string text() const;

 private:
  std::deque<int64_t> restarts_;
};

}  // namespace blackstart
