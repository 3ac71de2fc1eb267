// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "agents/contract/result.h"

namespace blackstart {

// The whole of a file, as far as a document may be long. Refused when it is no regular file or pipe.
Result<std::string> read_file(const std::string& path);

// The same for a file that decides what a privileged process does. kRefused, with the command that
// mends it, unless the file and every folder above it belong to root or to the caller, can be written by
// nobody else (a folder like /tmp, whose entries only their owners may replace, is fine) and are no
// symbolic links. What is checked is what is read: nobody can swap the file in between.
Result<std::string> read_trusted_file(const std::string& path);

}  // namespace blackstart
