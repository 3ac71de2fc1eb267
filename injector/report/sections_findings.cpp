// SPDX-License-Identifier: Apache-2.0
// The sections on what a run found beside its verdict.
#include <algorithm>

#include "injector/report/digest.h"
#include "injector/report/findings.h"
#include "injector/report/returning.h"
#include "injector/report/sections.h"
#include "injector/report/text.h"

namespace blackstart::report {
Section preconditions(const Outcome& outcome) {
  Section out{"Before anything was touched", {}, {}};
  if (outcome.preconditions.empty()) return out;
  out.table.push_back({"precondition", "answer", "why", "for"});
  for (const OutcomePrecondition& each : outcome.preconditions)
    out.table.push_back({each.precondition, answer_of(each), each.answer, each.purpose});
  return out;
}

Section preconditions_red(const Outcome& outcome) {
  return {"Before anything was touched", red_preconditions(outcome), {}};
}

Section times(const Outcome& outcome) {
  Section out{"How long it took", {}, {}};
  if (outcome.times.empty()) return out;
  out.table.push_back({"time to", "took", "objective"});
  for (const OutcomeTime& each : outcome.times) {
    std::string answer;
    if (const OutcomeObjective* objective = objective_of(outcome, each))
      answer = yes_no(met({each.time, objective->target, each.took, each.censored, ""}), "met", "NOT met") +
               ", within " + lasting(objective->target);
    out.table.push_back({each.time + (each.journey.empty() ? "" : ", " + each.journey),
                         lasting(each.took, each.censored), answer});
  }
  out.lines.push_back("from T0, the " + first_effect(outcome));
  if (std::any_of(outcome.times.begin(), outcome.times.end(),
                  [](const OutcomeTime& each) { return each.censored; }))
    out.lines.emplace_back(kBoundMeans);
  return out;
}

Section records(const Outcome& outcome) {
  Section out{"Records written and read back", {}, {}};
  if (outcome.records.empty()) return out;
  out.table.push_back({"probe", "from", "asked", "acknowledged", "lost", "unknown", "lost ones written from",
                       "until", "RPO"});
  for (const auto& [probe, each] : outcome.records) {
    out.table.push_back({probe, each.from.empty() ? "here" : each.from, grouped(each.asked),
                         grouped(each.acknowledged), grouped(each.lost), grouped(each.unknown),
                         moment_text(outcome, each.first_lost), moment_text(outcome, each.last_lost),
                         each.rpo ? lasting(*each.rpo) : "unknown"});
    out.lines.push_back(records_text(probe, each));
  }
  return out;
}

Section gray(const Outcome& outcome) {
  Section out{"Gray failures", gray_failures(outcome), {}};
  if (outcome.gray.empty()) return out;
  out.table.push_back({"service whose checks passed", "journey that failed", "from", "until"});
  for (const OutcomeGray& each : outcome.gray)
    out.table.push_back(
        {each.service, each.journey, moment_text(outcome, each.from), moment_text(outcome, each.to)});
  return out;
}

}  // namespace blackstart::report
