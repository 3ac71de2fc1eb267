// SPDX-License-Identifier: Apache-2.0
#include "agents/probes/probe_engine.h"

#include <sys/resource.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "agents/contract/units.h"

namespace blackstart {
namespace {

constexpr std::string_view kNumber = "{n}";

bool is_numbered(const contract::Probe& probe) {
  const auto& argv = probe.command().argv();
  return std::any_of(argv.begin(), argv.end(),
                     [](const std::string& word) { return word.find(kNumber) != std::string::npos; });
}

contract::Probe numbered(contract::Probe probe, uint64_t sequence) {
  const std::string number = std::to_string(sequence);
  for (std::string& word : *probe.mutable_command()->mutable_argv())
    for (size_t at = 0; (at = word.find(kNumber, at)) != std::string::npos; at += number.size())
      word.replace(at, kNumber.size(), number);
  return probe;
}

// An attempt may hold two connections while v6 and v4 race; the rest of the agent needs some too.
size_t affordable(size_t wanted) {
  constexpr size_t kOthers = 64, kPerAttempt = 2;
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return wanted;
  const size_t available = files.rlim_cur > kOthers ? files.rlim_cur - kOthers : 0;
  return std::clamp<size_t>(wanted, 1, std::max<size_t>(1, available / kPerAttempt));
}

}  // namespace

struct ProbeEngine::Attempt final : Watcher {
  Attempt(ProbeEngine& its_engine, Track& its_track, int64_t now)
      : engine(its_engine), track(its_track), sequence(track.next), due(track.due()), started(now) {}
  ~Attempt() override { engine.loop_->set_alarm(this, Loop::kNever); }
  void ready(int, uint32_t) override {}
  void alarm() override { engine.finish(*this, failure("timeout", check ? check->doing() : "")); }

  ProbeEngine& engine;
  Track& track;
  const uint64_t sequence;
  const int64_t due;
  const int64_t started;
  contract::Probe own;  // with its number in it, where the probe has a place for one; outlives the check
  std::unique_ptr<Check> check;
};

Result<std::unique_ptr<ProbeEngine>> ProbeEngine::make(const ProberOptions& options, SampleBuffer& samples) {
  auto loop = Loop::make();
  if (!loop) return tl::unexpected(loop.error());
  auto web = Web::make(**loop);
  if (!web) return tl::unexpected(web.error());
  auto reaper = std::make_unique<CommandReaper>();
  CheckContext context{**loop, **web, *reaper, NameServer::parse(options.name_server), std::nullopt};
  if (options.allow_commands) {
    auto user = credentials_of(options.command_user);
    if (!user) return tl::unexpected(user.error());
    context.command_user = *user;
  }
  ProberOptions bounded = options;
  bounded.in_flight = affordable(options.in_flight);
  return std::unique_ptr<ProbeEngine>(new ProbeEngine(bounded, samples, std::move(*loop), std::move(*web),
                                                      std::move(reaper), std::move(context)));
}

ProbeEngine::ProbeEngine(const ProberOptions& options, SampleBuffer& samples, std::unique_ptr<Loop> loop,
                         std::unique_ptr<Web> web, std::unique_ptr<CommandReaper> reaper,
                         CheckContext context)
    : options_(options),
      samples_(samples),
      loop_(std::move(loop)),
      web_(std::move(web)),
      reaper_(std::move(reaper)),
      context_(std::move(context)) {}

ProbeEngine::~ProbeEngine() = default;

void ProbeEngine::add(std::vector<contract::Probe> probes) {
  {
    const std::lock_guard lock(inbox_mutex_);
    std::move(probes.begin(), probes.end(), std::back_inserter(inbox_));
  }
  loop_->wake();
}

void ProbeEngine::end() {
  ending_ = true;
  loop_->wake();
}

void ProbeEngine::run() {
  while (!ending_) {
    take_inbox();
    int64_t next = Loop::kNever;
    for (auto& [name, track] : tracks_) next = std::min(next, advance(track));
    finished_.clear();
    loop_->wait_until(next);
  }
  abandon(nullptr, "stopped before it ended");
  finished_.clear();
}

void ProbeEngine::take_inbox() {
  std::vector<contract::Probe> probes;
  {
    const std::lock_guard lock(inbox_mutex_);
    probes.swap(inbox_);
  }
  const int64_t now = monotonic_now();
  for (size_t i = 0; i < probes.size(); ++i) {
    contract::Probe& probe = probes[i];
    Track& track = tracks_[probe.name()];
    if (track.name && track.probe.SerializeAsString() == probe.SerializeAsString()) continue;
    abandon(&track, "its probe was replaced");
    if (!track.name) track.name = std::make_shared<const std::string>(probe.name());
    track.first = track.next;
    track.epoch = now + static_cast<int64_t>(static_cast<double>(probe.every_ns()) * static_cast<double>(i) /
                                             static_cast<double>(probes.size()));
    track.probe = std::move(probe);
    finished_.clear();
  }
}

int64_t ProbeEngine::advance(Track& track) {
  while (true) {
    const int64_t now = monotonic_now(), due = track.due(), too_late = due + track.probe.every_ns();
    if (now < due) return due;
    if (now >= too_late) {
      samples_.push(track.name, track.next++, unix_at(due), 0,
                    missed(track.in_flight ? "earlier attempts still ran" : "this host was too busy"));
    } else if (track.in_flight >= options_.in_flight_per_probe || attempts_.size() >= options_.in_flight) {
      return too_late;
    } else {
      begin(track, now);
    }
  }
}

void ProbeEngine::begin(Track& track, int64_t now) {
  auto owned = std::make_unique<Attempt>(*this, track, now);
  Attempt& attempt = *owned;
  attempts_.emplace(&attempt, std::move(owned));
  ++track.next;
  ++track.in_flight;
  loop_->set_alarm(&attempt, now + track.probe.timeout_ns());
  // May finish at once; the attempt is kept until the round is over.
  const bool own = is_numbered(track.probe);
  if (own) attempt.own = numbered(track.probe, attempt.sequence);
  attempt.check = begin_check(own ? attempt.own : track.probe, context_,
                              [this, &attempt](Finding found) { finish(attempt, std::move(found)); });
}

void ProbeEngine::finish(Attempt& attempt, Finding finding) {
  const auto found = attempts_.find(&attempt);
  if (found == attempts_.end()) return;
  const int64_t duration =
      finding.outcome == contract::Sample::MISSED ? 0 : monotonic_now() - attempt.started;
  samples_.push(attempt.track.name, attempt.sequence, unix_at(attempt.due), duration, std::move(finding));
  --attempt.track.in_flight;
  loop_->set_alarm(&attempt, Loop::kNever);
  finished_.push_back(std::move(found->second));
  attempts_.erase(found);
}

void ProbeEngine::abandon(const Track* track, std::string_view why) {
  std::vector<Attempt*> theirs;
  for (const auto& [key, attempt] : attempts_)
    if (!track || &attempt->track == track) theirs.push_back(attempt.get());
  for (Attempt* attempt : theirs) finish(*attempt, missed(why));
}

}  // namespace blackstart
