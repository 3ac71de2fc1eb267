// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace blackstart::bench {
namespace {

using Cells = std::array<std::string, 5>;

Cells cells(const Row& row) {
  return {row.what, row.median, row.range, row.made_of, row.goal};
}

// Columns on a terminal, not bytes: the table holds a few characters beyond ASCII.
size_t width(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string line(const Cells& row, const std::array<size_t, 5>& widths) {
  std::string out = "|";
  for (size_t i = 0; i < row.size(); ++i)
    out += " " + row[i] + std::string(widths[i] - width(row[i]), ' ') + " |";
  return out + "\n";
}

}  // namespace

Spread spread(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  return {samples.front(), samples[samples.size() / 2], samples.back()};
}

std::string number(double value) {
  const int digits = value == std::round(value) || std::abs(value) >= 100 ? 0 : std::abs(value) < 1 ? 2 : 1;
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  std::string out = text.data();
  if (digits > 0) return out;
  for (auto at = static_cast<ptrdiff_t>(out.size()) - 3; at > (value < 0 ? 1 : 0); at -= 3)
    out.insert(static_cast<size_t>(at), ",");
  return out;
}

Row figure(const std::string& what, const Spread& spread, const std::string& unit, const std::string& made_of,
           std::optional<double> at_most) {
  Row row{what, number(spread.median) + " " + unit, "", made_of, ""};
  if (spread.min != spread.max) row.range = number(spread.min) + " … " + number(spread.max);
  if (at_most)
    row.goal = "≤ " + number(*at_most) + " " + unit + ": " + (spread.median <= *at_most ? "yes" : "no");
  return row;
}

Row not_measured(const std::string& what, const std::string& reason) {
  return {what, "not measured", "", reason, ""};
}

std::string render(const std::vector<Section>& sections) {
  std::vector<Cells> rows;
  for (const Section& section : sections) {
    rows.push_back({"**" + section.title + "**", "", "", "", ""});
    for (const Row& row : section.rows) rows.push_back(cells(row));
  }
  const Cells head{"", "median", "min … max", "made of", "goal"};
  std::array<size_t, 5> widths{};
  for (size_t i = 0; i < widths.size(); ++i) {
    widths[i] = std::max<size_t>(width(head[i]), 3);
    for (const Cells& row : rows) widths[i] = std::max(widths[i], width(row[i]));
  }
  Cells rule;
  for (size_t i = 0; i < widths.size(); ++i)
    rule[i] = std::string(widths[i] - 1, '-') + (i == 1 || i == 2 ? ":" : "-");
  std::string out = line(head, widths) + line(rule, widths);
  for (const Cells& row : rows) out += line(row, widths);
  return out;
}

}  // namespace blackstart::bench
