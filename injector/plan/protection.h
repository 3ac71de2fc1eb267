// SPDX-License-Identifier: Apache-2.0
// What no fault may touch (safety rule S5).
#pragma once

#include <vector>

#include "injector/experiment/experiment.h"
#include "injector/plan/plan.h"
#include "injector/topology/topology.h"

namespace blackstart {

// The same for every host: link scope, port 22, and the topology's `protect`.
[[nodiscard]] contract::Protection protection(const Topology& topology);

// Protected traffic, outside sites and exceptions, each with the line that says so.
[[nodiscard]] std::vector<Untouched> untouched(const Topology& topology, const Experiment& experiment);

}  // namespace blackstart
