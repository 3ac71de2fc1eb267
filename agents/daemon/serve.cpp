// SPDX-License-Identifier: Apache-2.0
// The agent: options → state, sentinel, reaper → runtime, channel and metrics → one poll loop.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <mutex>

#include <spdlog/spdlog.h>

#include "agents/channel/embedded/embedded_channel.h"
#include "agents/daemon/commands.h"
#include "agents/daemon/exposition.h"
#include "agents/daemon/families.h"
#include "agents/daemon/inventory.h"
#include "agents/daemon/signals.h"
#include "agents/daemon/walls.h"
#include "agents/runtime/crash_points.h"
#include "agents/runtime/runtime.h"
#include "agents/runtime/sentinel.h"
#include "agents/runtime/sole_agent.h"

namespace blackstart {
namespace {

// A sentinel that reaps for a dead agent holds the state folder for as long as that takes.
constexpr std::chrono::milliseconds kClaimPatience{2000};

// One request, tick or scrape at a time: `guard` keeps the threads of the metrics server out meanwhile.
void loop(EmbeddedServer& server, Runtime& runtime, Sentinel& sentinel, std::mutex& guard, int signals) {
  std::vector<pollfd> polled;
  for (;;) {
    polled.clear();
    polled.push_back({signals, POLLIN, 0});
    polled.push_back({sentinel.fd(), POLLIN, 0});
    server.add_to(polled);
    const size_t of_server = polled.size();
    for (const int fd : runtime.wake_fds()) polled.push_back({fd, POLLIN, 0});
    const int64_t next = std::min(runtime.next_tick(), sentinel.next_tick());
    if (poll(polled.data(), polled.size(), milliseconds_until(next)) < 0 && errno != EINTR) return;
    if (polled[0].revents != 0) return;
    const std::lock_guard lock(guard);
    sentinel.tend();
    if (std::any_of(polled.begin() + static_cast<ptrdiff_t>(of_server), polled.end(),
                    [](const pollfd& descriptor) { return descriptor.revents != 0; }))
      runtime.wake();
    server.handle(polled, [&](const contract::Request& request) { return runtime.answer(request); });
    runtime.tick();
  }
}

Result<> require_alive(const Sentinel& sentinel, const std::string& host) {
  if (sentinel.alive()) return {};
  return fail(ErrorKind::kRefused, "arm", host, 0,
              "its sentinel has died and the next is not there yet: ask again");
}

// The folders a service manager would have made.
Result<> make_folders(const AgentOptions& options) {
  for (const std::filesystem::path& folder :
       {std::filesystem::path(options.socket).parent_path(), std::filesystem::path(options.state)}) {
    std::error_code error;
    if (!folder.empty()) std::filesystem::create_directories(folder, error);
    if (error) return fail_errno(error.value(), "make", folder);
  }
  return {};
}

void say_what_is_accepted(const Policy& policy) {
  if (policy.missing)
    spdlog::warn("there is no {}: every order will be refused", policy.file);
  else if (!policy.accept)
    spdlog::warn("{} accepts nothing: every order will be refused", policy.file);
}

Result<> run(const AgentOptions& options, const CommandLine& line) {
  const Fd signals = signals_as_fd();
  reached(CrashPoint::kStarted);
  const bool commands = options.policy.accept && options.policy.accept->commands;
  if (auto ok = make_folders(options); !ok) return ok;
  const bool processes = accepts_process_faults(options.policy);
  if (auto ok = raise_walls({.commands = commands, .processes = processes}); !ok)
    return ok;  // the sentinel stands behind them too
  say_what_is_accepted(options.policy);
  const auto alone = be_sole_agent(kClaimPatience);
  if (!alone) return tl::unexpected(alone.error());
  const auto folder = StateFolder::claim(options.state, kClaimPatience);
  if (!folder) return tl::unexpected(folder.error());
  const auto sentinel = Sentinel::start(sentinel_words(line, options));
  if (!sentinel) return tl::unexpected(sentinel.error());
  reached(CrashPoint::kSentinelStarted);

  const auto journal = Journal::open(*folder, options.here());
  if (!journal) return tl::unexpected(journal.error());
  reached(CrashPoint::kJournalRead);
  const auto removed = reap(**journal, reap_parts(options.lab));
  if (!removed) return tl::unexpected(removed.error());
  for (const std::string& what : *removed) spdlog::warn("removed {}", what);
  reached(CrashPoint::kReaped);

  const auto prober = Prober::make({.allow_commands = commands});
  if (!prober) return tl::unexpected(prober.error());

  RuntimeParts parts;
  parts.prober = prober->get();
  parts.policy = options.policy;
  parts.journal = journal->get();
  look_after_residue(parts, options.lab, **journal);
  parts.make_families = [&] { return make_families(options, **journal); };
  parts.stop = [&] { return stop_asked(options.stop); };
  parts.may_arm = [&] { return require_alive(**sentinel, options.host); };
  parts.reap = [&] { return reap(**journal, reap_parts(options.lab)).map([](const auto&) {}); };
  parts.deadline = [&](int64_t moment) { (*sentinel)->tell(moment); };
  {
    Runtime runtime({options.host, options.site, options.here().boot_id}, parts);
    std::mutex guard;
    std::unique_ptr<MetricsServer> metrics;
    if (!options.metrics_listen.empty()) {
      auto made = MetricsServer::make(options.metrics_listen);
      if (!made) return tl::unexpected(made.error());
      metrics = std::move(*made);
      metrics->set_provider([&] {
        const std::lock_guard lock(guard);
        contract::HostReport host = runtime.report();
        host.set_lever_engaged(::access(options.stop.lever.c_str(), F_OK) == 0);
        return host;
      });
    }
    const auto server = EmbeddedServer::make(options.socket);
    if (!server) return tl::unexpected(server.error());
    reached(CrashPoint::kListening);
    loop(**server, runtime, **sentinel, guard, signals.get());
    runtime.give_back("agent ends");  // before the metrics go, which takes a while
    if (metrics) metrics->set_provider({});
  }
  reached(CrashPoint::kLeaving);
  return {};
}

}  // namespace

int serve(const CommandLine& line) {
  int exit_code = 0;
  const auto options = parse_agent_options(line, exit_code);
  if (!options) return exit_code;
  log_as(options->host);
  if (auto ok = run(*options, line); !ok) {
    spdlog::error("{}", ok.error().message());
    return ok.error().kind == ErrorKind::kStranded ? kExitStranded : kExitFailed;
  }
  return 0;
}

}  // namespace blackstart
