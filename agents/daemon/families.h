// SPDX-License-Identifier: Apache-2.0
// The catalogue of fault families: what an order is given to, and what can take a dead agent's steps
// back. `keeper`: the socket of the lab's keeper, or "". A new family is a line in each function.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agents/faults/fault.h"
#include "agents/faults/step_log.h"
#include "agents/runtime/reaper.h"

namespace blackstart {

Result<std::vector<std::unique_ptr<FaultFamily>>> make_families(StepLog& log, const std::string& keeper);
ReapParts reap_parts();

}  // namespace blackstart
