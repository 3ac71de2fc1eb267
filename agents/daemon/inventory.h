// SPDX-License-Identifier: Apache-2.0
// What the agent's programs say about what is left on a host.
#pragma once

#include "agents/runtime/runtime.h"

namespace blackstart {

// Has the runtime say what is ours on this host, and what changes there while it holds an order.
// The journal outlives the parts.
void look_after_residue(RuntimeParts& parts, bool lab, const Journal& journal);

}  // namespace blackstart
