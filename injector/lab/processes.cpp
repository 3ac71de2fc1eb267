// SPDX-License-Identifier: Apache-2.0
#include "injector/lab/processes.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include "agents/contract/units.h"
#include "agents/kernel/netns.h"
#include "injector/lab/paths.h"
#include "injector/lab/ready.h"

namespace blackstart::lab {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr size_t kLogLinesShown = 5;
constexpr milliseconds kOneAnswer{1000};    // how long one ready check may take
constexpr milliseconds kLongestPause{100};  // between two ready checks

std::string label(const ProcessPlan& plan) {
  return plan.service + " on " + plan.host;
}

std::deque<std::string> last_lines(const fs::path& log) {
  std::ifstream file(log);
  std::deque<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (line.empty()) continue;
    lines.push_back(line);
    if (lines.size() > kLogLinesShown) lines.pop_front();
  }
  return lines;
}

// The end of a log, for an error message.
std::string last_words(const fs::path& log) {
  const auto lines = last_lines(log);
  std::string text = lines.empty() ? "it printed nothing" : "its last words:";
  for (const std::string& line : lines) text += "\n      " + line;
  return text;
}

std::string describe_exit(int status) {
  if (WIFSIGNALED(status)) return "was killed by signal " + std::to_string(WTERMSIG(status));
  return "exited with " + std::to_string(WEXITSTATUS(status));
}

// The file a program stands for on this machine, outside the lab's mounts; "": not found.
std::string real_program(const Blueprint& blueprint, const std::string& program) {
  const Paths paths = Paths::of(blueprint.name);
  const auto moved = [&](const fs::path& mount, const std::string& real) -> std::string {
    const std::string prefix = mount.string() + "/";
    return program.starts_with(prefix) ? real + "/" + program.substr(prefix.size()) : "";
  };
  for (const std::string& inside :
       {moved(paths.bin(), blueprint.bin), moved(paths.topology(), blueprint.topology_folder)})
    if (!inside.empty()) return ::access(inside.c_str(), X_OK) == 0 ? inside : "";
  const std::string path = find_program(program, kServicePath);
  return !path.empty() && ::access(path.c_str(), X_OK) == 0 ? path : "";
}

// An attached host may be gone, and another namespace stand where it stood.
Result<> check_still_there(const Blueprint& blueprint, const std::string& name) {
  const HostPlan* host = blueprint.host(name);
  if (!host || host->attached_inode == 0) return {};
  struct stat now {};
  if (::stat(host->netns.c_str(), &now) == 0 && now.st_ino == host->attached_inode) return {};
  return fail(ErrorKind::kInvalid, "enter attached host", name, 0,
              "what it was attached to is gone: blackstart lab up finds it anew");
}

Result<> enter_host(const Blueprint& blueprint, const std::string& host) {
  auto there = check_still_there(blueprint, host);
  return there ? enter_netns(blueprint.netns_of(host)) : there;
}

// Starts one process: its folder and files, its preparations, itself, its ready check. Every wait ends
// at a deadline, when it is cancelled, or when the process dies.
class Starter {
 public:
  Starter(const Blueprint& blueprint, const ProcessPlan& plan, std::function<bool()> stop,
          Clock::time_point latest = Clock::time_point::max())
      : blueprint_(blueprint),
        plan_(plan),
        stop_(std::move(stop)),
        folder_(Paths::of(blueprint.name).process(plan.host, plan.service)),
        log_(folder_ / "log"),
        latest_(latest) {}

  Result<RunningProcess> start() {
    const auto id = launch_prepared();
    if (!id) return tl::unexpected(id.error());
    if (auto ready = wait_until_ready(*id); !ready) {
      end(*id);
      return tl::unexpected(ready.error());
    }
    return RunningProcess{plan_.host, plan_.service, *id};
  }

  Result<ProcessId> launch_prepared() {
    auto user = find_user(plan_.user);
    if (!user) return tl::unexpected(user.error());
    // A folder that exists was prepared before: a process that died starts again with its data.
    if (!fs::exists(folder_)) {
      if (auto made = make_folder(*user); !made) return tl::unexpected(made.error());
      for (const auto& command : plan_.prepare)
        if (auto done = run_to_end(command, *user); !done) return tl::unexpected(done.error());
    }
    return launch(plan_.command, *user);
  }

  Result<> wait_until_ready(const ProcessId& id) {
    if (auto entered = enter_host(blueprint_, plan_.host); !entered) return entered;
    const HostPlan* host = blueprint_.host(plan_.host);
    return wait("wait for a ready answer", [&]() -> Result<bool> {
      int status = 0;
      if (::waitpid(id.pid, &status, WNOHANG) == id.pid)
        return fail(ErrorKind::kInternal, "start", label(plan_) + ": it " + describe_exit(status), 0,
                    last_words(log_));
      return is_ready(plan_.ready, host ? host->addresses : std::vector<InterfaceAddress>{}, kOneAnswer);
    });
  }

