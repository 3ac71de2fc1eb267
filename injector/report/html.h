// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "injector/report/outcome_report.h"

namespace blackstart::report {

// A whole page; `head` and `body` are markup.
[[nodiscard]] std::string html_page(const std::string& title, const std::string& head,
                                    const std::string& body);
[[nodiscard]] std::string html_title(const std::string& title, const std::string& words);
[[nodiscard]] std::string html_heading(const Section& section);
[[nodiscard]] std::string html_table(const std::vector<std::vector<std::string>>& table);
[[nodiscard]] std::string html_list(const std::vector<std::string>& lines);

}  // namespace blackstart::report
