// SPDX-License-Identifier: Apache-2.0
// Plain text for people: columns, wrapping, and words for numbers. Widths count characters, not bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agents/contract/units.h"

namespace blackstart::report {

inline constexpr size_t kWidth = 100;       // of plans and comparisons
inline constexpr size_t kScreenWidth = 80;  // of what a run ends with

[[nodiscard]] size_t width_of(const std::string& text);
// Filled with blanks to `width`, or shortened to it with "…".
[[nodiscard]] std::string cell(const std::string& text, size_t width);
// `first` and then `text`, broken at blanks so that no line passes `width`; further lines stand below
// the first one's text. Ends with a newline.
[[nodiscard]] std::string wrapped(const std::string& first, const std::string& text, size_t width = kWidth);
// As `joined`, but past `most` names only the first few and how many there are.
[[nodiscard]] std::string compact(const std::vector<std::string>& names, size_t most = 20);
[[nodiscard]] std::string joined(const std::vector<std::string>& names, const std::string& by = ", ");
// As `joined`, but of more than `most` only the first ones: "a, b and 7 more".
[[nodiscard]] std::string and_more(const std::vector<std::string>& names, size_t most);
[[nodiscard]] std::string plural(uint64_t count, const std::string& noun);  // "1 host", "2 hosts"
[[nodiscard]] std::string percent(std::optional<double> ratio);             // "99.2%", "unknown"
[[nodiscard]] std::string grouped(uint64_t number);                         // "1,234,567"
[[nodiscard]] std::string since(std::optional<Duration> t);                 // "T0", "T0 + 20s", "unknown"

// To the millisecond: "1m 1s"; a lower bound is "≥ 1m 1s".
[[nodiscard]] std::string lasting(Duration length, bool bound = false);
[[nodiscard]] std::string yes_no(std::optional<bool> answer, const char* yes, const char* no);  // "✓ met"

// Rows of cells, each column as wide as its widest cell; the last one takes what is left and wraps.
class Table {
 public:
  explicit Table(std::string indent = "  ") : indent_(std::move(indent)) {}
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  [[nodiscard]] std::string text(size_t width = kWidth) const;

 private:
  std::string indent_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace blackstart::report
