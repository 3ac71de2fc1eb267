// SPDX-License-Identifier: Apache-2.0
#include "injector/report/markdown.h"

#include <cstring>

#include "injector/report/outcome_report.h"

namespace blackstart::report {
namespace {

// Whatever a probe answered stays text: no markup, no link, no second line.
std::string quoted(const std::string& text) {
  static constexpr char kSpecial[] = "\\|<>*_`[]#&~";
  std::string out;
  for (const char c : text) {
    if (std::strchr(kSpecial, c) && c != '\0') out += '\\';
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out;
}

std::string row_of(const std::vector<std::string>& cells) {
  std::string out = "|";
  for (const std::string& cell : cells) out += " " + quoted(cell) + " |";
  return out + "\n";
}

}  // namespace

std::string markdown_of(const std::string& title, const std::vector<Section>& sections) {
  std::string out = "# " + quoted(title) + "\n";
  for (const Section& section : sections) {
    out += "\n## " + quoted(section.title) + "\n\n";
    for (size_t i = 0; i < section.table.size(); ++i) {
      out += row_of(section.table[i]);
      if (i == 0) out += row_of(std::vector<std::string>(section.table[0].size(), "---"));
    }
    if (!section.table.empty() && !section.lines.empty()) out += "\n";
    for (const std::string& line : section.lines) out += "- " + quoted(line) + "\n";
  }
  return out;
}

std::string markdown_text(const Outcome& outcome, Edition edition) {
  return markdown_of(verdict_line(outcome), sections(outcome, edition));
}

}  // namespace blackstart::report
