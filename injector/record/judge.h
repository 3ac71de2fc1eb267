// SPDX-License-Identifier: Apache-2.0
// From the facts of a run to its verdict and exit code. Pure. When several hold, the first wins:
//
//   a fault is stranded or residue was found        stranded      7
//   the conductor failed                            error        70
//   a guard, a person or the lever ended it         aborted       2
//   a fault hit nothing: it was not injected         inconclusive  3
//   the hypothesis failed, or the recovery did: the steady state did not come
//   back, or something that was killed did not      fail          1
//   data to judge them is missing                   inconclusive  3
//   otherwise                                       pass          0
//
// `expect: fail` swaps the two answers of the hypothesis, and nothing else: the exit code is 0 exactly
// when it failed, nothing above it holds, and the recovery passed. The verdict stays what was seen.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "injector/record/outcome.h"

namespace blackstart {

struct RunFacts {
  bool stranded = false;
  bool error = false;
  bool aborted = false;
  bool injected = false;                        // every fault that fired hit what it is about
  const char* missed = "packets";               // ... or processes, where that is what the one hit none of
  bool touched = false;                         // any fault did
  std::vector<std::optional<bool>> hypothesis;  // each met, not met, or unknown
  bool asked = true;                            // there is a steady state to come back to
  std::optional<bool> recovered;                // steady again; unknown without data
  std::vector<std::string> never_well;          // killed, started again, and failing to the end
  std::vector<std::string> gaps;                // what else a verdict needs and nobody said
  bool expect_failure = false;
};

struct Judgement {
  Verdict verdict = Verdict::kNone;
  Verdict recovery = Verdict::kNone;  // kNone: nothing was injected, so nothing had to recover
  int exit_code = kExitInternal;
  std::string reason;  // one sentence
};

[[nodiscard]] Judgement judge(const RunFacts& facts);

}  // namespace blackstart
