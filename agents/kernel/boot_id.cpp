// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/boot_id.h"

#include <fstream>

namespace blackstart {

std::string boot_id() {
  std::string id;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), id);
  return id;
}

}  // namespace blackstart
