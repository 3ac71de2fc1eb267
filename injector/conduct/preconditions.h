// SPDX-License-Identifier: Apache-2.0
// What must be true before anything is touched: the time, no live incident, what the experiment requires.
// All are asked, and what each said is told, before the first red one refuses the run (kRefused).
#pragma once

#include <functional>
#include <string>

#include "agents/channel/channel.h"
#include "injector/conduct/conduct.h"
#include "injector/conduct/evaluate.h"
#include "injector/experiment/experiment.h"
#include "injector/record/outcome.h"

namespace blackstart {

// Called once for each that was looked at, as soon as its answer is known.
using PreconditionTold = std::function<void(const OutcomePrecondition& precondition)>;
// The precondition that stands for the experiment's windows.
inline constexpr char kWindowsPrecondition[] = "windows";

// The host a probe is asked from.
std::string place_of(const ProbeSpec& spec);

// Whether a drill of this length, begun now, stays inside the windows to its end. A reason to override
// them makes it so, and is told.
Result<> check_windows(const Windows& windows, UnixNs now, Duration length, const std::string& override_why,
                       const PreconditionTold& told);

// noIncident and those requirements that are checks of their own, one after the other, each once. An
// answer that does not come is red. Needs no armed host, and leaves no probe running.
Result<> ask_preconditions(const Experiment& experiment, Channel& channel, const ConductOptions& options,
                           const PreconditionTold& told);

// The requirements about probes of the steady state, once that holds up to `until`.
Result<> judge_preconditions(const Experiment& experiment, const Histories& histories, UnixNs until,
                             const PreconditionTold& told);

}  // namespace blackstart
