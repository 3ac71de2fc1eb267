// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "injector/lab/blueprint.h"

namespace blackstart::lab {

// Asks once whether a process is ready, waiting at most `timeout` for each of its host's addresses: one
// that answers is enough. An agent is ready when it answers a hello; that its socket takes connections says
// nothing, the kernel does that for a stopped one too. The calling thread must be in the network namespace of
// the host.
[[nodiscard]] bool is_ready(const ReadyPlan& ready, const std::vector<InterfaceAddress>& addresses,
                            std::chrono::milliseconds timeout);

}  // namespace blackstart::lab
