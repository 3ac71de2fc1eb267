// SPDX-License-Identifier: Apache-2.0
#include "injector/report/html.h"

#include <algorithm>
#include <map>
#include <sstream>

#include "injector/record/score.h"
#include "injector/report/digest.h"
#include "injector/report/figures.h"
#include "injector/report/findings.h"
#include "injector/report/html_style.h"
#include "injector/report/markup.h"
#include "injector/report/text.h"

namespace blackstart::report {
namespace {

constexpr int kWide = 960, kNarrow = 340;

std::string element(const std::string& name, const std::string& css, const std::string& text) {
  return "<" + name + (css.empty() ? "" : " class=\"" + css + "\"") + ">" + escaped(text) + "</" + name + ">";
}

// The signs that stand before an answer, as a colour beside them.
std::string css_of(const std::string& cell) {
  if (cell.starts_with("✓")) return "good";
  if (cell.starts_with("✗") || cell.starts_with("RESIDUE")) return "bad";
  if (cell.starts_with("≈") || cell.starts_with("?")) return "warn";
  return "";
}

// Some names and every hash are longer than a column may be.
bool has_long_word(const std::string& cell) {
  constexpr size_t kLong = 20;
  std::istringstream words(cell);
  for (std::string word; words >> word;)
    if (width_of(word) > kLong) return true;
  return false;
}

// The same drawing twice, as text cannot shrink with it: the page shows the one that fits.
std::string figure(std::string (*draw)(const Outcome&, int), const Outcome& outcome,
                   const std::string& caption) {
  const std::string wide = draw(outcome, kWide);
  if (wide.empty()) return "";
  return "<figure><div class=\"wide\">" + wide + "</div><div class=\"narrow\">" + draw(outcome, kNarrow) +
         "</div>" + (caption.empty() ? "" : "<figcaption class=\"key\">" + caption + "</figcaption>") +
         "</figure>\n";
}

std::string tiles(const std::vector<std::vector<std::string>>& table) {
  std::string out = "<div class=\"tiles\">";
  for (size_t i = 1; i < table.size(); ++i)
    out += "<dl class=\"tile\">" + element("dt", "", table[i][0]) + element("dd", "value", table[i][1]) +
           element("dd", "note", table[i][2]) + "</dl>";
  return out + "</div>\n";
}

const char* cell_name(Agreement agreement) {
  switch (agreement) {
    case Agreement::kAgrees:
      return "✓ right";
    case Agreement::kMissed:
      return "✗ missed";
    case Agreement::kFalseAlarm:
      return "✗ false alarm";
    case Agreement::kWorse:
      return "✗ worse";
    case Agreement::kMilder:
      return "≈ milder";
    case Agreement::kHurtBefore:
      return "not judged";
    case Agreement::kUnknown:
      break;
  }
  return "? unknown";
}

std::string matrix(const Outcome& outcome) {
  constexpr Impact kPredicted[]{Impact::kDown, Impact::kDegraded, Impact::kUnaffected};
  std::vector<std::string> columns;
  for (const Impact observed : {Impact::kDown, Impact::kDegraded, Impact::kUnaffected, Impact::kUnknown})
    columns.emplace_back(observed_impact_name(observed));
  struct Cell {
    Agreement agreement;
    std::vector<std::string> names;
  };
  std::map<std::pair<Impact, std::string>, Cell> cells;
  for (const auto& [name, service] : outcome.services) {
    std::string column = observed_impact_name(service.observed);
    if (hurt_before(service)) column = "hurt before";
    if (std::find(columns.begin(), columns.end(), column) == columns.end()) columns.push_back(column);
    Cell& cell = cells[{service.predicted.impact, column}];
    cell.agreement = agreement(service);
    cell.names.push_back(name);
  }
  if (cells.empty()) return "";
  std::string out = "<table class=\"matrix\"><thead><tr><th scope=\"col\">predicted ↓ observed →</th>";
  for (const std::string& column : columns) out += "<th scope=\"col\">" + column + "</th>";
  out += "</tr></thead><tbody>\n";
  for (const Impact predicted : kPredicted) {
    out += "<tr><th scope=\"row\">" + std::string(impact_name(predicted)) + "</th>";
    for (const std::string& column : columns) {
      const auto here = cells.find({predicted, column});
      if (here == cells.end()) {
        out += "<td></td>";
        continue;
      }
      const std::string verdict = cell_name(here->second.agreement);
      out += "<td class=\"hit long\">" + element("small", css_of(verdict), verdict) +
             escaped(compact(here->second.names)) + "</td>";
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table>\n";
}

std::string picture(const Section& section, const Outcome& outcome) {
  switch (section.picture) {
    case Picture::kTimeline:
      return figure(timeline_svg, outcome,
                    "<i class=\"answered\"></i>answered <i class=\"failed\"></i>failed; a fault's bar "
                    "<i class=\"empty\"></i>no data");
    case Picture::kRecovery:
      return figure(
          recovery_svg, outcome,
          std::string("curve: share of requests answered, journeys by weight; a gap is a time "
                      "without data") +
              (coming_back(outcome).empty() ? ""
                                            : " · bars: services and hosts that passed every check, "
                                              "of those that were well before"));
    case Picture::kObjectives:
      return figure(objectives_svg, outcome,
                    "bar: what it took · black: the objective · lines: what others took or asked for");
    case Picture::kMatrix:
      return matrix(outcome);
    case Picture::kFigures:
    case Picture::kNone:
      break;
  }
  return "";
}

std::string header(const Outcome& outcome) {
  const bool good = outcome.exit_code == kExitPass;
  const char* css = good                                                                          ? "pass"
                    : outcome.exit_code == kExitInconclusive || outcome.verdict == Verdict::kNone ? ""
                                                                                                  : "fail";
  std::string meta = "run " + outcome.run;
  if (outcome.t0) meta += " · T0 " + rfc3339(outcome.t0);
  meta +=
      std::string(" · recovery ") +
      (outcome.recovery_verdict == Verdict::kNone ? "not needed" : verdict_name(outcome.recovery_verdict)) +
      " · exit code " + std::to_string(outcome.exit_code);
  return "<header class=\"" + std::string(css) + "\">" +
         element("p", "verdict",
                 (good   ? "✓ "
                  : *css ? "✗ "
                         : "? ") +
                     verdict_word(outcome)) +
         element("h1", "", outcome.experiment + (outcome.topology.empty() ? "" : " on " + outcome.topology)) +
         element("p", "", outcome.reason) + element("p", "meta", meta) + "</header>\n";
}

std::string body_of(const Section& section, const Outcome& outcome) {
  if (section.picture == Picture::kFigures) {
    std::string out;
    for (const std::string& line : section.lines) out += element("p", "lead", line) + "\n";
    return out + tiles(section.table);
  }
  return "<section>" + html_heading(section) + picture(section, outcome) + html_table(section.table) +
         html_list(section.lines) + "</section>\n";
}

}  // namespace

std::string html_title(const std::string& title, const std::string& words) {
  return "<header>" + element("h1", "", title) + element("p", "", words) + "</header>\n";
}

std::string html_heading(const Section& section) {
  return element("h2", "", section.title) + "\n";
}

std::string html_table(const std::vector<std::vector<std::string>>& table) {
  if (table.size() < 2) return "";
  const std::vector<std::string>& head = table.front();
  // On a phone a wide table becomes a card a row.
  std::string out = std::string("<table") + (head.size() > 3 ? " class=\"stacked\"" : "") + "><thead><tr>";
  for (const std::string& cell : head) out += "<th scope=\"col\">" + escaped(cell) + "</th>";
  out += "</tr></thead><tbody>\n";
  for (size_t i = 1; i < table.size(); ++i) {
    out += "<tr>";
    for (size_t column = 0; column < table[i].size(); ++column) {
      const std::string& cell = table[i][column];
      std::string css = css_of(cell);
      if (has_long_word(cell)) css += css.empty() ? "long" : " long";
      const std::string label = column < head.size() && !head[column].empty() && !cell.empty()
                                    ? " data-label=\"" + escaped(head[column]) + "\""
                                    : "";
      out += (column == 0 ? "<th scope=\"row\"" : "<td" + label) +
             (css.empty() ? "" : " class=\"" + css + "\"") + ">" + escaped(cell) +
             (column == 0 ? "</th>" : "</td>");
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table>\n";
}

std::string html_list(const std::vector<std::string>& lines) {
  if (lines.empty()) return "";
  std::string out = "<ul>";
  for (const std::string& line : lines) out += element("li", css_of(line), line);
  return out + "</ul>\n";
}

std::string html_page(const std::string& title, const std::string& head, const std::string& body) {
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
         // Nothing may run or be fetched, whatever a name or an answer holds.
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
         "'unsafe-inline'\">"
         "<title>" +
         escaped(title) + "</title><style>" + kStyle + "</style></head>\n<body>\n" + head + "<main>\n" +
         body + "</main>\n</body></html>\n";
}

std::string html_text(const Outcome& outcome, Edition edition) {
  std::string body;
  for (const Section& section : sections(outcome, edition)) body += body_of(section, outcome);
  return html_page(verdict_line(outcome), header(outcome), body);
}

}  // namespace blackstart::report
