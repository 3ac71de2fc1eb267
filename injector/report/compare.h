// SPDX-License-Identifier: Apache-2.0
// Two runs side by side: what broke, what got better or worse since, and which services' second site
// made the difference. The earlier run stands first.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "injector/record/outcome.h"

namespace blackstart::report {

[[nodiscard]] std::string compare_text(const Outcome& before, const Outcome& after);  // kWidth wide
[[nodiscard]] std::string compare_markdown(const Outcome& before, const Outcome& after);
[[nodiscard]] std::string compare_html(const Outcome& before, const Outcome& after);
// `kind: Comparison`: both runs' names and times, better, worse, why, and both outcomes whole.
[[nodiscard]] nlohmann::json compare_json(const Outcome& before, const Outcome& after);

}  // namespace blackstart::report
