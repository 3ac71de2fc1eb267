// SPDX-License-Identifier: Apache-2.0
// One run, from preflight to verdict:
//
//   preflight → steady → arm → fire → hold → revert → [return →] recover → residue → verdict
//
// return: the network is back and what the faults killed is started again, stage by stage; only where the
// plan has stages, and only after a normal end: whatever ends a run early takes everything back at once.
//
// Usage: Outcome outcome = conduct(plan, experiment, topology, channel, options);
//
// Invariants:
//   1. Nothing is written on any host before `arm`; a closed window, a red precondition or steady state,
//      and a guard that is breached before the cut, touch nothing.
//   2. From `arm` on, every way out of the run passes through `revert`.
//   3. An abort is honoured in every phase: within one tick (100 ms) and the time to revert, or, while
//      agents arm, once they have answered (5 s at most).
//   4. The outcome is filled from what agents and probes said; what nobody said stays unknown.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "agents/channel/channel.h"
#include "agents/contract/totals.h"
#include "injector/experiment/experiment.h"
#include "injector/plan/plan.h"
#include "injector/record/outcome.h"
#include "injector/record/run_stand.h"
#include "injector/record/said_returns.h"
#include "injector/topology/topology.h"

namespace blackstart {

// Where a run stands, for a progress line.
struct RunProgress {
  std::string phase;
  std::string detail;              // what the phase is about just now
  Duration elapsed{0};             // in this phase
  Duration expected{0};            // how long it is meant to take; 0: until it is done
  std::optional<ReturnWait> wait;  // for people
  PacketTotals packets;            // over all hosts, so far
  std::vector<std::pair<std::string, std::optional<double>>> probes;  // success ratio over the last seconds
};

class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void event(UnixNs at, const std::string& type, const nlohmann::json& data) = 0;
  virtual void progress(const RunProgress& progress) = 0;
  // What a person in front of it should read now, a line each time.
  virtual void line(const std::string& text) = 0;
};

// The host name under which the channel reaches the conductor's own place, where probes and checks without
// `from` are asked. No host of a topology can have it.
inline constexpr char kOwnPlace[] = "(conductor)";
// Whether anything of the experiment is asked from there.
bool asks_from_own_place(const Experiment& experiment);

// What was said while the run lasts.
struct SaidMark {
  OutcomeMark mark;
  UnixNs alert_began = 0;  // 0: a person's mark
};

struct ConductOptions {
  std::string run;
  std::string window_override;      // why the run may start outside its windows; "": it may not
  RunObserver* observer = nullptr;  // not owned; required
  std::function<std::optional<std::string>()> abort_requested;  // why the run must end now
  // What was said since it was last asked; `last`: nothing can be said afterwards. An alert that began at
  // or after the common instant is the mark `detected`, an older one keeps its name.
  std::function<std::vector<SaidMark>(bool last)> said;
  bool alerts = false;  // alerts can be said
  // What people let come back since it was last asked; `last`: nobody has to say so any more. Optional.
  std::function<std::vector<SaidReturn>(bool last)> said_returns;
  // Told at every phase's start and once a second: what is so at that moment; what is only known at the end
  // (verdicts, times, hypothesis) is not in it. Optional.
  std::function<void(const Outcome& so_far)> so_far;
  std::function<UnixNs()> now = unix_now;
  // How far the clock on the wall was set since the run began; none: nobody sets it.
  std::function<Duration()> clock_set;
  std::function<void(Duration)> sleep;  // required
};

Outcome conduct(const Plan& plan, const Experiment& experiment, const Topology& topology, Channel& channel,
                const ConductOptions& options);

}  // namespace blackstart
