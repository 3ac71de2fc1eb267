// SPDX-License-Identifier: Apache-2.0
// How what the faults killed comes back: in which order, and what may stand in its way.
#pragma once

#include <string>
#include <vector>

#include "injector/plan/plan.h"
#include "injector/plan/separation.h"

namespace blackstart {

// The stages of `recovery.order`, each with what comes back in it; what no stage names comes last, together.
// The network is before them all and no stage of its own.
[[nodiscard]] std::vector<PlanStage> stages_of(const Topology& topology, const Experiment& experiment,
                                               const std::vector<ResolvedFault>& faults);

// Services that come back and can only start once the others of their cycle have, since no instance that
// stays up is enough. First each the one that needs the next, then whoever is caught with them.
[[nodiscard]] std::vector<std::vector<std::string>> start_up_cycles(const Topology& topology,
                                                                    const std::vector<PlanStage>& stages);

// Cycles, services that come back before what they need, and what nobody starts again.
[[nodiscard]] std::vector<std::string> warnings_of_return(
    const Topology& topology, const std::vector<ResolvedFault>& faults, const std::vector<PlanStage>& stages,
    const std::vector<std::vector<std::string>>& cycles);

}  // namespace blackstart
