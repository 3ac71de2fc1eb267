// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace blackstart {

using Duration = std::chrono::nanoseconds;
// Nanoseconds since 1970, UTC: how moments cross the wire, since hosts share no monotonic clock.
using UnixNs = int64_t;

UnixNs unix_now();
// Nanoseconds of CLOCK_MONOTONIC, the clock the datapath compares deadlines with.
int64_t monotonic_now();
// The monotonic moment that corresponds to a wall-clock moment, as of now.
int64_t monotonic_at(UnixNs moment);
UnixNs unix_at(int64_t monotonic);
// What poll() is to wait for until a moment of CLOCK_MONOTONIC: -1 for INT64_MAX, an hour at most.
int milliseconds_until(int64_t monotonic);

// "500ms" "10s" "5m" "2h" "1.5s"; a unit is required.
std::optional<Duration> parse_duration(std::string_view text);
std::string format_duration(Duration duration);  // "1m 30s", "250ms"; from 1s on to the millisecond
double seconds(Duration duration);
std::string rfc3339(UnixNs moment);  // "2026-01-02T03:04:05.678Z"

}  // namespace blackstart
