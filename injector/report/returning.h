// SPDX-License-Identifier: Apache-2.0
// What became of processes, and how they came back: the sentences every format repeats.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "injector/record/outcome.h"

namespace blackstart::report {

// What a fault did first: "first packet hit", "first process hit", or "first effect" of one that hits both.
[[nodiscard]] std::string first_effect(const OutcomeFault& fault);
// What T0 is the moment of: of the fault that began first.
[[nodiscard]] std::string first_effect(const Outcome& outcome);
// "No packet was hit": of a run without a T0.
[[nodiscard]] std::string nothing_hit(const Outcome& outcome);

// "f2: 4 processes killed, 41 more as they started; login 3 and 41, session-cache 1"; "": it is about packets
// alone.
[[nodiscard]] std::string processes_text(const OutcomeFault& fault);

// "session-cache on pangyo-cache"
[[nodiscard]] std::string instance_name(const OutcomeReturn& instance);
// "5 of 6 instances well again; 400 hosts an hour", in at most two sentences; the second is the extrapolation
// and says so. Empty: nothing was killed.
[[nodiscard]] std::vector<std::string> return_text(const Outcome& outcome);
// What did not come back, what waited for itself, and how long people took; worst first.
[[nodiscard]] std::vector<std::string> return_findings(const Outcome& outcome);

// "a fresh login in anyang died after 1.4s for want of session-cache"
[[nodiscard]] std::string cold_start_text(const OutcomeColdStart& cold_start);
// Those that did not become ready.
[[nodiscard]] std::vector<std::string> cold_start_findings(const Outcome& outcome);

}  // namespace blackstart::report
