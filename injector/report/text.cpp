// SPDX-License-Identifier: Apache-2.0
#include "injector/report/text.h"

#include <algorithm>
#include <cstdio>
#include <sstream>

namespace blackstart::report {
namespace {

bool continues(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0) == 0x80;
}

}  // namespace

size_t width_of(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char byte) { return !continues(byte); });
}

std::string cell(const std::string& text, size_t width) {
  const size_t own = width_of(text);
  if (own <= width) return text + std::string(width - own, ' ');
  std::string out;
  size_t taken = 0;
  for (const char byte : text) {
    if (!continues(byte) && ++taken == width) break;
    out += byte;
  }
  return out + "…";
}

std::string wrapped(const std::string& first, const std::string& text, size_t width) {
  const size_t indent = width_of(first);
  std::string out = first;
  size_t column = indent;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const size_t own = width_of(word);
    if (column > indent && column + 1 + own > width) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    }
    if (column > indent) {
      out += " ";
      ++column;
    }
    out += word;
    column += own;
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out + "\n";
}

std::string joined(const std::vector<std::string>& names, const std::string& by) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) text += (i ? by : "") + names[i];
  return text;
}

std::string compact(const std::vector<std::string>& names, size_t most) {
  if (names.size() <= most) return joined(names);
  const size_t shown = std::min<size_t>(most, 6);
  return joined({names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown)}) + " … " + names.back() +
         " (" + std::to_string(names.size()) + ")";
}

std::string and_more(const std::vector<std::string>& names, size_t most) {
  if (names.size() <= most) return joined(names);
  std::string text = joined({names.begin(), names.begin() + static_cast<std::ptrdiff_t>(most)});
  return text.append(" and ").append(grouped(names.size() - most)).append(" more");
}

std::string plural(uint64_t count, const std::string& noun) {
  return grouped(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string percent(std::optional<double> ratio) {
  if (!ratio) return "unknown";
  // Never rounded up to 100% nor down to 0%: the last request matters.
  double value = *ratio * 100;
  if (value < 100 && value > 99.9) value = 99.9;
  if (value > 0 && value < 0.1) value = 0.1;
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.1f", value);
  std::string text = buffer;
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text + "%";
}

std::string grouped(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

std::string since(std::optional<Duration> t) {
  if (!t) return "unknown";
  // Shorter than a millisecond is noise next to the clocks involved.
  const Duration rounded = std::chrono::round<std::chrono::milliseconds>(*t);
  if (rounded == Duration{0}) return "T0";
  return rounded < Duration{0} ? "T0 - " + format_duration(-rounded) : "T0 + " + format_duration(rounded);
}

std::string lasting(Duration length, bool bound) {
  const Duration rounded = std::chrono::round<std::chrono::milliseconds>(length);
  return (bound ? "≥ " : "") + (rounded == Duration{0} ? "0s" : format_duration(rounded));
}

std::string yes_no(std::optional<bool> answer, const char* yes, const char* no) {
  return !answer ? "? unknown" : *answer ? std::string("✓ ") + yes : std::string("✗ ") + no;
}

std::string Table::text(size_t width) const {
  std::vector<size_t> widths;
  for (const auto& row : rows_)
    for (size_t i = 0; i < row.size(); ++i) {
      if (widths.size() <= i) widths.push_back(0);
      widths[i] = std::max(widths[i], width_of(row[i]));
    }
  std::string out;
  for (const auto& row : rows_) {
    std::string first = indent_;
    for (size_t i = 0; i + 1 < row.size(); ++i) first += cell(row[i], widths[i]) + "  ";
    out += wrapped(first, row.empty() ? "" : row.back(), width);
  }
  return out;
}

}  // namespace blackstart::report
