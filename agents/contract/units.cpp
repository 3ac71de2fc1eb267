// SPDX-License-Identifier: Apache-2.0
#include "agents/contract/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace blackstart {
namespace {

int64_t read_clock(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

struct Unit {
  std::string_view name;
  int64_t nanoseconds;
};
constexpr std::array<Unit, 4> kUnits{
    {{"ms", 1'000'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000}, {"h", 3'600'000'000'000}}};
constexpr double kLongest = 1e6 * 3600e9;  // a million hours: keeps every sum far from overflow

}  // namespace

UnixNs unix_now() {
  return read_clock(CLOCK_REALTIME);
}
int64_t monotonic_now() {
  return read_clock(CLOCK_MONOTONIC);
}
int64_t monotonic_at(UnixNs moment) {
  return monotonic_now() + (moment - unix_now());
}
UnixNs unix_at(int64_t monotonic) {
  return unix_now() + (monotonic - monotonic_now());
}
int milliseconds_until(int64_t monotonic) {
  if (monotonic == INT64_MAX) return -1;
  return static_cast<int>(std::clamp<int64_t>((monotonic - monotonic_now()) / 1'000'000 + 1, 0, 3'600'000));
}

std::optional<Duration> parse_duration(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || !std::isfinite(value) || value < 0) return std::nullopt;
  const std::string_view unit = text.substr(end - text.data());
  for (const Unit& known : kUnits) {
    if (unit != known.name) continue;
    const double total = value * static_cast<double>(known.nanoseconds);
    if (total > kLongest) return std::nullopt;
    return Duration(static_cast<int64_t>(std::llround(total)));
  }
  return std::nullopt;
}

std::string format_duration(Duration duration) {
  int64_t rest = duration.count();
  if (rest < 0) return "-" + format_duration(-duration);
  if (rest < 1'000'000'000) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%.4g", std::round(static_cast<double>(rest) / 1e3) / 1e3);
    return std::string(buffer) + "ms";
  }
  rest = Duration(std::chrono::round<std::chrono::milliseconds>(duration)).count();
  std::string text;
  for (size_t i = kUnits.size() - 1; i >= 2; --i) {
    if (const int64_t whole = rest / kUnits[i].nanoseconds; whole > 0) {
      text += std::to_string(whole) + std::string(kUnits[i].name) + " ";
      rest %= kUnits[i].nanoseconds;
    }
  }
  if (rest > 0 || text.empty()) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%.5g", static_cast<double>(rest) / 1e9);  // 59.999
    return text + buffer + "s";
  }
  text.pop_back();
  return text;
}

double seconds(Duration duration) {
  return static_cast<double>(duration.count()) / 1e9;
}

std::string rfc3339(UnixNs moment) {
  const time_t whole = moment / 1'000'000'000;
  tm parts{};
  gmtime_r(&whole, &parts);
  char date[32], text[48];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text, sizeof text, "%s.%03dZ", date, static_cast<int>(moment / 1'000'000 % 1000));
  return text;
}

}  // namespace blackstart
