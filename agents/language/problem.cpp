// SPDX-License-Identifier: Apache-2.0
#include "agents/language/problem.h"

namespace blackstart {

std::string Location::text() const {
  if (line == 0) return file;
  std::string text = file + ":" + std::to_string(line);
  if (column > 0) text += ":" + std::to_string(column);
  return text;
}

}  // namespace blackstart
