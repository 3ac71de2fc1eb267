// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "injector/plan/plan.h"

namespace blackstart::report {

// For a person on call: what, when, who, what will break and why, what will not be touched.
[[nodiscard]] std::string plan_text(const Plan& plan);
// `kind: Plan`, keys as the language fixes them.
[[nodiscard]] nlohmann::json plan_json(const Plan& plan);

}  // namespace blackstart::report
