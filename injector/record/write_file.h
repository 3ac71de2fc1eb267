// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "agents/contract/result.h"

namespace blackstart {

// Whole or not at all: a reader sees the old file or the new one.
Result<> write_file(const std::string& path, const std::string& text);

}  // namespace blackstart
