// SPDX-License-Identifier: Apache-2.0
// The second process of an agent: what the kernel does not take back by itself, it does.
//
//   agent                                         sentinel
//   Sentinel::start()   -- posix_spawn -->        watch_agent(): "I am here"
//   tell(deadline)      -- 8 bytes -->            waits for the moment
//   (hangs past it)     <-- SIGKILL --            250 ms after it: the kernel frees what the agent held
//   (dies)              -- pidfd -->              reaps the journal, then becomes the next agent (exec)
//   tend()              <-- pidfd --              (dies) the agent starts another
//   tell()              -- SIGKILL -->            so behind that it takes no more words; another starts
//   goodbye()           -- 8 bytes -->            ends
//
// Invariants:
//   1. It is exec'ed before the agent opens its first kernel object, and closes every descriptor but the
//      channel, the agent's pidfd and the standard three: it can keep nothing alive.
//   2. An agent that says nothing is dead or hung; only goodbye() ends the watch without a reap.
//   3. There is at most one agent on a state folder and in a network namespace: the sentinel reaps only
//      once it has claimed both.
//   4. No sentinel that missed a word goes on: it could kill an agent whose lease was renewed.
//
// Deadlines are on CLOCK_MONOTONIC, the clock the datapath compares with: no jump of the wall clock moves
// them, and 3 ns a packet read it. It stands still while a machine is suspended, when no packet flows.
//
// Under systemd: KillMode=control-group (the default) and OOMPolicy=continue. When the agent dies, systemd
// sends SIGTERM to what is left of the group: the sentinel first reaps, then ends without becoming the
// agent, and systemd starts the next. `mixed` would SIGKILL it in the middle of reaping.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "agents/contract/result.h"
#include "agents/contract/units.h"
#include "agents/kernel/fd.h"
#include "agents/runtime/restart_pace.h"

namespace blackstart {

// An agent that has not begun to revert this long after a deadline is killed.
inline constexpr Duration kOverdue = std::chrono::milliseconds(250);
// The descriptors a sentinel is born with.
inline constexpr int kSentinelChannel = 3, kSentinelAgent = 4;
// Environment of a process that follows a dead one: RestartPace::text().
inline constexpr const char* kRestartsVariable = "BLACKSTART_AGENT_RESTARTS";

// The agent's end.
class Sentinel {
 public:
  // Starts this program again with the words of `arguments`; returns once the sentinel watches. On
  // failure none runs.
  static Result<std::unique_ptr<Sentinel>> start(std::vector<std::string> arguments);
  ~Sentinel() { goodbye(); }
  Sentinel(const Sentinel&) = delete;
  Sentinel& operator=(const Sentinel&) = delete;

  // CLOCK_MONOTONIC; INT64_MAX: nothing is due. Never blocks. Whoever watches next hears it too.
  void tell(int64_t deadline);
  // It watches. One that was started again does not until it has said so.
  [[nodiscard]] bool alive() const { return watches_; }
  // Readable when there is something to tend to; -1 while there is no sentinel.
  [[nodiscard]] int fd() const { return watches_ ? process_.get() : channel_.get(); }
  // When tend() is to be called even if fd() is silent; INT64_MAX: never.
  [[nodiscard]] int64_t next_tick() const { return due_; }
  // Starts another sentinel if it has died, as fast as RestartPace allows. Never blocks.
  void tend();
  // The agent ends in good order. One that does not follow within a second is killed. Idempotent.
  void goodbye();

 private:
  explicit Sentinel(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {}
  Result<> spawn();
  void hear();
  void send(int64_t word);
  void kill();  // tend() or bury() does the rest
  void bury();

  std::vector<std::string> arguments_;
  Fd channel_, process_;  // not valid: there is none
  pid_t pid_ = -1;
  bool watches_ = false;
  int64_t told_ = INT64_MAX;
  int64_t due_ = INT64_MAX;  // by when it has to watch; without one: when the next is started
  RestartPace pace_;
};

// How a watch ended.
enum class WatchEnd {
  kGoodbye,   // the agent left in good order
  kDied,      // it is dead
  kToldToGo,  // SIGTERM, and the agent goes on
};
struct Watched {
  WatchEnd end;
  bool told_to_go = false;  // SIGTERM came: do not become the agent
};

// The sentinel's end; `signals` is a signalfd of SIGTERM and its like. After one of them it watches for five
// more seconds, since the agent has most likely got one too and is reverting.
Watched watch_agent(int channel, int agent, int signals);

}  // namespace blackstart
