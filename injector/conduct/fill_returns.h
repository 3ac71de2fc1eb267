// SPDX-License-Identifier: Apache-2.0
// From what the agents and the checks said of killed instances to the outcome's returns. Pure.
#pragma once

#include <string>
#include <vector>

#include "injector/conduct/evaluate.h"
#include "injector/conduct/returns.h"
#include "injector/record/outcome.h"
#include "injector/topology/topology.h"

namespace blackstart {

// Every instance an agent says was killed, by stage, host and service. A host is back when all of its killed
// instances are well; the rate is of those that are, from the end of the faults to the last of them.
// The cycles are those of the plan whose every service was started and never got
// well.
void fill_returns(const Plan& plan, const Topology& topology, const std::vector<Returns::Coming>& planned,
                  const Reports& reports, const ImpactWatch::Checks& checks, const RunTimes& times,
                  Outcome& outcome);

// Instances that were started again, whose stage was given up for want of them and whose checks failed to
// the end, although they had passed before. One that nobody can look at is none of them. Needs the outcome's
// returns.
[[nodiscard]] std::vector<std::string> never_well(const Outcome& outcome,
                                                  const std::vector<Returns::Coming>& planned,
                                                  const ImpactWatch::Checks& checks);

}  // namespace blackstart
