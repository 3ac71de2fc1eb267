// SPDX-License-Identifier: Apache-2.0
#include "injector/lab/lab.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "agents/contract/units.h"
#include "agents/kernel/boot_id.h"
#include "injector/lab/keeper.h"
#include "injector/lab/network.h"
#include "injector/lab/paths.h"
#include "injector/lab/processes.h"

namespace blackstart::lab {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr milliseconds kLongestDeath{10'000};

Result<> need_root(const std::string& operation) {
  if (::geteuid() == 0) return {};
  return fail(ErrorKind::kMissing, operation, "", EPERM,
              "network namespaces and cgroups need root: run it with sudo");
}

tl::unexpected<Error> no_such_lab(const std::string& name) {
  std::string up;
  for (const std::string& other : Lab::names()) up += (up.empty() ? "" : ", ") + other;
  return fail(ErrorKind::kInvalid, "find the lab", name, 0,
              up.empty() ? "no lab is up: blackstart lab up TOPOLOGY" : "labs on this machine: " + up);
}

Result<> write_file(const fs::path& path, const std::string& text) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  std::ofstream file(path);
  if (!(file << text << std::flush)) return fail_errno(EIO, "write", path);
  return {};
}

Result<> write_names(const Blueprint& blueprint) {
  const Paths paths = Paths::of(blueprint.name);
  const auto for_host = [&](const std::string& host, const std::string& resolv_conf) {
    auto written = write_file(paths.etc(host) / "hosts", blueprint.hosts_file);
    return written ? write_file(paths.etc(host) / "resolv.conf", resolv_conf) : written;
  };
  auto written = write_file(paths.names(), blueprint.names_file);
  if (written && !blueprint.attached()) written = for_host(kWan, "# the router resolves by /etc/hosts\n");
  for (auto host = blueprint.hosts.begin(); written && host != blueprint.hosts.end(); ++host)
    written = for_host(host->name, blueprint.site(host->site)->resolv_conf);
  return written;
}

Result<> make_folders(const Blueprint& blueprint) {
  const Paths paths = Paths::of(blueprint.name);
  std::error_code error;
  for (const fs::path& folder : {paths.bin(), paths.topology(), paths.agents()}) {
    fs::create_directories(folder, error);
    if (error) return fail_errno(error.value(), "create", folder);
  }
  fs::permissions(paths.agents(), fs::perms::owner_all, error);
  if (error) return fail_errno(error.value(), "protect", paths.agents());
  return {};
}

// Removes the run folder. The two mount points go first and only if empty: should a mount be visible
// here after all, its files must not be taken for the lab's.
Result<> remove_folder(const Paths& paths) {
  std::error_code error;
  for (const fs::path& mount_point : {paths.bin(), paths.topology()}) {
    fs::remove(mount_point, error);
    if (error)
      return fail(ErrorKind::kStranded, "remove", mount_point, error.value(), "something is mounted on it");
  }
  fs::remove_all(paths.root, error);
  if (error) return fail_errno(error.value(), "remove", paths.root);
  // The parents go with the last lab; with another one in them this fails, as it should.
  ::rmdir(Paths::of_all_labs().c_str());
  ::rmdir(Paths::of_all_labs().parent_path().c_str());
  return {};
}

// Ends and removes what the state names. The caller holds the lock.
Result<> dismantle(const std::string& name, const std::optional<State>& state) {
  Blueprint blueprint;
  blueprint.name = name;
  if (state) blueprint = state->blueprint;
  const auto cgroup = cgroup_of(blueprint);
  if (!cgroup) return tl::unexpected(cgroup.error());
  if (auto killed = cgroup->kill(kLongestDeath); !killed) return killed;
  if (state)
    for (const RunningProcess& process : state->processes) process.id.reap();
  if (state)
    if (auto removed = remove_network(blueprint); !removed) return removed;
  if (auto removed = cgroup->remove(); !removed) return removed;
  ::rmdir(cgroup->path().parent_path().c_str());  // "blackstart", unless something else is in it
  return remove_folder(Paths::of(name));
}

// Takes back what a failed up() has made. The error stays the first one, unless something was left.
tl::unexpected<Error> undo(const std::string& name, const std::optional<State>& state, Error error) {
  if (const auto gone = dismantle(name, state); !gone) {
    error.kind = ErrorKind::kStranded;
    error.hint += (error.hint.empty() ? "" : "; ") + std::string("and the lab could not be taken back: ") +
                  gone.error().message() + "; try blackstart lab down " + name;
  }
  return tl::unexpected(std::move(error));
}

Result<> make(const Blueprint& blueprint) {
  auto made = make_folders(blueprint);
  if (made) made = write_names(blueprint);
  if (made) made = make_network(blueprint);
  return made;
}

// Starts those of the plans that do not run, after clearing away what is left of them.
Result<size_t> start_dead(State& state, const std::vector<ProcessPlan>& plans, const LabOptions& options,
                          const Progress& progress) {
  std::vector<ProcessPlan> dead;
  for (const ProcessPlan& plan : plans)
    if (!running(state, plan)) dead.push_back(plan);
  for (const ProcessPlan& plan : dead) {
    auto left = cgroup_of(state.blueprint, plan.host, plan.is_agent() ? kAgent : "services/" + plan.service);
    if (!left) return tl::unexpected(left.error());
    if (auto killed = left->kill(kLongestDeath); !killed) return tl::unexpected(killed.error());
    std::erase_if(state.processes, [&](const RunningProcess& process) {
      return process.host == plan.host && process.service == plan.service;
    });
  }
  auto started = start_all(state.blueprint, dead, options.cancelled, progress);
  if (!started) return tl::unexpected(started.error());
  state.processes.insert(state.processes.end(), started->begin(), started->end());
  return started->size();
}

// Before the agents, which are told of it.
Result<size_t> start_keeper(const State& state, const LabOptions& options) {
  const Blueprint& blueprint = state.blueprint;
  if (blueprint.keeper.empty() || keeper_pid(blueprint) != 0) return 0;
  if (auto launched = launch_keeper(blueprint, options.cancelled); !launched)
    return tl::unexpected(launched.error());
  return 1;
}

// Agents before services, so that no service is ever on a host without its agent.
Result<size_t> start(State& state, const LabOptions& options, const Progress& progress) {
  const Blueprint blueprint = state.blueprint;
  const auto keeper = start_keeper(state, options);
  if (!keeper) return keeper;
  const auto agents = start_dead(state, blueprint.agents, options, progress);
  if (!agents) return agents;
  const auto services = start_dead(state, blueprint.services, options, progress);
  if (!services) return services;
  state.complete = true;
  if (auto written = write_state(state); !written) return tl::unexpected(written.error());
  return *keeper + *agents + *services;
}

std::string count(size_t number, const std::string& what) {
  return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
}

}  // namespace

