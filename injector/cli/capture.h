// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "agents/contract/result.h"

namespace blackstart::cli {

// Runs a program without a shell and gives what it printed on stdout; its stderr is dropped. Fails when
// it cannot be started or ends with anything but 0.
Result<std::string> capture(const std::vector<std::string>& argv);

}  // namespace blackstart::cli
