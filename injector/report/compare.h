// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "injector/record/outcome.h"

namespace blackstart::report {

// The same experiment on two topologies, side by side: what broke, what did not, and which services'
// second site made the difference. kWidth wide.
[[nodiscard]] std::string compare_text(const Outcome& before, const Outcome& after);

}  // namespace blackstart::report
