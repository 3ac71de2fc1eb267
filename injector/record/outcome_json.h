// SPDX-License-Identifier: Apache-2.0
// An Outcome as JSON, keys as the language fixes them, and back. Times are seconds from zero_of(), the
// wall clock is RFC 3339; what is not known is null.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "agents/contract/result.h"
#include "injector/record/outcome.h"

namespace blackstart {

[[nodiscard]] nlohmann::json outcome_json(const Outcome& outcome);
// What outcome_json wrote, equal in every field. Fails (kInvalid) on anything else.
[[nodiscard]] Result<Outcome> read_outcome(const nlohmann::json& json);

}  // namespace blackstart
