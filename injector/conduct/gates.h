// SPDX-License-Identifier: Apache-2.0
// The gates of a timeline: what starts at or behind a gate waits until it has passed, and never starts
// once one has failed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "injector/conduct/evaluate.h"
#include "injector/experiment/experiment.h"
#include "injector/record/outcome.h"

namespace blackstart {

class Gates {
 public:
  explicit Gates(const std::vector<Gate>& gates);

  // Judges the gates that are due and whose answers are in; calls `told` for each.
  void judge(const Histories& histories, UnixNs fired, UnixNs now,
             const std::function<void(const OutcomeGate&)>& told);
  // How far the timeline may go: the offset of the first gate that has not passed.
  [[nodiscard]] Duration horizon() const;
  [[nodiscard]] bool failed() const;
  [[nodiscard]] std::vector<OutcomeGate> outcome() const;

 private:
  struct Open {
    Gate gate;
    OutcomeGate outcome;
  };
  std::vector<Open> open_;  // in the order of the timeline
};

}  // namespace blackstart
