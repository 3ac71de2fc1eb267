// SPDX-License-Identifier: Apache-2.0
// What people say about a run while it lasts: lines of JSON in RUN/marks of the run's live folder, which
// its conductor takes into the event log until the record is closed.
#pragma once

#include <string>
#include <vector>

#include "agents/contract/result.h"
#include "injector/record/outcome.h"
#include "injector/record/said_lines.h"

namespace blackstart {

// The milestones every response has, in their usual order.
inline constexpr const char* kMilestones[] = {"detected", "acknowledged", "command",
                                              "decided",  "switched",     "recovered"};
// Otherwise the error names the nearest milestone.
[[nodiscard]] Result<> check_milestone(const std::string& mark);

// Adds one line; safe beside others that do. Refused when the record is closed.
[[nodiscard]] Result<> say_mark(const std::string& file, const OutcomeMark& mark);

// The conductor's side; see SaidLines.
class MarksTaken {
 public:
  [[nodiscard]] static Result<MarksTaken> open(const std::string& file);
  [[nodiscard]] std::vector<OutcomeMark> take();
  [[nodiscard]] std::vector<OutcomeMark> close();

 private:
  explicit MarksTaken(SaidLines lines) : lines_(std::move(lines)) {}

  SaidLines lines_;
};

}  // namespace blackstart
