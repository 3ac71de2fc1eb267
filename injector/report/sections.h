// SPDX-License-Identifier: Apache-2.0
// The parts of a report. A part with nothing to say has neither lines nor a table.
#pragma once

#include "injector/report/outcome_report.h"

namespace blackstart::report {

inline constexpr const char* kBoundMeans =
    "≥: the run ended before it was reached, so it takes at least that long";

[[nodiscard]] Section key_figures(const Outcome& outcome, size_t most);
[[nodiscard]] Section in_a_sentence(const Outcome& outcome,
                                    size_t most);  // key figures, and how long it took
[[nodiscard]] Section what_to_do(const Outcome& outcome);
[[nodiscard]] Section what_happened(const Outcome& outcome);
[[nodiscard]] Section preconditions(const Outcome& outcome);
[[nodiscard]] Section preconditions_red(const Outcome& outcome);  // and those a person overrode
[[nodiscard]] Section times(const Outcome& outcome);
[[nodiscard]] Section records(const Outcome& outcome);
[[nodiscard]] Section gray(const Outcome& outcome);
[[nodiscard]] Section timeline(const Outcome& outcome, bool absolute);  // absolute: with wall-clock times
[[nodiscard]] Section services(const Outcome& outcome);
[[nodiscard]] Section services_narrow(const Outcome& outcome);  // without the reasons, which the plan told
[[nodiscard]] Section probes(const Outcome& outcome);
[[nodiscard]] Section probes_narrow(const Outcome& outcome);
[[nodiscard]] Section recovery(const Outcome& outcome);
[[nodiscard]] Section returns(const Outcome& outcome);
[[nodiscard]] Section returns_narrow(const Outcome& outcome);
[[nodiscard]] Section cold_starts(const Outcome& outcome);
[[nodiscard]] Section cold_starts_narrow(const Outcome& outcome);
[[nodiscard]] Section who_is_who(const Outcome& outcome);  // and who was absent
[[nodiscard]] Section judged(const Outcome& outcome);
// With the objectives, the slowest of each time, the marks and who came back; without the head of the table.
[[nodiscard]] Section judged_narrow(const Outcome& outcome);
[[nodiscard]] Section objectives(const Outcome& outcome);
[[nodiscard]] Section marks(const Outcome& outcome);
[[nodiscard]] Section people(const Outcome& outcome);
[[nodiscard]] Section single_sites(const Outcome& outcome);
[[nodiscard]] Section limits(const Outcome& outcome);
[[nodiscard]] Section evidence(const Outcome& outcome);
[[nodiscard]] Section evidence_narrow(const Outcome& outcome);  // with what else a person must not miss
[[nodiscard]] Section identity(const Outcome& outcome);
[[nodiscard]] Section scope(const Outcome& outcome);
[[nodiscard]] Section sign_off();

}  // namespace blackstart::report
