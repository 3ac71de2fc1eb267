// SPDX-License-Identifier: Apache-2.0
// Values as outcomes write them: what is not known is null, lengths of time are seconds.
#pragma once

#include <cmath>
#include <optional>

#include <nlohmann/json.hpp>

#include "agents/contract/units.h"

namespace blackstart {

template <typename T>
nlohmann::json or_null(const std::optional<T>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
}
inline nlohmann::json or_null(const std::optional<Duration>& value) {
  return value ? nlohmann::json(seconds(*value)) : nlohmann::json(nullptr);
}
template <typename T>
std::optional<T> maybe(const nlohmann::json& value) {
  return value.is_null() ? std::nullopt : std::optional<T>(value.get<T>());
}
inline Duration duration(const nlohmann::json& value) {
  return Duration(std::llround(value.get<double>() * 1e9));
}
inline std::optional<Duration> maybe_duration(const nlohmann::json& value) {
  return value.is_null() ? std::nullopt : std::optional<Duration>(duration(value));
}

}  // namespace blackstart
