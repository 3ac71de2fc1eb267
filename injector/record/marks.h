// SPDX-License-Identifier: Apache-2.0
// What people say about a run while it lasts: lines of JSON in RUN/marks of the run's live folder, which
// its conductor takes into the event log. The file is there from the start of the run until the record is
// closed; what was said before that is in the record, and nothing can be said after it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agents/contract/result.h"
#include "injector/record/outcome.h"

namespace blackstart {

// The milestones every response has, in their usual order.
inline constexpr const char* kMilestones[] = {"detected", "acknowledged", "command",
                                              "decided",  "switched",     "recovered"};
// Otherwise the error names the nearest milestone.
[[nodiscard]] Result<> check_milestone(const std::string& mark);

// Adds one line; safe beside others that do. Refused when the record is closed.
[[nodiscard]] Result<> say_mark(const std::string& file, const OutcomeMark& mark);

// The conductor's side.
class MarksTaken {
 public:
  // Creates the file.
  [[nodiscard]] static Result<MarksTaken> open(const std::string& file);
  // What was said since the last time, in order; a line that is no mark is left out.
  [[nodiscard]] std::vector<OutcomeMark> take();
  // The last of it; from here on nobody can say anything.
  [[nodiscard]] std::vector<OutcomeMark> close();

 private:
  explicit MarksTaken(std::string file) : file_(std::move(file)) {}

  std::string file_;
  int64_t read_ = 0;  // bytes
};

}  // namespace blackstart
