// SPDX-License-Identifier: Apache-2.0
// What a run says while it lasts: its phases, events and notes, into record, outcome and progress line.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "injector/conduct/conduct.h"
#include "injector/conduct/preconditions.h"

namespace blackstart {

// What services that do not answer before anything is touched mean for the run, in sentences.
[[nodiscard]] std::vector<std::string> hurt_already(const std::vector<std::string>& down,
                                                    const std::vector<std::string>& degraded);

class Telling {
 public:
  // Both outlive it.
  Telling(const ConductOptions& options, Outcome& outcome) : options_(options), outcome_(outcome) {}

  // Ends the phase before it. expected: how long it is meant to take; 0: until it is done.
  void enter(const std::string& phase, Duration expected = Duration{0});
  void leave();
  void event(const std::string& type, const nlohmann::json& data);
  void note(const std::string& text);  // once, however often it is so
  void warn(const std::string& text);  // a note that people must see now
  // What the phase is about just now, and for whom it waits; a change of the first is a line.
  void detail(const std::string& text);
  void wait(std::optional<ReturnWait> wait) { wait_ = std::move(wait); }
  void line(const std::string& text) { options_.observer->line(text); }
  void mark(OutcomeMark mark);
  void return_asked(const SaidReturn& said);
  // Needs packets and probes alone.
  void progress(RunProgress progress);
  // For preconditions and windows.
  [[nodiscard]] PreconditionTold of_preconditions();

 private:
  const ConductOptions& options_;
  Outcome& outcome_;
  std::string phase_, detail_;
  std::optional<ReturnWait> wait_;
  UnixNs phase_start_ = 0;
  Duration expected_{0};
};

}  // namespace blackstart
