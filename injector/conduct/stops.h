// SPDX-License-Identifier: Apache-2.0
// What ends a run before its time by itself: a guard, a clock that was set, agents that are lost. Pure.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "injector/conduct/conclude.h"
#include "injector/conduct/fleet.h"

namespace blackstart {

struct EarlyEnd {
  std::string reason;  // for people
  std::string event;   // for the record
  nlohmann::json data;
};

// The first guard that is breached now, and why.
[[nodiscard]] std::optional<std::pair<const Guard*, std::string>> first_breach(const Drill& drill,
                                                                               const Learned& learned,
                                                                               const Fleet& fleet,
                                                                               UnixNs now);

// `set`: by how much. Agents name moments by the clock on the wall: once it is set, what they say fits no
// timeline.
[[nodiscard]] std::optional<EarlyEnd> clock_was_set(Duration set);

// More than a few do not answer, and the experiment has no guard of its own about it.
[[nodiscard]] std::optional<EarlyEnd> agents_lost(const Experiment& experiment, const Fleet& fleet);

}  // namespace blackstart
