// SPDX-License-Identifier: Apache-2.0
// What hold-down costs whoever executes a program, and how fast a service dies.
#include "tests/bench/bench.h"

#include <bpf/bpf.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <thread>

#include "agents/contract/units.h"
#include "agents/faults/process/hold_down.h"
#include "agents/faults/process/kill.h"
#include "agents/kernel/cgroup.h"
#include "agents/kernel/fd.h"
#include "tests/support/scratch_cgroup.h"

extern char** environ;

namespace blackstart::bench {
namespace {

constexpr const char* kCgroup = "bs-bench";
constexpr int kRounds = 7, kExecs = 300, kProcesses = 1000, kKills = 5;

double us_per_exec() {
  const std::string program = "/bin/true";
  char* words[] = {const_cast<char*>(program.c_str()), nullptr};
  return milliseconds_of([&] {
           for (int i = 0; i < kExecs; ++i) {
             pid_t pid = 0;
             if (::posix_spawn(&pid, program.c_str(), nullptr, nullptr, words, environ) != 0)
               throw std::runtime_error("cannot run " + program);
             ::waitpid(pid, nullptr, 0);
           }
         }) *
         1000 / kExecs;
}

// Fired, with so many programs held down none of which is what is executed.
std::unique_ptr<HoldDown> held(int selectors) {
  std::vector<HoldDownRule> rules;
  for (int i = 0; i < selectors; ++i)
    rules.push_back({.fault = "f1",
                     .service = "bench",
                     .end_ns = Duration(std::chrono::hours(1)).count(),
                     .exe = "/nonexistent/bench-" + std::to_string(i)});
  // Without one it is in place all the same, and looks at every exec in vain.
  if (rules.empty())
    rules.push_back({.fault = "f1",
                     .service = "bench",
                     .end_ns = Duration(std::chrono::hours(1)).count(),
                     .comm = "bs-bench-none"});
  auto out = must(HoldDown::make(rules, {.run = "bench"}));
  out->fire(monotonic_now(), {INT64_MAX, INT64_MAX});
  return out;
}

// Calls of hold-down's program and the time in them, as the kernel counts while somebody asks it to.
struct InProgram {
  uint64_t runs = 0, ns = 0;
};
InProgram in_program() {
  InProgram out;
  for (uint32_t id = 0; bpf_prog_get_next_id(id, &id) == 0;) {
    const Fd program(bpf_prog_get_fd_by_id(id));
    bpf_prog_info info{};
    uint32_t size = sizeof info;
    if (!program.valid() || bpf_obj_get_info_by_fd(program.get(), &info, &size) != 0) continue;
    const std::string name = info.name;
    if (name != "blackstart_exec" && name != "blackstart_deny") continue;
    out.runs += info.run_cnt;
    out.ns += info.run_time_ns;
  }
  return out;
}

// The ways take turns, so that whatever else the machine does meets all of them.
Section exec_costs() {
  struct Way {
    std::string name;
    int selectors;                   // -1: no program
    std::vector<double> times, own;  // µs, ns
  };
  std::vector<Way> ways{{"no program", -1, {}, {}},
                        {"in place, no program to look for", 0, {}, {}},
                        {"10 programs held down", 10, {}, {}},
                        {"1,000 programs held down", 1000, {}, {}}};
  (void)us_per_exec();
  const Fd counting(bpf_enable_stats(BPF_STATS_RUN_TIME));
  if (!counting.valid()) throw std::runtime_error("the kernel does not count what its programs take");
  for (int round = 0; round < kRounds; ++round)
    for (Way& way : ways) {
      const auto holds = way.selectors < 0 ? nullptr : held(way.selectors);
      way.times.push_back(us_per_exec());
      if (!holds) continue;
      const InProgram spent = in_program();  // made for this round alone
      if (spent.runs == 0) throw std::runtime_error("hold-down's program was never called");
      way.own.push_back(static_cast<double>(spent.ns) / static_cast<double>(spent.runs));
    }
  const double plain = spread(ways[0].times).median;
  Section out{"fork, exec and end of /bin/true beside hold-down", {}};
  for (const Way& way : ways) {
    const double ratio = spread(way.times).median / plain;
    out.rows.push_back(figure(way.name, spread(way.times), "µs",
                              way.own.empty() ? ""
                                              : number(ratio) + " × that without a program; in the program " +
                                                    number(spread(way.own).median) + " ns"));
  }
  return out;
}

// A thousand processes that sleep, in a cgroup of their own.
std::vector<pid_t> start_many(const std::string& cgroup) {
  std::vector<pid_t> out;
  const auto join = must(Cgroup::at(cgroup).value().open_for_joining());
  for (int i = 0; i < kProcesses; ++i) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      if (::write(join.get(), "0", 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    out.push_back(pid);
  }
  while (Cgroup::at(cgroup)->processes().size() < static_cast<size_t>(kProcesses))
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return out;
}

double killed_by(const std::function<void(const std::vector<pid_t>&)>& kill) {
  const test::ScratchCgroup cgroup(kCgroup);
  const auto pids = start_many(kCgroup);
  const double time = milliseconds_of([&] {
    kill(pids);
    while (cgroup.cgroup().populated()) std::this_thread::sleep_for(std::chrono::microseconds(200));
  });
  for (const pid_t pid : pids) ::waitpid(pid, nullptr, 0);
  return time;
}

Section kills() {
  std::vector<double> at_once, one_by_one;
  for (int i = 0; i < kKills; ++i) {
    at_once.push_back(killed_by([](const auto&) { must(Cgroup::at(kCgroup).value().signal_kill()); }));
    one_by_one.push_back(killed_by([](const auto& pids) {
      for (const pid_t pid : pids) ::kill(pid, SIGKILL);
    }));
  }
  Section out{"1,000 processes of one service: order to the last one dead", {}};
  out.rows.push_back(figure("cgroup.kill", spread(at_once), "ms",
                            number(spread(at_once).median / spread(one_by_one).median) + " × the loop"));
  out.rows.push_back(figure("a loop of kill", spread(one_by_one), "ms"));
  return out;
}

}  // namespace

std::vector<Section> process_figures() {
  return {exec_costs(), kills()};
}

}  // namespace blackstart::bench
