// SPDX-License-Identifier: Apache-2.0
// When a drill may run, as it was written. What the clock shows at a moment is calendar.h's to say.
#pragma once

#include <bitset>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/language/problem.h"

namespace blackstart {

// "Mon-Fri 09:00-18:00", "Sat,Sun", "2026-12-24..2026-12-26", "22:00-06:00". The day is the one on which
// the window begins: "Sat 22:00-06:00" ends on Sunday.
struct TimeWindow {
  std::bitset<7> weekdays;                    // 0 is Monday; all of them when dates are given
  std::chrono::sys_days first{}, last{};      // both included; first > last: any date
  std::chrono::minutes from{0}, to{24 * 60};  // on the clock; to <= from: on the day after
  std::string text;
  Location at;

  [[nodiscard]] bool on(std::chrono::sys_days day) const;  // begins on this day of the calendar
  // Whether the clock shows a time inside: `from` is inside, `to` is not.
  [[nodiscard]] bool holds(std::chrono::sys_days day, std::chrono::minutes clock) const;
};

// The text fits format::window(). nullopt: a day that is in no calendar, dates in the wrong order, or a
// window as long as nothing.
std::optional<TimeWindow> parse_window(std::string_view text);

// A drill may run while one of `allowed` holds (none are given: always) and none of `blocked` does.
struct Windows {
  std::string zone;  // in the tz database; "": no windows
  std::vector<TimeWindow> allowed, blocked;

  [[nodiscard]] bool any() const { return !allowed.empty() || !blocked.empty(); }
};

}  // namespace blackstart
