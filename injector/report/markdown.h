// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "injector/report/outcome_report.h"

namespace blackstart::report {

// A document of sections; pictures are left out.
[[nodiscard]] std::string markdown_of(const std::string& title, const std::vector<Section>& sections);

}  // namespace blackstart::report
