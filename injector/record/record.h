// SPDX-License-Identifier: Apache-2.0
// What a run leaves in its folder: plan.json, events.jsonl, outcome.json. The first event of the log
// holds the SHA-256 of the plan, written before anything is touched; the last one that of the outcome.
// So the head of the log, which is printed at the end of a run, stands for all three files.
#pragma once

#include <string>

#include "injector/record/event_log.h"

namespace blackstart {

// The first event: what was planned and predicted.
[[nodiscard]] Result<> seal_plan(EventLog& log, const std::string& plan_text);
// The last event: what came out. log.head() is the head of the record from here on.
[[nodiscard]] Result<> seal_outcome(EventLog& log, const std::string& outcome_text);

struct VerifiedRecord {
  uint64_t events = 0;
  std::string head;
  bool sealed = false;  // false: whole so far, but the run is under way, or its conductor died
};
// Checks the chain, and both files against the hashes in it. `head`, where given, must be the chain's;
// without it a record that was rewritten from some event on, hashes and all, cannot be told from one
// that was always so.
[[nodiscard]] tl::expected<VerifiedRecord, Problem> verify_record(const std::string& folder,
                                                                  const std::string& head = {});

}  // namespace blackstart
