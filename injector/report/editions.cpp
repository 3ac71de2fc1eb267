// SPDX-License-Identifier: Apache-2.0
// Which sections each reader gets, and in which order.
#include "injector/report/digest.h"
#include "injector/report/outcome_report.h"
#include "injector/report/sections.h"

namespace blackstart::report {

std::optional<Edition> edition_named(const std::string& name) {
  if (name == "sre") return Edition::kSre;
  if (name == "executive") return Edition::kExecutive;
  if (name == "regulator") return Edition::kRegulator;
  return std::nullopt;
}

std::string verdict_line(const Outcome& outcome) {
  return verdict_word(outcome) + ": " + outcome.experiment +
         (outcome.topology.empty() ? "" : " on " + outcome.topology) + ": " + outcome.reason + " (recovery " +
         (outcome.recovery_verdict == Verdict::kNone ? "not needed"
                                                     : verdict_name(outcome.recovery_verdict)) +
         ", exit code " + std::to_string(outcome.exit_code) + ")";
}

std::vector<Section> sections(const Outcome& outcome, Edition edition) {
  std::vector<Section> list;
  switch (edition) {
    case Edition::kSre:
      list = {key_figures(outcome, 6),  preconditions(outcome), who_is_who(outcome), what_happened(outcome),
              timeline(outcome, false), services(outcome),      gray(outcome),       probes(outcome),
              records(outcome),         recovery(outcome),      returns(outcome),    cold_starts(outcome),
              judged(outcome),          times(outcome),         objectives(outcome), marks(outcome),
              single_sites(outcome),    what_to_do(outcome),    limits(outcome),     evidence(outcome)};
      break;
    case Edition::kExecutive:
      list = {in_a_sentence(outcome, 5), preconditions_red(outcome), what_to_do(outcome),
              objectives(outcome)};
      break;
    case Edition::kRegulator:
      list = {identity(outcome),
              who_is_who(outcome),
              preconditions(outcome),
              scope(outcome),
              objectives(outcome),
              times(outcome),
              timeline(outcome, true),
              people(outcome),
              judged(outcome),
              probes(outcome),
              services(outcome),
              gray(outcome),
              records(outcome),
              recovery(outcome),
              returns(outcome),
              cold_starts(outcome),
              limits(outcome),
              evidence(outcome),
              sign_off()};
      break;
  }
  std::erase_if(list, [](const Section& section) { return section.lines.empty() && section.table.empty(); });
  return list;
}

}  // namespace blackstart::report
