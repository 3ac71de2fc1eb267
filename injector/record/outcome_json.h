// SPDX-License-Identifier: Apache-2.0
// An Outcome as JSON, keys as the language fixes them, and back. Times are seconds from zero_of(), the
// wall clock is RFC 3339; what is not known is null.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "agents/contract/result.h"
#include "injector/record/outcome.h"

namespace blackstart {

[[nodiscard]] nlohmann::json outcome_json(const Outcome& outcome);
// What outcome_json wrote, equal in every field; `changes`, `warnings`, `blind`, `untouched`, `versions`, the
// series and the log's head may be missing, as in older records. Fails (kInvalid) on anything else.
[[nodiscard]] Result<Outcome> read_outcome(const nlohmann::json& json);

// A document as it is kept and printed: indented, with a newline at its end. What is no UTF-8 in it, such
// as the answer of a service, is replaced.
[[nodiscard]] std::string json_text(const nlohmann::json& document);

}  // namespace blackstart
