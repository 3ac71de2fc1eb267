// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "agents/contract/units.h"

namespace blackstart {

// The two files with which anybody who may stops every fault on a host, whatever the conductor does.
// They are looked at, not watched: two stat calls find a file in a folder that did not exist before, or
// came by a mount, as surely as any other.
struct StopFiles {
  std::string abort = "/run/blackstart/abort";
  std::string lever = "/var/lib/blackstart/lever";
};

// How often they are looked at while an order is held.
inline constexpr Duration kStopFilesEvery = std::chrono::milliseconds(250);

// Why nothing may be armed, and how that ends.
struct Stop {
  std::string reason;  // "abort file", "lever"
  std::string hint;
};

// Nothing: neither is there. A file that cannot be looked at counts as there.
std::optional<Stop> stop_asked(const StopFiles& files);

}  // namespace blackstart
