// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "agents/contract/contract.pb.h"

namespace blackstart {

struct PacketTotals {
  uint64_t dropped = 0, leaked = 0;

  void add(const contract::HostReport& report) {
    for (const auto& fault : report.faults())
      for (const auto& count : fault.packets())
        if (count.verdict() == "drop") dropped += count.packets();
    for (const auto& leak : report.leaks()) leaked += leak.packets();
  }
};

}  // namespace blackstart
