// SPDX-License-Identifier: Apache-2.0
// Starts again what a fault killed.
#pragma once

#include "agents/contract/contract.pb.h"
#include "agents/contract/result.h"

namespace blackstart {

// Has whoever the step names start the service: the keeper of a lab, a unit's manager, or a command, which
// runs without a shell, as nobody, in a session of its own. Returns once it was started; whether it is well
// is for its checks to say. One that runs already is fine with a keeper or a unit. ENOENT: the keeper's
// socket is gone, and its lab with it.
[[nodiscard]] Result<> start_again(const contract::Step::DownService& service);

}  // namespace blackstart
