// SPDX-License-Identifier: Apache-2.0
// What comes back after the faults: by which names, in which steps, in what time. Pure.
#pragma once

#include <string>
#include <vector>

#include "injector/experiment/experiment.h"
#include "injector/plan/plan.h"

namespace blackstart {

// Whether it goes by this name: its host, its site, its service, or its role as a selector says it.
[[nodiscard]] bool goes_by(const PlanReturn& instance, const std::string& name);

// By which names a person can let them come back: their services (roles alone where those are many), roles
// and sites. The first is one by which all of them go, where there is one.
[[nodiscard]] std::vector<std::string> names_of_return(const std::vector<PlanReturn>& instances);

// What `recovery.pace` counts: a host that lost its power comes back as one, everything else an instance at
// a time. Equal for what comes back in one step.
[[nodiscard]] std::string step_of_return(const Plan& plan, const PlanReturn& instance);

// A guess, for people and for windows: every step at its pace, and ten seconds a stage until it is well;
// where people have to say so, all the time they are given. Needs orders and stages.
[[nodiscard]] Duration expected_return(const Plan& plan, const Recovery& recovery);

// From the start of a run to the end of its watch, when all goes well. Needs end, orders and stages.
[[nodiscard]] Duration expected_length(const Plan& plan, const Experiment& experiment);

}  // namespace blackstart