bool LabStatus::healthy() const {
  return complete && (!keeper || keeper->ready) &&
         std::all_of(hosts.begin(), hosts.end(), [](const HostStatus& host) {
           return (!host.agent || host.agent->ready) &&
                  std::all_of(host.services.begin(), host.services.end(),
                              [](const ProcessStatus& service) { return service.ready; });
         });
}

Result<Lab> Lab::up(const Topology& topology, const LabOptions& options, const Progress& progress) {
  if (auto root = need_root("make the lab"); !root) return tl::unexpected(root.error());
  const std::string bin =
      options.bin.empty() ? fs::read_symlink("/proc/self/exe").parent_path().string() : options.bin;
  auto blueprint =
      make_blueprint(topology, bin, options.agent_binary, options.attached, options.keeper_binary);
  if (!blueprint) return tl::unexpected(blueprint.error());
  if (auto checked = check_programs(*blueprint); !checked) return tl::unexpected(checked.error());
  auto lock = lock_lab(blueprint->name);
  if (!lock) return tl::unexpected(lock.error());

  const auto begin = std::chrono::steady_clock::now();
  std::optional<State> old = read_state(blueprint->name);
  const bool keep = old && old->complete && old->boot_id == boot_id() && old->blueprint == *blueprint;
  State state = keep ? std::move(*old) : State{*blueprint, boot_id(), false, {}};
  if (!keep) {
    if (old)
      progress(old->complete ? "the lab is up with other parts: taking it down first"
                             : "cleaning what a lab half made has left");
    if (auto gone = dismantle(blueprint->name, old); !gone) return tl::unexpected(gone.error());
    lock = lock_lab(blueprint->name);
    if (!lock) return tl::unexpected(lock.error());
    if (const std::string taken = existing_namespace(*blueprint); !taken.empty()) {
      return undo(blueprint->name, std::nullopt,
                  Error{ErrorKind::kRefused, "make network namespace", taken, EEXIST,
                        "it is not this lab's; rename the lab, or remove it: ip netns del " + taken});
    }
    Result<> made = write_state(state);
    if (made) made = make(*blueprint);
    if (!made) return undo(blueprint->name, state, made.error());
    progress((blueprint->attached() ? "attached to " : "network of ") +
             count(blueprint->sites.size(), "site") + " and " + count(blueprint->hosts.size(), "host"));
  }

  const auto started = start(state, options, progress);
  if (!started) return undo(blueprint->name, state, started.error());
  const auto took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin);
  if (keep && *started == 0)
    progress("lab " + blueprint->name + " is up already");
  else
    progress("lab " + blueprint->name + " is up: " + count(blueprint->hosts.size(), "host") + ", " +
             std::to_string(*started) + " started in " + format_duration(took));
  return Lab(std::move(state));
}

