// SPDX-License-Identifier: Apache-2.0
// A unit of systemd that is killed and stays dead, against whatever would start it: its own Restart=, its
// sockets, timers and paths, and people.
//
//   find → hold → kill → release; start_units(was_active())
//
// What holds it is a drop-in with a condition that cannot be met, in /run, for the unit and for each unit
// that triggers it; enabled and masked states, and files in /etc, are never touched. It stands in the journal
// before it is written, and goes with the next boot by itself.
#pragma once

#include <string>
#include <vector>

#include "agents/contract/contract.pb.h"
#include "agents/contract/result.h"
#include "agents/faults/step_log.h"

namespace blackstart {

class UnitHold {
 public:
  // The unit as it stands; touches nothing. `steps` is not owned; null: nothing is written down. kMissing
  // without systemd, kInvalid for no unit, kRefused for one that could not be started again: masked, or
  // transient.
  [[nodiscard]] static Result<UnitHold> find(const std::string& unit, StepLog* steps);

  // Of the unit and those that trigger it, what was active when it was found, in the order in which
  // start_units() is to start them: belongs into the journal before kill().
  [[nodiscard]] const std::vector<std::string>& was_active() const { return active_; }
  [[nodiscard]] bool ran() const { return ran_; }
  // Of the unit, relative to the root of version 2; "": it has no processes.
  [[nodiscard]] const std::string& cgroup() const { return cgroup_; }

  // From here on it does not start. After a failure nothing is held.
  [[nodiscard]] Result<> hold();
  // Every process of the unit; what triggers it is stopped.
  [[nodiscard]] Result<> kill(int signal);
  // It may start again, and is not started. Idempotent.
  [[nodiscard]] Result<> release();

 private:
  UnitHold() = default;

  struct Held {
    contract::Step::HeldUnit what;
    uint64_t step = 0;
  };
  StepLog* steps_ = nullptr;
  std::string unit_, cgroup_;
  std::vector<std::string> units_;   // it, and what triggers it
  std::vector<std::string> active_;  // of these
  std::vector<Held> held_;
  bool ran_ = false;
};

// Asks for each to be started, after taking off what of ours may still hold it. Goes on after a failure and
// returns the first. Idempotent.
[[nodiscard]] Result<> start_units(const std::vector<std::string>& units);

// What a dead agent recorded: true when the drop-in was there and is gone. Idempotent; starts nothing.
[[nodiscard]] Result<bool> take_back(const contract::Step::HeldUnit& step);

}  // namespace blackstart
