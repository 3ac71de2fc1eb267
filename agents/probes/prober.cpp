// SPDX-License-Identifier: Apache-2.0
#include "agents/probes/prober.h"

#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>

#include <set>
#include <utility>

#include "agents/probes/check.h"
#include "agents/probes/command_check.h"
#include "agents/probes/probe_engine.h"

namespace blackstart {
namespace {

void raise_open_files() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace

Result<std::unique_ptr<Prober>> Prober::make(ProberOptions options) {
  if (!options.name_server.empty() && !NameServer::parse(options.name_server))
    return fail(ErrorKind::kInvalid, "start probes", options.name_server, 0,
                "a server is an address, or address:port");
  if (options.allow_commands) {
    if (const auto user = credentials_of(options.command_user); !user) return tl::unexpected(user.error());
  }
  raise_open_files();
  return std::unique_ptr<Prober>(new Prober(std::move(options)));
}

Prober::Prober(ProberOptions options) : options_(std::move(options)), samples_(options_.buffer) {}

Prober::~Prober() {
  stop();
}

Result<> Prober::start(const std::vector<contract::Probe>& probes) {
  std::set<std::string> names;
  for (const contract::Probe& probe : probes) {
    if (const auto valid = validate(probe, options_.allow_commands); !valid) return valid;
    if (!names.insert(probe.name()).second)
      return fail(ErrorKind::kInvalid, "start probe", probe.name(), 0, "the name occurs twice");
  }
  const std::lock_guard lock(lifecycle_);
  if (!engine_) {
    auto engine = ProbeEngine::make(options_, samples_);
    if (!engine) return tl::unexpected(engine.error());
    engine_ = std::move(*engine);
    // The process's signals are not for this thread, nor is the SIGPIPE of a TLS library.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([engine = engine_.get()] { engine->run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  engine_->add(probes);
  return {};
}

void Prober::stop() {
  const std::lock_guard lock(lifecycle_);
  if (!engine_) return;
  engine_->end();
  thread_.join();
  engine_.reset();
  malloc_trim(0);  // an agent between drills is small again
}

uint64_t Prober::pass_over() {
  uint64_t until = 0;
  for (auto rest = take(0); !rest.samples.empty(); rest = take(until)) until = rest.until;
  return until;
}

}  // namespace blackstart
