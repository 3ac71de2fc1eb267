// SPDX-License-Identifier: Apache-2.0
// From what the probes said to what it means. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "injector/conduct/probe_history.h"
#include "injector/experiment/experiment.h"
#include "injector/record/outcome.h"

namespace blackstart {

using Histories = std::map<std::string, ProbeHistory>;  // by probe name

// The moments of a run that verdicts are measured against; 0: did not happen.
struct RunTimes {
  UnixNs steady_start = 0, fired = 0, reverted = 0, ended = 0;
};

// Met at the earliest moment from which the ratio over the window holds until the fault ends; unknown
// when no attempt was made while it lasted.
OutcomeHypothesis evaluate(const Hypothesis& hypothesis, const Histories& histories, const RunTimes& times);

// nullopt: the guard holds. Otherwise why it is breached now.
std::optional<std::string> breach(const Guard& guard, const Histories& histories, UnixNs now,
                                  size_t unexpected_services);

// A stretch of time in which every attempt has its answer.
struct SteadyWindow {
  UnixNs from = 0, to = 0;
  std::optional<bool> held;  // unknown: a probe has no answers, or not yet enough of them
};
// Whether the steady state held over the last `over` that is settled and began at or after `since`: true
// when every attempt of every probe succeeded, false when one failed.
SteadyWindow steady(const std::vector<ProbeSpec>& probes, const Histories& histories, Duration over,
                    UnixNs since, UnixNs now);
// The first probe that keeps `steady` from being true, for people: "login: 3 of 20 failed (timeout)".
std::string why_not_steady(const std::vector<ProbeSpec>& probes, const Histories& histories, UnixNs from,
                           UnixNs to);

OutcomeProbe summarize(const ProbeSpec& probe, const ProbeHistory& history, const RunTimes& times);

}  // namespace blackstart
