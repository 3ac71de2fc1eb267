// SPDX-License-Identifier: Apache-2.0
// The catalogue of fault families: what an order is given to, and what can take a dead agent's steps
// back. A new family is a line in each function.
#pragma once

#include <memory>
#include <vector>

#include "agents/daemon/options.h"
#include "agents/faults/fault.h"
#include "agents/faults/step_log.h"
#include "agents/kernel/features.h"
#include "agents/runtime/reaper.h"

namespace blackstart {

// Of the agent with these options. Packets come first: what is about processes may need a cut around it.
Result<std::vector<std::unique_ptr<FaultFamily>>> make_families(const AgentOptions& options, StepLog& log);
ReapParts reap_parts(bool lab);
FeatureReport family_features();

}  // namespace blackstart
