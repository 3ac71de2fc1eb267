// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace blackstart::report {

// Text as it may stand in HTML or XML, inside an element or a quoted attribute: whatever a probe answered
// stays text. What is no UTF-8 becomes U+FFFD, a control character XML forbids a blank.
[[nodiscard]] std::string escaped(const std::string& text);

}  // namespace blackstart::report
