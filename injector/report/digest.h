// SPDX-License-Identifier: Apache-2.0
// What the facts of a run come to: the sentence, the figures and the advice every format repeats.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "injector/record/outcome.h"

namespace blackstart::report {

struct Figure {
  std::string label, value, note;
};

// "T0 + 20s"; "-": it never was.
[[nodiscard]] std::string moment_text(const Outcome& outcome, UnixNs moment);
// "PASS", "FAIL (expected)", "NOT RUN" ...
[[nodiscard]] std::string verdict_word(const Outcome& outcome);
// What users saw, in one sentence.
[[nodiscard]] std::string headline(const Outcome& outcome);
// Most telling first; of a run that was refused only what it left behind.
[[nodiscard]] std::vector<Figure> figures(const Outcome& outcome);
// What to change or to try again, most urgent first; empty: nothing follows from this run.
[[nodiscard]] std::vector<std::string> advice(const Outcome& outcome);

// What is left on the hosts, a line each, or that nothing is; then what others changed there meanwhile: the
// first few, the JSON report has all.
[[nodiscard]] std::vector<std::string> left_and_changed(const Outcome& outcome);

// The share of requests that were answered, journeys by their weight (all alike where none has one);
// nullopt as long as one of them is unknown.
[[nodiscard]] std::optional<double> answered(const Outcome& outcome,
                                             std::optional<double> OutcomeProbe::*ratio);
// The same over each span of the series that every journey has data for.
struct AnsweredAt {
  UnixNs at = 0;
  double ratio = 0;
};
[[nodiscard]] std::vector<AnsweredAt> answered_over_time(const Outcome& outcome);

// nullopt: nobody knows; a bound below its target says nothing.
[[nodiscard]] std::optional<bool> met(const OutcomeObjective& objective);
[[nodiscard]] std::string achieved_text(const OutcomeObjective& objective);  // "≥ 1m 1s", "unknown"

}  // namespace blackstart::report
