// SPDX-License-Identifier: Apache-2.0
// Kind `Agent`: what /etc/blackstart/agent.yaml may say. Read by agents/policy, printed by
// `blackstart schema`.
#pragma once

#include <string>
#include <vector>

#include "agents/language/shape.h"

namespace blackstart {

const Shape& agent_shape();

// The kinds of fault that touch a host, as experiments name them.
const std::vector<std::string>& touching_fault_kinds();

// What `power` of an agent's configuration may say.
const std::vector<std::string>& power_losses();

}  // namespace blackstart
