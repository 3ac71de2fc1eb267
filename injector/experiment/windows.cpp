// SPDX-License-Identifier: Apache-2.0
#include "injector/experiment/windows.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace blackstart {
namespace {

using std::chrono::minutes;
using std::chrono::sys_days;

constexpr std::array<std::string_view, 7> kDays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr minutes kDay{24 * 60};

int number(std::string_view digits) {
  int value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

size_t weekday(std::string_view name) {
  return static_cast<size_t>(std::find(kDays.begin(), kDays.end(), name) - kDays.begin());
}

// "Mon-Fri,Sun"; a span may go round the end of the week.
std::bitset<7> weekdays(std::string_view text) {
  std::bitset<7> days;
  for (size_t at = 0; at < text.size(); at += 4) {
    const size_t first = weekday(text.substr(at, 3));
    size_t last = first;
    if (at + 3 < text.size() && text[at + 3] == '-') last = weekday(text.substr(at += 4, 3));
    for (size_t day = first;; day = (day + 1) % 7) {
      days.set(day);
      if (day == last) break;
    }
  }
  return days;
}

std::optional<sys_days> date(std::string_view text) {
  using namespace std::chrono;
  const year_month_day day{year(number(text.substr(0, 4))),
                           month(static_cast<unsigned>(number(text.substr(5, 2)))),
                           std::chrono::day(static_cast<unsigned>(number(text.substr(8, 2))))};
  if (!day.ok()) return std::nullopt;
  return sys_days(day);
}

minutes clock_time(std::string_view text) {
  return minutes(number(text.substr(0, 2)) * 60 + number(text.substr(3, 2)));
}

}  // namespace

bool TimeWindow::on(sys_days day) const {
  if (first <= last && (day < first || day > last)) return false;
  return weekdays.test(std::chrono::weekday(day).iso_encoding() - 1);
}

bool TimeWindow::holds(sys_days day, minutes clock) const {
  if (to > from) return on(day) && clock >= from && clock < to;
  return (on(day) && clock >= from) || (on(day - std::chrono::days(1)) && clock < to);
}

std::optional<TimeWindow> parse_window(std::string_view text) {
  TimeWindow window;
  window.text = text;
  window.weekdays.set();
  window.first = sys_days(std::chrono::days(1));
  const size_t space = text.find(' ');
  const bool only_hours = text.size() > 2 && text[2] == ':';
  const std::string_view days = only_hours ? "" : text.substr(0, space);
  const std::string_view hours = only_hours                        ? text
                                 : space == std::string_view::npos ? ""
                                                                   : text.substr(space + 1);
  if (!days.empty() && days.front() >= '0' && days.front() <= '9') {
    const auto first = date(days), last = date(days.substr(days.size() - 10));
    if (!first || !last || *last < *first) return std::nullopt;
    window.first = *first;
    window.last = *last;
  } else if (!days.empty()) {
    window.weekdays = weekdays(days);
  }
  if (!hours.empty()) {
    window.from = clock_time(hours);
    window.to = clock_time(hours.substr(6));
    if (window.from == window.to || window.from == kDay) return std::nullopt;
  }
  return window;
}

}  // namespace blackstart
