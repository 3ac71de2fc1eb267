// SPDX-License-Identifier: Apache-2.0
// What a host that a run holds is doing, by its agent's own word. Pure.
#pragma once

#include <string>
#include <vector>

#include "agents/contract/contract.pb.h"
#include "agents/contract/units.h"

namespace blackstart::cli {

struct HostState {
  // free       no run holds it
  // watching   held, and nothing is to happen on it
  // armed      its faults wait for their time
  // fired      a fault is in force
  // over       its faults are over; what they killed may still be down
  std::string state;
  std::vector<std::string> down;  // services a fault killed that nobody has started yet

  [[nodiscard]] std::string text() const;  // "over, waits to return: cache"
};
[[nodiscard]] HostState host_state(const contract::HostReport& report, UnixNs now);

}  // namespace blackstart::cli
