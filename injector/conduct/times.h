// SPDX-License-Identifier: Apache-2.0
// How long things took, and what that says to the objectives. Pure.
//
//   detect acknowledge command decide   the first mark of that kind at or after T0
//   mitigate      a journey's hypothesis holds while the fault lasts, and is kept
//   recover       the end of a journey's last failure, once the steady state has held for recovery.watch
//   full-restore  the same of every journey, and every service that was well before answers everywhere
//
// A journey that was not asked to the end is only known to have recovered if it held as long before that.
// T0 is the first packet or process hit: without one there are no times. What the run was too short to see is
// censored, a lower bound; what nobody could have said (no answers, no person marked anything) is unknown
// and left out. Nothing is scaled.
#pragma once

#include "injector/conduct/evaluate.h"
#include "injector/conduct/impact_watch.h"
#include "injector/experiment/experiment.h"
#include "injector/record/outcome.h"

namespace blackstart {

// Needs t0, probes, hypothesis, marks and recovery. `alerts`: somebody listened for alerts, so that their
// silence means something.
void fill_times(const Experiment& experiment, const RunTimes& times, std::optional<bool> recovered,
                bool alerts, Outcome& outcome);

// Adds full-restore; needs the times of fill_times. A service that was not well before, or that has no
// checks, counts nowhere; one of which nothing is known after the revert makes it unknown.
void fill_full_restore(const ImpactWatch& impact, const RunTimes& times, Outcome& outcome);

// Needs times. With `clock: respond` mitigate and recover are measured to the first mark `acknowledged` or
// `command`, with `resolve` to what the probes saw: the last journey counts.
void fill_objectives(const Objectives& objectives, Outcome& outcome);

}  // namespace blackstart
