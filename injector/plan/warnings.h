// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "injector/plan/separation.h"

namespace blackstart {

// What is allowed and yet probably not meant.
[[nodiscard]] std::vector<std::string> warnings(const Topology& topology, const Experiment& experiment,
                                                const std::vector<ResolvedFault>& faults);

// What no plan of this kind can see.
[[nodiscard]] std::vector<std::string> blind_spots(const Topology& topology);

}  // namespace blackstart
