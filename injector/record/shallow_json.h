// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace blackstart {

// JSON of strangers, without what is nested deeper than anything meant here: handling a value takes stack for
// each of its levels. Discarded when it is no JSON.
inline nlohmann::json parse_shallow(const std::string& text) {
  constexpr int kDeepest = 32;
  const auto keep = [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    return depth < kDeepest;
  };
  return nlohmann::json::parse(text, keep, false);
}

}  // namespace blackstart
