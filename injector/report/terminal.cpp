// SPDX-License-Identifier: Apache-2.0
#include "injector/report/findings.h"
#include "injector/report/outcome_report.h"
#include "injector/report/sections.h"
#include "injector/report/text.h"

namespace blackstart::report {
namespace {

constexpr char kBold[] = "\033[1m", kGreen[] = "\033[1;32m", kRed[] = "\033[1;31m", kYellow[] = "\033[1;33m",
               kPlain[] = "\033[0m";

const char* colour_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return kGreen;
    case Verdict::kFail:
    case Verdict::kStranded:
    case Verdict::kError:
      return kRed;
    default:
      return kYellow;
  }
}

// What a person wants to see at once; the rest is in the files.
std::vector<Section> screen(const Outcome& outcome) {
  // A run that was refused has nothing else to tell.
  if (outcome.verdict == Verdict::kNone && !outcome.preconditions.empty())
    return {preconditions(outcome), evidence_narrow(outcome)};
  return {what_happened(outcome),  services_narrow(outcome),    probes_narrow(outcome),
          returns_narrow(outcome), cold_starts_narrow(outcome), judged_narrow(outcome),
          evidence_narrow(outcome)};
}

}  // namespace

std::string terminal_text(const Outcome& outcome, bool colour, Edition edition) {
  const auto painted = [&](const char* how, const std::string& text) {
    return colour ? how + text + kPlain : text;
  };
  std::string first = wrapped("", verdict_line(outcome), kScreenWidth);
  first.pop_back();
  std::string out = painted(colour_of(outcome.verdict), first) + "\n";
  if (edition == Edition::kSre && outcome.verdict != Verdict::kNone)
    for (const std::string& line : worst_findings(outcome))
      out += painted(kBold, "!") + wrapped("! ", line, kScreenWidth).substr(1);
  for (const Section& section : edition == Edition::kSre ? screen(outcome) : sections(outcome, edition)) {
    if (section.lines.empty() && section.table.empty()) continue;
    out += "\n" + painted(kBold, section.title) + "\n";
    Table table;
    for (const auto& row : section.table) table.row(row);
    out += table.text(kScreenWidth);
    for (const std::string& line : section.lines) out += wrapped("  ", line, kScreenWidth);
  }
  return out;
}

}  // namespace blackstart::report
