// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include <nlohmann/json.hpp>

#include "agents/daemon/commands.h"
#include "agents/faults/traffic/traffic_fault.h"
#include "agents/kernel/sock_destroy.h"

namespace blackstart {

void print_features() {
  auto list = nlohmann::json::array();
  FeatureReport features = probe_features();
  features.push_back(probe_sock_destroy());
  for (const Feature& feature : features)
    list.push_back({{"name", feature.name},
                    {"available", feature.available},
                    {"reason", feature.reason},
                    {"hint", feature.hint}});
  std::cout << list.dump(2) << "\n";
}

}  // namespace blackstart
