// SPDX-License-Identifier: Apache-2.0
// Makes processes stand still, on record, and go on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agents/contract/result.h"
#include "agents/faults/process/selection.h"
#include "agents/faults/step_log.h"

namespace blackstart {

class Freezer {
 public:
  // `steps` gets each cgroup and each process before it stands still; not owned. nullptr: nothing is
  // recorded.
  explicit Freezer(StepLog* steps) : steps_(steps) {}
  ~Freezer() { (void)thaw(); }
  Freezer(const Freezer&) = delete;
  Freezer& operator=(const Freezer&) = delete;

  // A cgroup they are all of is frozen; elsewhere each is stopped, and so is what they fork meanwhile. What
  // stands still already, by somebody else's doing, is left alone. Says how many stand still by ours. After a
  // failure some do: thaw().
  [[nodiscard]] Result<uint64_t> freeze(const std::function<Selection()>& select);
  // Idempotent; goes on after a failure and reports the first.
  [[nodiscard]] Result<> thaw();
  [[nodiscard]] bool holds() const { return !held_.empty(); }

 private:
  struct Held {
    contract::Step step;
    uint64_t id;
  };
  Result<> record(contract::Step step);

  StepLog* steps_;
  std::vector<Held> held_;
};

}  // namespace blackstart
