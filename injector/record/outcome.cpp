// SPDX-License-Identifier: Apache-2.0
#include "injector/record/outcome.h"

#include <algorithm>

namespace blackstart {

const char* verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kNone:
      return "none";
    case Verdict::kPass:
      return "pass";
    case Verdict::kFail:
      return "fail";
    case Verdict::kAborted:
      return "aborted";
    case Verdict::kInconclusive:
      return "inconclusive";
    case Verdict::kStranded:
      return "stranded";
    case Verdict::kError:
      return "error";
  }
  return "none";
}

int graver(int code, int other) {
  if (code == kExitStranded || other == kExitStranded) return kExitStranded;
  return std::max(code, other);
}

UnixNs zero_of(const Outcome& outcome) {
  if (outcome.t0 != 0) return outcome.t0;
  if (outcome.fired != 0) return outcome.fired;
  return outcome.phases.empty() ? 0 : outcome.phases.front().start;
}

std::optional<Duration> from_zero(const Outcome& outcome, UnixNs moment) {
  if (moment == 0) return std::nullopt;
  return Duration(moment - zero_of(outcome));
}

ExitCode exit_code_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid:
      return kExitInvalid;
    case ErrorKind::kMissing:
      return kExitMissing;
    case ErrorKind::kStranded:
      return kExitStranded;
    case ErrorKind::kRefused:
    case ErrorKind::kUnreachable:
      return kExitRefused;
    case ErrorKind::kInternal:
      break;
  }
  return kExitInternal;
}

const char* return_state_name(OutcomeReturn::State state) {
  switch (state) {
    case OutcomeReturn::State::kDown:
      return "down";
    case OutcomeReturn::State::kStarted:
      return "started";
    case OutcomeReturn::State::kWell:
      return "well";
    case OutcomeReturn::State::kFailed:
      return "failed";
    case OutcomeReturn::State::kWasDown:
      return "was-down";
    case OutcomeReturn::State::kLeft:
      return "left";
    case OutcomeReturn::State::kUnseen:
      return "unseen";
  }
  return "down";
}

std::optional<Duration> waited_for_people(const OutcomeReturn& instance) {
  if (!instance.manual || instance.asked == 0 || instance.due == 0) return std::nullopt;
  return Duration(std::max<int64_t>(0, instance.asked - instance.due));
}

OutcomeFault::Processes processes_hit(const OutcomeFault& fault) {
  OutcomeFault::Processes sum;
  for (const auto& [service, each] : fault.processes) {
    sum.killed += each.killed;
    sum.respawns_killed += each.respawns_killed;
    sum.frozen += each.frozen;
  }
  return sum;
}

bool had_effect(const OutcomeFault& fault) {
  if (fault.processes.empty()) return fault.dropped > 0;
  const OutcomeFault::Processes hit = processes_hit(fault);
  return hit.killed + hit.frozen > 0;
}

std::optional<Duration> time_to_revert(const OutcomeFault& fault) {
  if (fault.ended_by.empty() || fault.last_effect == 0) return std::nullopt;
  return Duration(std::max<int64_t>(0, fault.last_effect - fault.end));
}

}  // namespace blackstart
