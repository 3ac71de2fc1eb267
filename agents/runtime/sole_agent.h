// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include "agents/contract/result.h"
#include "agents/kernel/fd.h"

namespace blackstart {

// While what it returns is open, nobody else in this network namespace gets it, whatever folder they keep
// their state in: what bears our name there belongs to the caller, or to nobody who is alive. A process
// that dies, however it dies, leaves it free. kRefused when somebody still has it after `patience`:
// EADDRINUSE, an agent; EPERM, another user's process, which can be none.
Result<Fd> be_sole_agent(std::chrono::milliseconds patience = {});

}  // namespace blackstart
