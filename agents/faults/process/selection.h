// SPDX-License-Identifier: Apache-2.0
// Which processes of a host a target means.
//
//   const auto all = list_processes(scope);
//   auto selector = Selector::make(target, scope);
//   Selection now = selector->select(all, spared);
//
//   the target names                       it means
//   exe, comm, cmdline or user             the processes that fit all it names, and their descendants: by
//   parent,
//                                          by session where its leader is one of them, and everything in a
//                                          cgroup in which nothing is older than they are
//   only port, unit or cgroup, or, in      everything in that cgroup: of the socket that listens, of the
//   unit, a lab, nothing                         of the service in the lab
//
// Never among them: process 1, threads of the kernel, the agent, its sentinel and their ancestors, what is
// out of scope, and what is spared.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "agents/contract/contract.pb.h"
#include "agents/contract/result.h"
#include "agents/faults/process/hold_down.h"
#include "agents/faults/process/program.h"
#include "agents/kernel/fd.h"

namespace blackstart {

struct ProcessScope {
  // Relative to the root of version 2: the services of a lab's host, each in a cgroup below it. "": the whole
  // host, which is not a lab's.
  std::string cgroup;

  // The calling agent's: in a lab it stands beside the services, in HOST/agent.
  static ProcessScope of_agent(bool in_lab);

  [[nodiscard]] bool lab() const { return !cgroup.empty(); }
  [[nodiscard]] bool holds(const std::string& other) const;  // a cgroup, by name
};

struct Process {
  pid_t pid = 0, parent = 0, session = 0;
  uint64_t started = 0;  // clock ticks after boot
  char state = 0;
  std::string name;      // comm
  std::string line;      // as /proc/PID/cmdline has it
  std::string exe;       // "": not known
  std::string cgroup;    // relative to the root of version 2
  std::string no_fault;  // why nothing may touch it; "": it may be touched
  uid_t user = 0;
  std::optional<FileId> program;

  // Where its working folder is looked up; "" where it cannot be.
  [[nodiscard]] std::string in_its_folder(const std::string& path) const;
};

// Those in scope that live, eldest first.
[[nodiscard]] std::vector<Process> list_processes(const ProcessScope& scope);

struct Selection {
  std::vector<Process> processes;    // eldest first
  std::vector<std::string> cgroups;  // they are everything in these, and all of these may be touched at once
};

// What is not to be touched, whatever fits.
using Spared = std::set<pid_t>;

class Selector {
 public:
  // kInvalid: an expression that is none, an unknown user; kRefused: out of scope, or, on a host that is
  // not a lab's, a target that names nothing.
  [[nodiscard]] static Result<Selector> make(const contract::ProcessTarget& target,
                                             const ProcessScope& scope);

  [[nodiscard]] const std::string& service() const { return target_.service(); }
  [[nodiscard]] Selection select(const std::vector<Process>& all, const Spared& spared) const;
  // kRefused, and which it is, if something that fits by itself may not be touched by any fault.
  [[nodiscard]] Result<> require_touchable(const std::vector<Process>& all) const;
  // What an exec has to fit to be of this target; fault and times are left to the caller. Nothing where it is
  // not known yet, a port that nobody listens on.
  [[nodiscard]] std::vector<HoldDownRule> exec_rules(const std::vector<Process>& all) const;

 private:
  Selector(contract::ProcessTarget target, ProcessScope scope)
      : target_(std::move(target)), scope_(std::move(scope)) {}
  Result<> compile();
  // The cgroups its place is now; nullopt: it names none.
  [[nodiscard]] std::optional<std::vector<std::string>> places() const;
  [[nodiscard]] bool names_processes() const;
  [[nodiscard]] bool fits(const Process& process, const std::optional<std::vector<std::string>>& in) const;
  [[nodiscard]] bool runs_program(const Process& process) const;
  [[nodiscard]] bool finds(const std::string& line) const;

  contract::ProcessTarget target_;
  ProcessScope scope_;
  std::optional<Program> program_;
  std::optional<std::regex> line_;  // from the first character on
  std::optional<uid_t> user_;
};

// Signals this process and no later one of its number; false: it is gone. From the kernel: kMissing.
[[nodiscard]] Result<bool> signal_process(const Process& process, int signal);

}  // namespace blackstart
