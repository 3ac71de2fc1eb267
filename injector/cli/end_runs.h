// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "injector/record/run_registry.h"

namespace blackstart::cli {

struct EndedRun {
  std::string run;
  Result<std::string> how;  // one sentence, or why a host may still be held
  bool killed = false;      // services, which were then started all at once
  std::string topology;
};

// Ends the runs, all at once and in under 5 s: asks their conductors, and goes around those that do not
// react, to the agents themselves. Hosts out of reach revert at their lease or deadline.
std::vector<EndedRun> end_runs(RunRegistry& registry, const std::vector<RunRecord>& records,
                               const std::string& why);

// The same, told to the person who asked. Returns the exit code.
int end_and_tell(RunRegistry& registry, const std::vector<RunRecord>& records, const std::string& why,
                 bool json);

// Who runs this program, for the record: the login name or the uid.
std::string who_asks();

}  // namespace blackstart::cli
