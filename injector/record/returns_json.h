// SPDX-License-Identifier: Apache-2.0
// The parts of an outcome that are about processes, as JSON and back. Moments are told from T0.
#pragma once

#include <functional>

#include <nlohmann/json.hpp>

#include "injector/record/outcome.h"

namespace blackstart {

using MomentJson = std::function<nlohmann::json(UnixNs)>;
using JsonMoment = std::function<UnixNs(const nlohmann::json&)>;

[[nodiscard]] nlohmann::json processes_json(const OutcomeFault& fault);
// null, as in earlier records: it is about packets alone.
void read_processes(const nlohmann::json& in, OutcomeFault& fault);

[[nodiscard]] nlohmann::json returns_json(const OutcomeReturns& returns, const MomentJson& moment);
[[nodiscard]] OutcomeReturns read_returns(const nlohmann::json& in, const JsonMoment& moment);

[[nodiscard]] nlohmann::json cold_start_json(const OutcomeColdStart& cold_start);
[[nodiscard]] OutcomeColdStart read_cold_start(const nlohmann::json& in);

}  // namespace blackstart
