// SPDX-License-Identifier: Apache-2.0
// What a run found beside its verdict, in the sentences every format repeats. Empty: it found nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "injector/record/outcome.h"

namespace blackstart::report {

// "17 of 587 lost, RPO 3.2s"
[[nodiscard]] std::string lost_text(const OutcomeRecords& records);
// "17 of 587 acknowledged records lost, RPO 3.2s (ledger)".
[[nodiscard]] std::string records_text(const std::string& probe, const OutcomeRecords& records);
// Of each probe that lost one, or of which nobody knows whether it did.
[[nodiscard]] std::vector<std::string> data_lost(const Outcome& outcome);

// "send passed its own checks while photo failed for 4s"
[[nodiscard]] std::string gray_text(const OutcomeGray& gray);
[[nodiscard]] std::vector<std::string> gray_failures(const Outcome& outcome);  // longest first

// "✗ red, overridden: the owner agreed"
[[nodiscard]] std::string answer_of(const OutcomePrecondition& condition);
// Each that was red or that a person overrode: "windows: ✗ red, overridden: the owner agreed".
[[nodiscard]] std::vector<std::string> red_preconditions(const Outcome& outcome);

// In the order of a response.
inline constexpr const char* kTimesOfARun[] = {"detect",   "acknowledge", "command",     "decide",
                                               "mitigate", "recover",     "full-restore"};
// The slowest journey's; nullopt: not known.
[[nodiscard]] std::optional<OutcomeTime> slowest(const Outcome& outcome, const std::string& time);
// "detect 12s, recover ≥ 1m 1s (login)": those that no objective tells, without the steps of people between
// the first alarm and the decision; "": there are none.
[[nodiscard]] std::string times_text(const Outcome& outcome);
// Without those that say the same as a time of times_text().
[[nodiscard]] std::vector<OutcomeMark> marks_beside_times(const Outcome& outcome);
// "From the first process hit: noticed after 12s, not seen recovered (≥ 1m 1s)." For those who do not know
// the names of the times; "": there are none.
[[nodiscard]] std::string times_sentence(const Outcome& outcome);
// The objective a time is measured against; null: there is none, or it is about another moment
// (clock: respond).
[[nodiscard]] const OutcomeObjective* objective_of(const Outcome& outcome, const OutcomeTime& time);

// What nobody may miss: data lost, what did not come back or not start elsewhere, gray failures, red
// preconditions; the worst of each.
[[nodiscard]] std::vector<std::string> worst_findings(const Outcome& outcome);

// "oncall on phone-1 (users)": up to five of those that were well before the cut and not when the run ended,
// "and 3 more"; "": there are none, or nobody looked.
[[nodiscard]] std::string not_back_text(const Outcome& outcome);
inline constexpr const char* kNotLookedAt =
    "what came back is not known: the run ended before anybody looked";

// How many of the services, or of the hosts of one site, passed their checks at each moment, of those that
// were well before the cut.
struct ComingBack {
  struct Point {
    UnixNs at = 0;
    size_t count = 0;
  };
  std::string who;           // "services", "hosts of pangyo"
  size_t well = 0;           // before the cut
  bool away = false;         // one of them was not there at some moment
  std::string text;          // "4 of 4 hosts of pangyo back at T0 + 1m 2s"
  std::vector<Point> curve;  // a point for each change; never empty
};
// Services first; without those of whom none was well before. Where nobody looked at the end, text does not
// tell what was back. Empty without a curve.
[[nodiscard]] std::vector<ComingBack> coming_back(const Outcome& outcome);

}  // namespace blackstart::report
