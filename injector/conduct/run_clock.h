// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <utility>

#include "agents/contract/units.h"

namespace blackstart {

// The clock on the wall as it stood when the run began, carried on by one that nobody can set: what a run
// waits for and how long it took do not depend on who sets the other meanwhile.
class RunClock {
 public:
  explicit RunClock(std::function<UnixNs()> wall = unix_now,
                    std::function<int64_t()> monotonic = monotonic_now)
      : wall_(std::move(wall)), monotonic_(std::move(monotonic)), offset_(wall_() - monotonic_()) {}

  [[nodiscard]] UnixNs now() const { return offset_ + monotonic_(); }
  // How far the clock on the wall was set since then; below 0: back.
  [[nodiscard]] Duration set() const { return Duration(wall_() - now()); }

 private:
  std::function<UnixNs()> wall_;
  std::function<int64_t()> monotonic_;
  int64_t offset_;
};

}  // namespace blackstart
