// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include <tl/expected.hpp>

#include "injector/plan/plan.h"
#include "injector/plan/separation.h"

namespace blackstart {

// Where each cold start of the experiment takes place: a host of its site that has no instance of the
// service and nothing on its ports, if possible one that no fault is about; of these the first by name.
[[nodiscard]] tl::expected<std::vector<PlanColdStart>, Problems> resolve_cold_starts(
    const Topology& topology, const Experiment& experiment, const std::vector<ResolvedFault>& faults);

}  // namespace blackstart