 private:
  Result<> make_folder(const User& user) {
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error) return fail_errno(error.value(), "create", folder_);
    std::set<fs::path> made{folder_};
    for (const auto& [name, text] : plan_.files) {
      const fs::path path = (folder_ / name).lexically_normal();
      fs::create_directories(path.parent_path(), error);
      std::ofstream file(path);
      if (!(file << text << std::flush)) return fail_errno(EIO, "write", path);
      for (fs::path part = path; part != folder_; part = part.parent_path()) made.insert(part);
    }
    for (const fs::path& path : made)
      if (::lchown(path.c_str(), user.uid, user.gid) != 0)
        return fail_errno(errno, "hand over to " + user.name, path);
    return {};
  }

  Result<ProcessId> launch(const std::vector<std::string>& command, const User& user) {
    auto launch = launch_on(blueprint_, plan_.host, plan_.is_agent() ? kAgent : "services/" + plan_.service);
    if (!launch) return tl::unexpected(launch.error());
    launch->user = plan_.user;
    launch->folder = folder_;
    launch->program = find_program(command[0], kServicePath);
    launch->arguments = command;
    launch->environment = {std::string("PATH=") + kServicePath, "HOME=" + user.home, "USER=" + user.name,
                           "LOGNAME=" + user.name, "LANG=C.UTF-8"};
    for (const auto& [name, value] : plan_.env) launch->environment.push_back(name + "=" + value);
    return spawn(*launch, log_);
  }

  // Calls `poll` until it says it is done or failed, or time is up.
  Result<> wait(const std::string& what, const std::function<Result<bool>()>& poll) {
    const auto deadline = std::min(Clock::now() + milliseconds(plan_.ready.within_ms), latest_);
    for (milliseconds pause{5}; Clock::now() < deadline; pause = std::min(pause * 2, kLongestPause)) {
      if (stop_()) return fail(ErrorKind::kInternal, "start", label(plan_), ECANCELED);
      const auto done = poll();
      if (!done) return tl::unexpected(done.error());
      if (*done) return {};
      std::this_thread::sleep_for(pause);
    }
    return fail(ErrorKind::kInternal,
                what + " within " + format_duration(milliseconds(plan_.ready.within_ms)) + ":", label(plan_),
                ETIMEDOUT, last_words(log_));
  }

  Result<> run_to_end(const std::vector<std::string>& command, const User& user) {
    const auto id = launch(command, user);
    if (!id) return tl::unexpected(id.error());
    auto done = wait("wait for the end of " + command[0], [&]() -> Result<bool> {
      int status = 0;
      if (::waitpid(id->pid, &status, WNOHANG) == 0) return false;
      if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
      return fail(ErrorKind::kInternal, "prepare " + label(plan_) + ":",
                  command[0] + " " + describe_exit(status), 0, last_words(log_));
    });
    if (!done) end(*id);
    return done;
  }

  static void end(const ProcessId& id) {
    if (id.alive()) ::kill(id.pid, SIGKILL);
    id.reap();
  }

  const Blueprint& blueprint_;
  const ProcessPlan& plan_;
  const std::function<bool()> stop_;
  const fs::path folder_, log_;
  const Clock::time_point latest_;
};

// A thread for each plan: every one of them may enter a network namespace and wait there.
void for_each_at_once(const std::vector<ProcessPlan>& plans,
                      const std::function<void(size_t, const ProcessPlan&)>& work) {
  std::vector<std::jthread> threads;
  for (size_t i = 0; i < plans.size(); ++i) threads.emplace_back([&, i] { work(i, plans[i]); });
}

}  // namespace

Result<Cgroup> cgroup_of(const Blueprint& blueprint, const std::string& host, const std::string& below) {
  fs::path name = fs::path("blackstart") / blueprint.name;
  if (!host.empty()) name /= host;
  if (!below.empty()) name /= below;
  return Cgroup::at(name);
}

Result<Launch> launch_on(const Blueprint& blueprint, const std::string& host, const std::string& below) {
  if (auto there = check_still_there(blueprint, host); !there) return tl::unexpected(there.error());
  auto cgroup = cgroup_of(blueprint, host, below);
  if (!cgroup) return tl::unexpected(cgroup.error());
  if (auto created = cgroup->create(); !created) return tl::unexpected(created.error());
  const Paths paths = Paths::of(blueprint.name);
  Launch launch{blueprint.netns_of(host), *cgroup, host, {}, {}, {}, {}, {}, {}};
  launch.mounts = {{paths.etc(host) / "hosts", "/etc/hosts"},
                   {paths.etc(host) / "resolv.conf", "/etc/resolv.conf"},
                   {blueprint.bin, paths.bin()}};
  if (!blueprint.topology_folder.empty())
    launch.mounts.push_back({blueprint.topology_folder, paths.topology()});
  return launch;
}

