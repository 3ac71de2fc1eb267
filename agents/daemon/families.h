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
#include "agents/policy/policy.h"
#include "agents/runtime/reaper.h"

namespace blackstart {

struct FamilyOptions {
  bool lab = false;
  std::string keeper;                     // the socket of the lab's keeper; "": there is none
  bool commands = false;                  // may be run to start a service again
  PowerLoss power = PowerLoss::kRefused;  // what it is where there is no lab
};

Result<std::vector<std::unique_ptr<FaultFamily>>> make_families(StepLog& log, const FamilyOptions& options);
ReapParts reap_parts(bool lab);
FeatureReport family_features();

}  // namespace blackstart
