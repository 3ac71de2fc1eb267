// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include <nlohmann/json.hpp>

#include "agents/daemon/commands.h"
#include "agents/daemon/families.h"

namespace blackstart {

void print_features() {
  auto list = nlohmann::json::array();
  for (const Feature& feature : family_features())
    list.push_back({{"name", feature.name},
                    {"available", feature.available},
                    {"reason", feature.reason},
                    {"hint", feature.hint}});
  std::cout << list.dump(2) << "\n";
}

}  // namespace blackstart
