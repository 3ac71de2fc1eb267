// SPDX-License-Identifier: Apache-2.0
// What a run asks of which host, and how far its timeline reaches. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "injector/conduct/gates.h"
#include "injector/conduct/impact_watch.h"
#include "injector/conduct/way_back.h"
#include "injector/experiment/experiment.h"
#include "injector/plan/plan.h"

namespace blackstart {

// Probes, guards' queries, checks and writers of records, by the host they are asked from.
[[nodiscard]] std::map<std::string, std::vector<contract::Probe>> probes_by_host(const Experiment& experiment,
                                                                                 const ImpactWatch& impact,
                                                                                 const std::string& run);

// Of the last fault that no failed gate keeps from starting, from the common instant.
[[nodiscard]] Duration end_of_faults(const Experiment& experiment, const Gates& gates);
// The same, or the end of the last cold start while one is under way.
[[nodiscard]] Duration end_of_hold(const Plan& plan, const Experiment& experiment, const Gates& gates,
                                   const Reports& reports);

}  // namespace blackstart
