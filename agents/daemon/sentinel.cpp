// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include <spdlog/spdlog.h>

#include "agents/daemon/commands.h"
#include "agents/daemon/families.h"
#include "agents/daemon/signals.h"
#include "agents/runtime/crash_points.h"
#include "agents/runtime/sentinel.h"
#include "agents/runtime/sentinel_words.h"
#include "agents/runtime/sole_agent.h"

namespace blackstart {
namespace {

// The next agent may have been started by somebody else already: then that one reaps.
constexpr std::chrono::milliseconds kClaimPatience{500};

// False: somebody else is the agent now. What goes wrong otherwise is the next agent's to say.
bool take_over(const AgentOptions& options) {
  const auto alone = be_sole_agent(kClaimPatience);
  if (!alone) {
    spdlog::error("{}", alone.error().message());
    return alone.error().code != EADDRINUSE;
  }
  const auto folder = StateFolder::claim(options.state, kClaimPatience);
  if (!folder) {
    spdlog::error("{}", folder.error().message());
    return folder.error().code != EWOULDBLOCK;
  }
  const auto journal = Journal::open(*folder, options.here());
  if (!journal) {
    spdlog::error("{}", journal.error().message());
    return true;
  }
  if (const auto removed = reap(**journal, reap_parts(options.lab)))
    for (const std::string& what : *removed) spdlog::warn("removed {}", what);
  reached(CrashPoint::kSentinelReaped);
  return true;
}

// Returns only if it was told to go meanwhile, or could not.
void become_agent(const CommandLine& agent, int signals) {
  const char* before = std::getenv(kRestartsVariable);
  RestartPace pace = RestartPace::from_text(before ? before : "");
  const auto pause = std::chrono::ceil<std::chrono::milliseconds>(pace.next(monotonic_now()));
  if (pause.count() > 0)
    spdlog::warn("agents die one after the other here: the next starts in {}", format_duration(pause));
  pollfd told{signals, POLLIN, 0};
  if (::poll(&told, 1, static_cast<int>(pause.count())) != 0) return;

  ::setenv(kRestartsVariable, pace.text().c_str(), 1);
  std::vector<std::string> words{agent.program, agent.command};
  words.insert(words.end(), agent.words.begin(), agent.words.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  reached(CrashPoint::kBecomingAgent);
  ::execv(this_program().c_str(), argv.data());
  spdlog::error("become the agent: {}", std::strerror(errno));
}

}  // namespace

int stand_sentinel(const CommandLine& line) {
  if (::fcntl(kSentinelChannel, F_SETFD, FD_CLOEXEC) != 0 ||
      ::fcntl(kSentinelAgent, F_SETFD, FD_CLOEXEC) != 0) {
    std::cerr << "blackstart-agent: the agent starts its sentinel itself\n";
    return kExitUsage;
  }
  ::close_range(kSentinelAgent + 1, ~0U, 0);
  int exit_code = 0;
  CommandLine agent;
  const auto options = parse_sentinel_options(line, agent, exit_code);
  if (!options) return exit_code;
  log_as(options->host + " sentinel");
  const Fd signals = signals_as_fd();

  const Watched watched = watch_agent(kSentinelChannel, kSentinelAgent, signals.get());
  if (watched.end != WatchEnd::kDied || switched_off(Mechanism::kSentinel)) return 0;
  spdlog::warn("the agent died");
  if (!take_over(*options) || watched.told_to_go) return 0;
  become_agent(agent, signals.get());
  return 0;
}

}  // namespace blackstart
