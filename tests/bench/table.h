// SPDX-License-Identifier: Apache-2.0
// The one table of a bench run: each row a figure as median and range of its repeats, what it is made
// of, and the goal it is held against.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace blackstart::bench {

struct Spread {
  double min = 0, median = 0, max = 0;
};
Spread spread(std::vector<double> samples);  // at least one

// "0.42", "14.2", "1,234,567"
std::string number(double value);

struct Row {
  std::string what, median, range, made_of, goal;
};

// `at_most`: the goal, in the same unit; reached or not is said of the median.
Row figure(const std::string& what, const Spread& spread, const std::string& unit,
           const std::string& made_of = {}, std::optional<double> at_most = {});
Row not_measured(const std::string& what, const std::string& reason);

struct Section {
  std::string title;
  std::vector<Row> rows;
};

// Markdown that also reads well as it is.
std::string render(const std::vector<Section>& sections);

}  // namespace blackstart::bench
