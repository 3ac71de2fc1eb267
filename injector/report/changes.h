// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "injector/record/outcome.h"

namespace blackstart::report {

struct Change {
  std::string what, before, after;
};

// From one run to a later one. What either of them does not know is no change.
struct Changes {
  std::vector<Change> better, worse;
};
[[nodiscard]] Changes changes(const Outcome& before, const Outcome& after);

}  // namespace blackstart::report
