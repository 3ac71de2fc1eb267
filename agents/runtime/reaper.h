// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agents/contract/result.h"
#include "agents/runtime/journal.h"

namespace blackstart {

// What the fault families know about taking back; all of it idempotent.
struct ReapParts {
  // True: it was there and is gone. False: it was gone already, or is not ours.
  std::function<Result<bool>(const contract::Step&)> take_back;
  // Removes what bears our name and stands in no journal; how many objects that were.
  std::function<Result<int>()> sweep;
};

// "clsact qdisc of eth0"
std::string describe(const contract::Step& step);

// Takes back what a dead agent left, the youngest step first, then sweeps. A step of another boot or
// network namespace went with it, and is only crossed out. Goes on after a failure and reports the
// first (kStranded); what could not be taken back still stands in the journal.
// Returns what was removed, one line each.
Result<std::vector<std::string>> reap(Journal& journal, const ReapParts& parts);

}  // namespace blackstart
