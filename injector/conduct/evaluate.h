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
  UnixNs returned = 0;  // the last of what the faults killed was started; as `reverted` where nothing waited
};

// What the attempts of one window say to a demand.
struct Seen {
  bool holds = false;
  std::string text;  // "login succeeds in 43.0%, p99 is 1s 200ms"
};
// Of the attempts scheduled in (from, to]; nullopt without any. A percentile is the nearest rank: of less
// than 100 attempts p99 is the slowest.
std::optional<Seen> look(const Demand& demand, const std::string& probe, const Histories& histories,
                         UnixNs from, UnixNs to);

// How long an attempt may take until its answer is in.
Duration patience_of(const ProbeSpec& spec);
// How long it may take from one answer to the next; what is longer is a hole.
Duration longest_pause(const ProbeHistory& history);
// Whether there is one in (from, to].
bool has_hole(const ProbeHistory& history, UnixNs from, UnixNs to);

// Met at the earliest moment from which every window shows what is demanded until the fault ends. Unknown
// when no attempt was made while it lasted, when it held as far as is known but a stretch of time has no
// answers, or when the fault ended before it had to be met.
OutcomeHypothesis evaluate(const Hypothesis& hypothesis, const Histories& histories, const RunTimes& times);

// What a guard may be about beside probes.
struct GuardFacts {
  size_t unexpected_services = 0;
  uint64_t leaked = 0;  // packets
  size_t agents = 0, agents_lost = 0;
  bool services_unseen = false;  // somebody looks at them, and hears nothing any more
};
// nullopt: the guard holds. Otherwise why it is breached now.
std::optional<std::string> breach(const Guard& guard, const Histories& histories, UnixNs now,
                                  const GuardFacts& facts);

// A stretch of time in which every attempt has its answer.
struct SteadyWindow {
  UnixNs from = 0, to = 0;
  std::optional<bool> held;  // unknown: a probe has no answers, not yet enough of them, or a hole in them
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