Result<Lab> Lab::find(const std::string& name) {
  const std::vector<std::string> all = names();
  if (name.empty() && all.size() != 1) {
    if (all.empty()) return no_such_lab("");
    std::string list;
    for (const std::string& one : all) list += " " + one;
    return fail(ErrorKind::kInvalid, "choose among the labs", "", 0, "say which with --lab:" + list);
  }
  auto state = read_state(name.empty() ? all.front() : name);
  if (!state) return no_such_lab(name);
  return Lab(std::move(*state));
}

std::vector<std::string> Lab::names() {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(Paths::of_all_labs(), error))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

Result<> Lab::down(const std::string& name, const Progress& progress) {
  if (auto root = need_root("take the lab down"); !root) return root;
  const std::vector<std::string> all = names();
  if (std::find(all.begin(), all.end(), name) == all.end()) return no_such_lab(name);
  const auto lock = lock_lab(name);
  if (!lock) return tl::unexpected(lock.error());
  auto gone = dismantle(name, read_state(name));
  if (gone) progress("lab " + name + " is down");
  return gone;
}

std::map<std::string, std::string> Lab::agent_sockets() const {
  std::map<std::string, std::string> sockets;
  for (const ProcessPlan& agent : blueprint().agents) sockets[agent.host] = agent.ready.socket;
  return sockets;
}

LabStatus Lab::status() const {
  LabStatus status{name(), state_.complete && state_.boot_id == boot_id(), {}, {}};
  if (!blueprint().keeper.empty()) {
    status.keeper = ProcessStatus{kKeeper, keeper_pid(blueprint()), 0, false};
    status.keeper->ready = status.keeper->pid != 0 && keeper_answers(name());
  }
  std::map<std::string, HostStatus> hosts;
  for (const HostPlan& host : blueprint().hosts) {
    HostStatus& entry = hosts[host.name];
    entry = {host.name, host.site, host.netns, {}, {}, {}};
    for (const InterfaceAddress& own : host.addresses) entry.addresses.push_back(own.address.text());
  }
  HostStatus wan{kWan, "", blueprint().wan_netns, {}, {}, {}};

  for (const auto* plans : {&blueprint().agents, &blueprint().services}) {
    const std::vector<bool> answers = ask_all(blueprint(), *plans);
    for (size_t i = 0; i < plans->size(); ++i) {
      const ProcessPlan& plan = (*plans)[i];
      const auto id = running(state_, plan);
      ProcessStatus process{plan.service, id ? id->pid : 0, plan.ready.port, false};
      process.ready = process.pid != 0 && answers[i];
      HostStatus& host = plan.host == kWan ? wan : hosts[plan.host];
      if (plan.is_agent())
        host.agent = process;
      else
        host.services.push_back(process);
    }
  }
  for (auto& [host, entry] : hosts) status.hosts.push_back(std::move(entry));
  if (!blueprint().attached()) status.hosts.push_back(std::move(wan));
  return status;
}

Error Lab::exec(const std::string& host, const std::vector<std::string>& command) const {
  if (auto root = need_root("run a command in the lab"); !root) return root.error();
  if (blueprint().netns_of(host).empty())
    return Error{ErrorKind::kInvalid, "find in lab " + name() + " the host", host, 0,
                 "see: blackstart lab status"};
  // Among what faults on processes reach: a host without power runs nothing, whoever asks. No service has
  // such a name.
  auto launch = launch_on(blueprint(), host, "services/_exec");
  if (!launch) return launch.error();
  const char* search_path = ::getenv("PATH");
  launch->program = find_program(command.at(0), search_path ? search_path : kServicePath);
  if (launch->program.empty()) return Error{ErrorKind::kInvalid, "find the program", command[0], ENOENT, ""};
  launch->arguments = command;
  for (char** variable = environ; *variable; ++variable) launch->environment.emplace_back(*variable);
  return become(*launch);
}

}  // namespace blackstart::lab
