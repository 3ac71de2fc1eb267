// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "agents/contract/result.h"

namespace blackstart {

// Whole or not at all: a reader sees the old file or the new one, also after a power cut. On success it
// is on the disk; on failure the old one stands as it was.
Result<> write_file(const std::string& path, const std::string& text);

// All of it, however often the kernel takes a part; false with errno set.
bool write_all(int fd, std::string_view data);

}  // namespace blackstart
