// SPDX-License-Identifier: Apache-2.0
// How long others took: what a time is measured against.
#pragma once

#include <vector>

#include "agents/contract/units.h"

namespace blackstart {

struct Yardstick {
  Duration length;
  const char* name;
};
// Shortest first.
[[nodiscard]] const std::vector<Yardstick>& yardsticks();

}  // namespace blackstart
