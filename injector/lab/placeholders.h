// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "agents/contract/result.h"

namespace blackstart::lab {

// Replaces every {word} (lower-case letters and digits) by its value. A word without a value is an
// error of kind kInvalid that names `where`. Other braces, and doubled ones ("{{end}}"), stay as they are.
[[nodiscard]] Result<std::string> expand(std::string_view text,
                                         const std::map<std::string, std::string>& values,
                                         const std::string& where);

}  // namespace blackstart::lab
