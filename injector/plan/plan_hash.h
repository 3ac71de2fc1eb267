// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "injector/plan/plan.h"

namespace blackstart {

// SHA-256 in hex of the plan's canonical form: every field in the order of plan.h, each value with its
// length before it, without locations, `hash`, and the orders' `run` and `plan_hash`.
[[nodiscard]] std::string plan_hash(const Plan& plan);

}  // namespace blackstart
