// SPDX-License-Identifier: Apache-2.0
#include "injector/lab/keeper.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <iostream>
#include <list>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>

#include "agents/kernel/seqpacket.h"
#include "injector/lab/paths.h"
#include "injector/lab/processes.h"
#include "injector/lab/state.h"

namespace blackstart::lab {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kLongestDeath{2000};
constexpr milliseconds kLongestStart{5000};
constexpr milliseconds kLongestFresh{600'000};
constexpr int kRoundMs = 500;  // how long the keeper sleeps between two looks at its children
constexpr int kPauseMs = 100;  // and a fresh start between two looks at its connection

std::string text_of(const Error& error) {
  return "error " + error.message();
}

std::string label(const ProcessPlan& plan) {
  return plan.service + " on " + plan.host;
}

// Ends what is in the process's cgroup and takes the cgroup away.
Result<> clear(const Blueprint& blueprint, const ProcessPlan& plan) {
  const auto cgroup = cgroup_of(blueprint, plan.host, "services/" + plan.service);
  if (!cgroup) return tl::unexpected(cgroup.error());
  if (cgroup->frozen()) return fail_errno(EBUSY, "clear the frozen cgroup", cgroup->path());
  if (auto killed = cgroup->kill(kLongestDeath); !killed) return killed;
  return cgroup->remove();
}

// Every fresh instance there may be: those of a keeper that was killed.
void clear_all_fresh(const Blueprint& blueprint) {
  for (const HostPlan& host : blueprint.hosts) {
    const auto services = cgroup_of(blueprint, host.name, "services");
    if (!services) return;
    for (const Cgroup& cgroup : services->children()) {
      const std::string name = cgroup.path().filename();
      if (!name.ends_with(kFresh)) continue;
      (void)cgroup.kill(kLongestDeath);
      (void)cgroup.remove();
      std::error_code ignored;
      fs::remove_all(Paths::of(blueprint.name).process(host.name, name), ignored);
    }
  }
}

// One fresh instance: started, reported, and gone with its connection.
class Fresh {
 public:
  Fresh(const Blueprint& blueprint, ProcessPlan plan, Fd connection, const std::atomic<bool>& ending)
      : blueprint_(blueprint),
        plan_(std::move(plan)),
        connection_(std::move(connection)),
        ending_(ending),
        thread_([this] { live(); }) {}

  [[nodiscard]] const ProcessPlan& plan() const { return plan_; }
  [[nodiscard]] bool over() const { return over_; }

 private:
  // On a thread of its own, which ends in the host's network.
  void live() {
    const auto begin = Clock::now();
    const auto start = start_fresh(
        blueprint_, plan_, [this] { return nobody_waits(0); },
        [this](const ProcessId& id) { (void)send_packet(connection_, "ok " + std::to_string(id.pid)); });
    const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - begin).count();
    const std::string end =
        word(start.end) + std::to_string(took) + (start.last_words.empty() ? "" : "\n" + start.last_words);
    std::cerr << label(plan_) + ": " + end + "\n" << std::flush;
    (void)send_packet(connection_, end);
    while (!nobody_waits(kPauseMs)) {
    }
    if (auto gone = clear(blueprint_, plan_); !gone) std::cerr << gone.error().message() << std::endl;
    if (start.id) start.id->reap();
    std::error_code ignored;
    fs::remove_all(Paths::of(blueprint_.name).process(plan_.host, plan_.service), ignored);
    over_ = true;
  }

  static std::string word(FreshStart::End end) {
    return end == FreshStart::End::kReady ? "ready " : end == FreshStart::End::kDied ? "died " : "late ";
  }

  // Whatever else is said on the connection is not listened to.
  bool nobody_waits(int patience_ms) {
    pollfd polled{connection_.get(), POLLIN, 0};
    (void)::poll(&polled, 1, patience_ms);
    return ending_ || (polled.revents != 0 && !receive_packet(connection_));
  }

  const Blueprint& blueprint_;
  const ProcessPlan plan_;
  const Fd connection_;
  const std::atomic<bool>& ending_;
  std::atomic<bool> over_ = false;
  std::jthread thread_;  // last: it uses the others
};

class Keeper {
 public:
  Keeper(const Blueprint& blueprint, Topology topology, Fd listener, Fd signals)
      : blueprint_(blueprint),
        topology_(std::move(topology)),
        listener_(std::move(listener)),
        signals_(std::move(signals)),
        started_(read_started(blueprint.name)) {
    std::erase_if(started_, [](const RunningProcess& each) { return !each.id.alive(); });
  }
  ~Keeper() { ending_ = true; }

