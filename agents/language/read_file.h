// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "agents/contract/result.h"

namespace blackstart {

// The whole of a file; refused when it is no regular file or pipe, or larger than a document may be.
Result<std::string> read_file(const std::string& path);

}  // namespace blackstart
