// SPDX-License-Identifier: Apache-2.0
#include "agents/contract/result.h"

#include <cstring>

namespace blackstart {

std::string Error::message() const {
  std::string text = operation;
  if (!object.empty()) text += " " + object;
  if (code != 0) {
    const char* name = strerrorname_np(code);
    text += ": " + std::string(name ? name : "errno " + std::to_string(code)) + " (" + strerrordesc_np(code) +
            ")";
  }
  if (!hint.empty()) text += "; " + hint;
  return text;
}

}  // namespace blackstart
