// SPDX-License-Identifier: Apache-2.0
// What one run was, for people. Unknown is said as "unknown", never as 0.
#pragma once

#include <string>
#include <vector>

#include "injector/record/outcome.h"

namespace blackstart::report {

// One part of the report: lines, then a table whose first row is its head. Either may be empty.
struct Section {
  std::string title;
  std::vector<std::string> lines;
  std::vector<std::vector<std::string>> table;
};

// "FAIL: pangyo-blackhole on messenger: the hypothesis failed (recovery pass, exit code 1)"
[[nodiscard]] std::string verdict_line(const Outcome& outcome);
// Everything below it, in the order a reader asks.
[[nodiscard]] std::vector<Section> sections(const Outcome& outcome);

// For the terminal, kWidth wide; `colour` adds ANSI escapes.
[[nodiscard]] std::string terminal_text(const Outcome& outcome, bool colour = false);
// For a file or a pull request.
[[nodiscard]] std::string markdown_text(const Outcome& outcome);

}  // namespace blackstart::report
