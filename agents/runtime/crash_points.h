// SPDX-License-Identifier: Apache-2.0
// The moments at which a crash is different from a crash a moment earlier: every step of the journal
// and every phase boundary of agent and sentinel, in one list. The crash tests stop a process at each
// and kill it there, so a moment that is not in the list is not tested, and one that is cannot be
// forgotten. In the product reached() is nothing and switched_off() is false.
//
// The test build (blackstart-agent-under-test) reads
//   BLACKSTART_STOP_AT=POINT:FILE   the first process to reach POINT writes its pid to FILE and stops
//   BLACKSTART_MUTATE=MECHANISM     deadline, sentinel, reaper, protect, network-first or end-sockets does
//                                   nothing
#pragma once

#include <array>
#include <string>
#include <vector>

#include "agents/contract/contract.pb.h"

namespace blackstart {

enum class CrashPoint {
  kStarted,
  kSentinelStarted,
  kJournalRead,
  kReaped,
  kListening,
  kOrderAccepted,
  kJournalOpened,
  kStepRecording,
  kStepRecorded,
  kArmed,
  kFired,
  kRenewed,
  kDeadlineReached,
  kReverting,
  kStepTakenBack,
  kJournalEmptied,
  kReverted,
  kLeaving,
  kWatching,
  kDeadlineHeard,
  kAgentOverdue,
  kAgentGone,
  kSentinelReaped,
  kBecomingAgent,
};

struct CrashPointName {
  CrashPoint point;
  const char* name;
  bool of_each_step;  // "NAME.KIND" for each kind of step
};

inline constexpr std::array kCrashPoints{
    // The agent, in the order it passes them.
    CrashPointName{CrashPoint::kStarted, "started", false},
    CrashPointName{CrashPoint::kSentinelStarted, "sentinel_started", false},
    CrashPointName{CrashPoint::kJournalRead, "journal_read", false},
    CrashPointName{CrashPoint::kReaped, "reaped", false},
    CrashPointName{CrashPoint::kListening, "listening", false},
    CrashPointName{CrashPoint::kOrderAccepted, "order_accepted", false},
    CrashPointName{CrashPoint::kJournalOpened, "journal_opened", false},
    CrashPointName{CrashPoint::kStepRecording, "step_recording", true},
    CrashPointName{CrashPoint::kStepRecorded, "step_recorded", true},
    CrashPointName{CrashPoint::kArmed, "armed", false},
    CrashPointName{CrashPoint::kFired, "fired", false},
    CrashPointName{CrashPoint::kRenewed, "renewed", false},
    CrashPointName{CrashPoint::kDeadlineReached, "deadline_reached", false},
    CrashPointName{CrashPoint::kReverting, "reverting", false},
    CrashPointName{CrashPoint::kStepTakenBack, "step_taken_back", true},
    CrashPointName{CrashPoint::kJournalEmptied, "journal_emptied", false},
    CrashPointName{CrashPoint::kReverted, "reverted", false},
    CrashPointName{CrashPoint::kLeaving, "leaving", false},
    // The sentinel.
    CrashPointName{CrashPoint::kWatching, "watching", false},
    CrashPointName{CrashPoint::kDeadlineHeard, "deadline_heard", false},
    CrashPointName{CrashPoint::kAgentOverdue, "agent_overdue", false},
    CrashPointName{CrashPoint::kAgentGone, "agent_gone", false},
    CrashPointName{CrashPoint::kSentinelReaped, "sentinel_reaped", false},
    CrashPointName{CrashPoint::kBecomingAgent, "becoming_agent", false},
};

// Every point has its row, in the order of the enumeration.
static_assert([] {
  for (size_t i = 0; i < kCrashPoints.size(); ++i)
    if (static_cast<size_t>(kCrashPoints[i].point) != i) return false;
  return kCrashPoints.size() == static_cast<size_t>(CrashPoint::kBecomingAgent) + 1;
}());

// All of them, with a step's kinds written out as the contract enumerates them.
std::vector<std::string> crash_point_names();

enum class Mechanism { kDeadline, kSentinel, kReaper, kProtect, kNetworkFirst, kEndSockets };

#ifdef BLACKSTART_TEST_BUILD
void reached(CrashPoint point);
void reached(CrashPoint point, const contract::Step& step);
bool switched_off(Mechanism mechanism);
#else
inline void reached(CrashPoint) {}
inline void reached(CrashPoint, const contract::Step&) {}
constexpr bool switched_off(Mechanism) {
  return false;
}
#endif

}  // namespace blackstart