  void serve() {
    std::vector<pollfd> polled;
    for (;;) {
      polled = {{signals_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
      for (const Fd& connection : connections_) polled.push_back({connection.get(), POLLIN, 0});
      (void)::poll(polled.data(), polled.size(), kRoundMs);
      if (polled[0].revents != 0) return;
      reap();
      auto connection = connections_.begin();
      for (size_t i = 2; i < polled.size(); ++i) {
        const bool keep = polled[i].revents == 0 || hear(*connection);
        connection = keep ? std::next(connection) : connections_.erase(connection);
      }
      if (polled[1].revents != 0)
        if (Fd next = accept_packets(listener_); next.valid()) connections_.push_back(std::move(next));
    }
  }

 private:
  void reap() {
    std::erase_if(children_, [](pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) == pid; });
    fresh_.remove_if([](const Fresh& each) { return each.over(); });
  }

  // False: nothing more is to be heard from it here.
  bool hear(Fd& connection) {
    const auto request = receive_packet(connection);
    if (!request) return false;
    if (!*request) return true;
    std::istringstream words(**request);
    std::string verb, host, service, more;
    int64_t within_ms = 0;
    words >> verb >> host >> service;
    std::string answer = "error a request is: start HOST SERVICE, or fresh HOST SERVICE WITHIN_MS";
    if (verb == "start" && !service.empty() && !(words >> more)) {
      answer = start(host, service);
    } else if (verb == "fresh" && words >> within_ms && !(words >> more)) {
      auto plan = start_of_fresh(host, service, milliseconds(within_ms));
      if (plan) {
        fresh_.emplace_back(blueprint_, std::move(*plan), std::move(connection), ending_);
        return false;
      }
      answer = text_of(plan.error());
    }
    std::cerr << **request << ": " << answer << std::endl;
    return send_packet(connection, answer).has_value();
  }

  std::string start(const std::string& host, const std::string& service) {
    const auto plan =
        std::find_if(blueprint_.services.begin(), blueprint_.services.end(),
                     [&](const ProcessPlan& each) { return each.host == host && each.service == service; });
    if (plan == blueprint_.services.end())
      return "error lab " + blueprint_.name + " has no " + service + " on " + host;
    if (const auto id = running_now(*plan)) return "ok " + std::to_string(id->pid);
    if (auto cleared = clear(blueprint_, *plan); !cleared) return text_of(cleared.error());
    const auto id = start_one(blueprint_, *plan);
    if (!id) return text_of(id.error());
    children_.push_back(id->pid);
    std::erase_if(started_,
                  [&](const RunningProcess& each) { return each.host == host && each.service == service; });
    started_.push_back({host, service, *id});
    if (auto written = write_started(blueprint_.name, started_); !written)
      std::cerr << written.error().message() << std::endl;
    return "ok " + std::to_string(id->pid);
  }

  // Whoever asks does not wait long, and mostly it is dead.
  [[nodiscard]] std::optional<ProcessId> running_now(const ProcessPlan& plan) const {
    const auto cgroup = cgroup_of(blueprint_, plan.host, "services/" + plan.service);
    if (cgroup && cgroup->processes().empty()) return std::nullopt;
    const auto state = read_state(blueprint_.name);
    return state ? running(*state, plan) : std::nullopt;
  }

  Result<ProcessPlan> start_of_fresh(const std::string& host, const std::string& service,
                                     milliseconds within) {
    auto plan = plan_fresh(topology_, blueprint_, host, service);
    if (!plan) return plan;
    if (within.count() <= 0 || within > kLongestFresh)
      return fail(ErrorKind::kInvalid, "start " + label(*plan) + " within", std::to_string(within.count()), 0,
                  "between 1 and " + std::to_string(kLongestFresh.count()) + " milliseconds");
    if (std::any_of(fresh_.begin(), fresh_.end(), [&](const Fresh& each) {
          return each.plan().host == plan->host && each.plan().service == plan->service;
        }))
      return fail(ErrorKind::kRefused, "start", label(*plan), 0, "there is one");
    plan->ready.within_ms = within.count();
    return plan;
  }

  const Blueprint& blueprint_;
  const Topology topology_;
  const Fd listener_, signals_;
  std::list<Fd> connections_;
  std::vector<pid_t> children_;
  std::vector<RunningProcess> started_;
  std::atomic<bool> ending_ = false;
  std::list<Fresh> fresh_;  // last: its threads use the others
};

}  // namespace

Result<> keep(const Blueprint& blueprint, Topology topology) {
  topology.name = blueprint.name;
  sigset_t ends;
  ::sigemptyset(&ends);
  for (int number : {SIGTERM, SIGINT}) ::sigaddset(&ends, number);
  ::sigprocmask(SIG_BLOCK, &ends, nullptr);
  Fd signals(::signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals.valid()) return fail_errno(errno, "wait for signals");
  auto listener = listen_packets(Paths::of(blueprint.name).keeper_socket());
  if (!listener) return tl::unexpected(listener.error());
  clear_all_fresh(blueprint);
  Keeper(blueprint, std::move(topology), std::move(*listener), std::move(signals)).serve();
  return {};
}

Result<> launch_keeper(const Blueprint& blueprint, const std::function<bool()>& cancelled) {
  auto cgroup = cgroup_of(blueprint, kKeeper);
  if (!cgroup) return tl::unexpected(cgroup.error());
  if (auto created = cgroup->create(); !created) return created;
  Launch launch{"", *cgroup, "", {}, "", "/", blueprint.keeper, {}, {}};
  launch.arguments = {blueprint.keeper, "lab", kKeeper, blueprint.name};
  launch.environment = {std::string("PATH=") + kServicePath, "LANG=C.UTF-8"};
  const auto id = spawn(launch, Paths::of(blueprint.name).keeper_log());
  if (!id) return tl::unexpected(id.error());
  const auto deadline = Clock::now() + kLongestStart;
  while (!keeper_answers(blueprint.name)) {
    if (cancelled()) return fail(ErrorKind::kInternal, "start", "the lab's keeper", ECANCELED);
    if (!id->alive() || Clock::now() > deadline)
      return fail(ErrorKind::kInternal, "start", "the lab's keeper", 0,
                  "see " + Paths::of(blueprint.name).keeper_log().string());
    std::this_thread::sleep_for(milliseconds(5));
  }
  return {};
}

pid_t keeper_pid(const Blueprint& blueprint) {
  const auto cgroup = cgroup_of(blueprint, kKeeper);
  if (!cgroup) return 0;
  const std::vector<pid_t> pids = cgroup->processes();
  return pids.empty() ? 0 : *std::min_element(pids.begin(), pids.end());
}

bool keeper_answers(const std::string& lab) {
  return connect_packets(Paths::of(lab).keeper_socket()).has_value();
}

}  // namespace blackstart::lab
