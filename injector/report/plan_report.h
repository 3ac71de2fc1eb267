// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "injector/plan/plan.h"

namespace blackstart::report {

// For a person on call: what, when, who, what will break and why, what will not be touched.
[[nodiscard]] std::string plan_text(const Plan& plan);
// When a drill may run, a line each for what is allowed and what is blocked; empty: at any time.
[[nodiscard]] std::vector<std::string> windows_text(const Windows& windows);
// Whose processes a fault is about, a line a service: on which hosts, and how they are recognised.
[[nodiscard]] std::vector<std::string> victims_text(const PlanFault& fault);
// `kind: Plan`, keys as the language fixes them.
[[nodiscard]] nlohmann::json plan_json(const Plan& plan);

}  // namespace blackstart::report
