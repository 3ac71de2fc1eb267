// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/boot_id.h"

#include <fstream>

namespace blackstart {

std::string boot_id(const std::string& file) {
  std::string id;
  std::getline(std::ifstream(file), id);
  return id;
}

}  // namespace blackstart
