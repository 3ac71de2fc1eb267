// SPDX-License-Identifier: Apache-2.0
// From what the phases of a run learned to its outcome and its verdict. Pure; the phases are in conduct.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "injector/conduct/evaluate.h"
#include "injector/conduct/gates.h"
#include "injector/conduct/impact_watch.h"
#include "injector/conduct/returns.h"
#include "injector/experiment/experiment.h"
#include "injector/plan/plan.h"
#include "injector/record/outcome.h"
#include "injector/topology/topology.h"

namespace blackstart {

// What a run is about; outlives it.
struct Drill {
  const Plan& plan;
  const Experiment& experiment;
  const Topology& topology;
};

// What nobody knew before the run, beside what stands in its outcome already.
struct Learned {
  explicit Learned(const Drill& drill);

  RunTimes times;
  Histories histories;  // of the steady state and of the guards' queries
  ImpactWatch impact;
  Reports reports;
  std::vector<Returns::Coming> returning;  // what the plan brings back, as far as it was
  Gates gates;
  std::map<const Guard*, OutcomeGuard> breaches;
  std::string reverted_by;           // end abort guard; "": not every host has said how it reverted
  std::optional<bool> recovered;     // nullopt: nobody could say, or nobody looked
  std::optional<Error> refused;      // why it went no further
  std::optional<std::string> error;  // what was thrown
  std::string stop_reason;           // why it ended early; "": it did not
  std::vector<std::string> gaps;     // what a verdict needs and nobody said
  bool stranded = false;             // a fault could not be taken back
  bool alerts = false;               // somebody listened for alerts
};

// What stands before the first phase.
[[nodiscard]] Outcome outcome_at_start(const Drill& drill, const std::string& run);

// The outcome with what was seen until `now`, while a run lasts: faults, probes, services, who is back.
[[nodiscard]] Outcome outcome_so_far(const Drill& drill, const Learned& learned, const Outcome& outcome,
                                     UnixNs now);

// Fills in what was seen, judges it, says why. Needs the outcome's phases, marks, residue and notes.
void conclude(const Drill& drill, const Learned& learned, Outcome& outcome);

}  // namespace blackstart
