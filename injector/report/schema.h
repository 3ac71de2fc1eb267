// SPDX-License-Identifier: Apache-2.0
// JSON Schema 2020-12 of what `--output json` and `--report FILE.json` write. A reader may meet keys that
// a later version added.
#pragma once

#include <nlohmann/json.hpp>

namespace blackstart::report {

[[nodiscard]] nlohmann::ordered_json outcome_schema();
[[nodiscard]] nlohmann::ordered_json plan_schema();

}  // namespace blackstart::report
