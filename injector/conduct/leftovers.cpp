// SPDX-License-Identifier: Apache-2.0
#include "injector/conduct/leftovers.h"

namespace blackstart {

void take_stock(Fleet& fleet, Learned& learned, Outcome& outcome) {
  auto [residue, changes] = fleet.leftovers();
  outcome.residue = std::move(residue);
  outcome.changes = std::move(changes);
  for (const auto& [host, why] : fleet.lost()) {
    learned.gaps.push_back("what " + host + " saw to the end is not known: " + why);
    outcome.notes.push_back(
        host + ": " + why +
        "; the kernel ends its faults with the agent, at their lease or at their deadline");
  }
  // An agent that is there and does not answer still holds its links, inert as they may be.
  for (const std::string& host : fleet.hung())
    outcome.residue.push_back(host + ": not known, its agent hangs; ending its agent frees what it holds");
  for (const auto& [host, what] : fleet.trouble()) learned.gaps.push_back(host + ": " + what);
}

}  // namespace blackstart
