// SPDX-License-Identifier: Apache-2.0
// What people let come back with `blackstart return`: lines of JSON in RUN/returns of the run's live folder,
// below a first line that says what can. The file is there while somebody may have to say so: from the start
// of a run that has something to return until all of it is on its way.
#pragma once

#include <string>
#include <vector>

#include "agents/contract/result.h"
#include "agents/contract/units.h"
#include "injector/plan/plan.h"
#include "injector/record/said_lines.h"

namespace blackstart {

struct SaidReturn {
  std::string what;  // a host, site, role or service
  std::string by;
  UnixNs at = 0;
};

// Adds one line and returns what it lets come back. Refused when nothing can come back any more; invalid,
// with the nearest name, when nothing in the plan goes by it.
[[nodiscard]] Result<std::vector<PlanReturn>> say_return(const std::string& file, const SaidReturn& said);

// The conductor's side; see SaidLines.
class ReturnsTaken {
 public:
  [[nodiscard]] static Result<ReturnsTaken> open(const std::string& file, const Plan& plan);
  [[nodiscard]] std::vector<SaidReturn> take();
  [[nodiscard]] std::vector<SaidReturn> close();

 private:
  explicit ReturnsTaken(SaidLines lines) : lines_(std::move(lines)) {}

  SaidLines lines_;
};

}  // namespace blackstart
