// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "agents/contract/result.h"

namespace blackstart::cli {

// The number of the first process of a running container, as docker or, without it, podman says.
// kMissing when neither is installed; kInvalid when no such container runs.
Result<int> container_pid(const std::string& container);

}  // namespace blackstart::cli
