// SPDX-License-Identifier: Apache-2.0
// What the agent's programs say about what is left on a host.
#pragma once

#include "agents/runtime/runtime.h"

namespace blackstart {

// Has the runtime say what is ours on this host, and what changes there while it holds an order.
void look_after_residue(RuntimeParts& parts, bool lab);

// `blackstart-agent inventory`: everything of ours on this machine, whoever holds it, and the command
// that removes each. Exit code 0: nothing, or live processes hold all of it; 7: something nobody holds;
// 5: nothing was found, but not everything could be looked at; 4: a wrong command line.
int run_inventory(int argc, char** argv);

}  // namespace blackstart