Result<> check_programs(const Blueprint& blueprint) {
  std::set<std::string> missing;
  for (const auto* plans : {&blueprint.agents, &blueprint.services}) {
    for (const ProcessPlan& plan : *plans) {
      if (auto user = find_user(plan.user); !user) {
        user.error().operation = "start " + plan.service + ": " + user.error().operation;
        return tl::unexpected(user.error());
      }
      std::vector<std::vector<std::string>> commands = plan.prepare;
      commands.push_back(plan.command);
      for (const auto& command : commands)
        if (real_program(blueprint, command[0]).empty())
          missing.insert(command[0] + " (" + plan.service + ")");
    }
  }
  if (missing.empty()) return {};
  std::string list;
  for (const std::string& one : missing) list += (list.empty() ? "" : ", ") + one;
  return fail(ErrorKind::kMissing, "find the programs of the lab:", list, 0,
              "install them: xargs apt-get install -y --no-install-recommends < packaging/apt-lab.txt");
}

Result<std::vector<RunningProcess>> start_all(const Blueprint& blueprint,
                                              const std::vector<ProcessPlan>& plans,
                                              const std::function<bool()>& cancelled,
                                              const std::function<void(const std::string&)>& progress) {
  std::mutex mutex;  // guards what follows and the progress lines
  std::vector<RunningProcess> running;
  std::optional<Error> first_error;
  std::atomic<bool> failed = false;
  const std::function<bool()> stop = [&] { return failed || cancelled(); };

  for_each_at_once(plans, [&](size_t, const ProcessPlan& plan) {
    const auto begin = Clock::now();
    auto started = Starter(blueprint, plan, stop).start();
    const std::scoped_lock lock(mutex);
    if (started) {
      running.push_back(*started);
      progress("starting " + label(plan) + " … ready in " +
               format_duration(std::chrono::duration_cast<milliseconds>(Clock::now() - begin)));
    } else if (!failed.exchange(true)) {
      first_error = started.error();
    }
  });
  if (first_error) return tl::unexpected(*first_error);
  return running;
}

std::optional<ProcessId> running(const State& state, const ProcessPlan& plan) {
  for (const RunningProcess& known : state.processes)
    if (known.host == plan.host && known.service == plan.service && known.id.alive()) return known.id;
  if (!plan.is_agent()) return std::nullopt;
  const auto own = cgroup_of(state.blueprint, plan.host, kAgent);
  if (!own) return std::nullopt;
  const std::vector<pid_t> pids = own->processes();
  if (pids.empty()) return std::nullopt;
  return ProcessId::of(*std::min_element(pids.begin(), pids.end()));
}

Result<ProcessId> start_one(const Blueprint& blueprint, const ProcessPlan& plan) {
  return Starter(blueprint, plan, [] { return false; }).launch_prepared();
}

FreshStart start_fresh(const Blueprint& blueprint, const ProcessPlan& plan,
                       const std::function<bool()>& cancelled,
                       const std::function<void(const ProcessId&)>& launched) {
  using End = FreshStart::End;
  const auto ended = [&](const Error& error, const std::optional<ProcessId>& id) {
    std::string words;
    for (const std::string& line :
         last_lines(Paths::of(blueprint.name).process(plan.host, plan.service) / "log"))
      words += (words.empty() ? "" : "\n") + line;
    if (words.empty()) words = Error{error.kind, error.operation, error.object, error.code, ""}.message();
    return FreshStart{error.code == ETIMEDOUT ? End::kLate : End::kDied, words, id};
  };
  Starter starter(blueprint, plan, cancelled, Clock::now() + milliseconds(plan.ready.within_ms));
  const auto id = starter.launch_prepared();
  if (!id) return ended(id.error(), std::nullopt);
  launched(*id);
  if (const auto ready = starter.wait_until_ready(*id); !ready) return ended(ready.error(), *id);
  return {End::kReady, "", *id};
}

std::vector<bool> ask_all(const Blueprint& blueprint, const std::vector<ProcessPlan>& plans) {
  std::vector<char> ready(plans.size(), 0);  // not vector<bool>: written by many threads
  for_each_at_once(plans, [&](size_t i, const ProcessPlan& plan) {
    const HostPlan* host = blueprint.host(plan.host);
    if (!enter_host(blueprint, plan.host)) return;
    ready[i] = is_ready(plan.ready, host ? host->addresses : std::vector<InterfaceAddress>{}, kOneAnswer);
  });
  return {ready.begin(), ready.end()};
}

}  // namespace blackstart::lab
