// SPDX-License-Identifier: Apache-2.0
#include "injector/report/outcome_report.h"
#include "injector/report/text.h"

namespace blackstart::report {
namespace {

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '<' || c == '*' || c == '_' || c == '`') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string row_of(const std::vector<std::string>& cells) {
  std::string out = "|";
  for (const std::string& cell : cells) out += " " + escaped(cell) + " |";
  return out + "\n";
}

}  // namespace

std::string markdown_text(const Outcome& outcome) {
  std::string out = "# " + escaped(verdict_line(outcome)) + "\n";
  for (const Section& section : sections(outcome)) {
    out += "\n## " + section.title + "\n\n";
    for (size_t i = 0; i < section.table.size(); ++i) {
      out += row_of(section.table[i]);
      if (i == 0) out += row_of(std::vector<std::string>(section.table[0].size(), "---"));
    }
    if (!section.table.empty() && !section.lines.empty()) out += "\n";
    for (const std::string& line : section.lines) out += "- " + escaped(line) + "\n";
  }
  return out;
}

}  // namespace blackstart::report
