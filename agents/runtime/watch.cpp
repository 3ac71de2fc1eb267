// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <csignal>

#include <spdlog/spdlog.h>

#include "agents/kernel/pidfd.h"
#include "agents/runtime/crash_points.h"
#include "agents/runtime/sentinel.h"
#include "agents/runtime/sentinel_words.h"

namespace blackstart {
namespace {

// How long the agent may take to end once somebody wants both to go.
constexpr Duration kTogether = std::chrono::seconds(5);

// Takes every word that waits; false once goodbye was among them.
bool hear(int channel, int64_t& kill_at) {
  int64_t word = 0;
  while (::recv(channel, &word, sizeof word, MSG_DONTWAIT) == sizeof word) {
    if (word == kGoodbye) return false;
    kill_at = word == INT64_MAX ? INT64_MAX : word + kOverdue.count();
    if (word != INT64_MAX) reached(CrashPoint::kDeadlineHeard);
  }
  return true;
}

}  // namespace

Watched watch_agent(int channel, int agent, int signals) {
  const int64_t here = kHere;
  (void)::send(channel, &here, sizeof here, MSG_NOSIGNAL);
  reached(CrashPoint::kWatching);

  int64_t kill_at = INT64_MAX, go_at = INT64_MAX;
  bool told_to_go = false;
  std::array<pollfd, 3> polled{{{agent, POLLIN, 0}, {channel, POLLIN, 0}, {signals, POLLIN, 0}}};
  for (;;) {
    (void)::poll(polled.data(), polled.size(), milliseconds_until(std::min(kill_at, go_at)));
    if (!hear(channel, kill_at)) return {WatchEnd::kGoodbye, told_to_go};
    if ((polled[0].revents & POLLIN) != 0) {
      reached(CrashPoint::kAgentGone);
      return {WatchEnd::kDied, told_to_go};
    }
    if ((polled[1].revents & POLLHUP) != 0) polled[1].fd = -1;  // the pidfd says the rest
    if ((polled[2].revents & POLLIN) != 0) {
      polled[2].fd = -1;
      told_to_go = true;
      go_at = monotonic_now() + kTogether.count();
    }
    const int64_t now = monotonic_now();
    if (now >= kill_at) {
      kill_at = INT64_MAX;
      if (switched_off(Mechanism::kSentinel)) continue;
      reached(CrashPoint::kAgentOverdue);
      spdlog::error("the agent did not revert at its deadline: it is killed");
      (void)signal_pidfd(agent, SIGKILL);
    }
    if (now >= go_at) return {WatchEnd::kToldToGo, true};
  }
}

}  // namespace blackstart
