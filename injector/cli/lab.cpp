// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <iostream>

#include <nlohmann/json.hpp>

#include "injector/cli/command.h"
#include "injector/cli/container.h"
#include "injector/experiment/load.h"
#include "injector/lab/keeper.h"
#include "injector/lab/lab.h"
#include "injector/record/outcome.h"
#include "injector/record/run_registry.h"

namespace blackstart::cli {
namespace {

using lab::HostStatus;
using lab::Lab;
using lab::LabStatus;
using lab::ProcessStatus;

volatile sig_atomic_t interrupted = 0;

std::string folder_of_this_program() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

// Progress is for people: on stdout, or on stderr when stdout is for a program.
lab::Progress progress(bool json) {
  return [json](const std::string& line) { (json ? std::cerr : std::cout) << line << std::endl; };
}

std::string option(const Invocation& invocation, const char* name) {
  return invocation.options.count(name) ? invocation.options[name].as<std::string>() : "";
}

std::string mark(bool ready) {
  return ready ? "ready" : "NOT READY";
}

nlohmann::json to_json(const ProcessStatus& process) {
  nlohmann::json json{{"ready", process.ready}, {"pid", nullptr}};
  if (process.pid != 0) json["pid"] = process.pid;
  if (process.port != 0) json["port"] = process.port;
  if (process.service != "agent") json["service"] = process.service;
  return json;
}

nlohmann::json to_json(const LabStatus& status) {
  auto hosts = nlohmann::json::array();
  for (const HostStatus& host : status.hosts) {
    auto services = nlohmann::json::array();
    for (const ProcessStatus& service : host.services) services.push_back(to_json(service));
    hosts.push_back({{"name", host.name},
                     {"site", host.site.empty() ? nlohmann::json() : nlohmann::json(host.site)},
                     {"netns", host.netns},
                     {"addresses", host.addresses},
                     {"services", services},
                     {"agent", host.agent ? to_json(*host.agent) : nlohmann::json()}});
  }
  return {{"kind", "Lab"},
          {"keeper", status.keeper ? to_json(*status.keeper) : nlohmann::json()},
          {"name", status.name},
          {"complete", status.complete},
          {"healthy", status.healthy()},
          {"hosts", hosts}};
}

std::string describe(const ProcessStatus& process) {
  std::string text = process.service;
  if (process.port != 0) text += " :" + std::to_string(process.port);
  return text + (process.pid == 0 ? "  dead" : "  pid " + std::to_string(process.pid)) + "  " +
         mark(process.ready);
}

void print_host(const HostStatus& host, const std::string& indent) {
  std::cout << indent << host.name;
  for (const std::string& address : host.addresses) std::cout << "  " << address;
  if (host.agent) std::cout << "  (" << describe(*host.agent) << ")";
  std::cout << "\n";
  for (const ProcessStatus& service : host.services) std::cout << indent << "  " << describe(service) << "\n";
}

void print(const LabStatus& status) {
  std::cout << status.name << (!status.complete ? "  half made: blackstart lab up, or down" : "") << "\n";
  if (status.keeper) std::cout << "  " << describe(*status.keeper) << "\n";
  std::map<std::string, std::vector<const HostStatus*>> sites;
  for (const HostStatus& host : status.hosts) sites[host.site].push_back(&host);
  for (const auto& [site, hosts] : sites) {
    if (!site.empty()) std::cout << "  " << site << "\n";
    for (const HostStatus* host : hosts) print_host(*host, site.empty() ? "  " : "    ");
  }
}

// Without agents nothing can be injected, so they are part of a lab unless somebody says otherwise.
Result<std::string> agent_binary(const Invocation& invocation) {
  if (invocation.options.count("without-agents")) return "";
  const std::string path = folder_of_this_program() + "/blackstart-agent";
  if (::access(path.c_str(), X_OK) == 0) return path;
  return fail(ErrorKind::kMissing, "find", path, 0,
              "it is built and installed beside blackstart; or --without-agents");
}

void note_signal(int) {
  interrupted = 1;
}

// A lab under a run is left as it is: what changed in it would be taken for what the drill did.
Result<> require_no_run(const std::string& operation, const std::string& lab) {
  for (const RunRecord& run : RunRegistry().live().value_or(std::vector<RunRecord>{}))
    if (run.topology == lab && RunRegistry::conductor_alive(run))
      return fail(ErrorKind::kRefused, operation, lab, 0,
                  "run " + run.run + " is under way on it (blackstart abort " + run.run + " ends that run)");
  return {};
}

int up(const Invocation& invocation) {
  if (invocation.arguments.size() != 2) return usage_error("lab", "up takes one topology file");
  const auto topology = load_topology(invocation.arguments[1]);
  if (!topology) return report(topology.error(), invocation.json);
  if (auto free = require_no_run("bring up lab", topology->name); !free)
    return report(free.error(), invocation.json);
  const auto attached = lab::find_attached(*topology, container_pid);
  if (!attached) return report(attached.error(), invocation.json);
  const auto agent = agent_binary(invocation);
  if (!agent) return report(agent.error(), invocation.json);

  struct sigaction action {};
  action.sa_handler = note_signal;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  lab::LabOptions options;
  options.bin = folder_of_this_program();
  options.agent_binary = *agent;
  // What starts a service again that a fault killed: without faults nobody asks for it.
  if (!agent->empty()) options.keeper_binary = options.bin + "/blackstart";
  options.attached = *attached;
  options.cancelled = [] { return interrupted != 0; };
  const auto made = Lab::up(*topology, options, progress(invocation.json));
  if (!made) {
    const int code = report(made.error(), invocation.json);
    return interrupted && code != kExitStranded ? kExitAborted : code;
  }
  if (invocation.json) std::cout << to_json(made->status()).dump(2) << "\n";
  return kExitPass;
}

// The lab named as an argument or by --lab, or the only one.
std::string chosen(const Invocation& invocation) {
  return invocation.arguments.size() > 1 ? invocation.arguments[1] : option(invocation, "lab");
}

int down(const Invocation& invocation) {
  std::string name = chosen(invocation);
  if (const std::string extension = std::filesystem::path(name).extension();
      extension == ".yaml" || extension == ".yml") {
    const auto topology = load_topology(name);
    if (!topology) return report(topology.error(), invocation.json);
    name = topology->name;
  }
  // A lab whose state cannot be read has a name all the same, and can be taken down by it.
  if (const auto all = Lab::names(); name.empty() && all.size() == 1) name = all.front();
  if (name.empty()) {
    const auto found = Lab::find("");
    if (!found) return report(found.error(), invocation.json);
    name = found->name();
  }
  if (auto free = require_no_run("take down lab", name); !free) return report(free.error(), invocation.json);
  const auto gone = Lab::down(name, progress(invocation.json));
  if (!gone) return report(gone.error(), invocation.json);
  if (invocation.json)
    std::cout << nlohmann::json{{"kind", "Lab"}, {"name", name}, {"hosts", nlohmann::json::array()}}.dump(2)
              << "\n";
  return kExitPass;
}

int status(const Invocation& invocation) {
  const std::string name = chosen(invocation);
  const std::vector<std::string> names = name.empty() ? Lab::names() : std::vector<std::string>{name};
  auto all = nlohmann::json::array();
  for (const std::string& one : names) {
    const auto found = Lab::find(one);
    if (!found) return report(found.error(), invocation.json);
    const LabStatus now = found->status();
    if (invocation.json)
      all.push_back(to_json(now));
    else
      print(now);
  }
  if (invocation.json) std::cout << all.dump(2) << "\n";
  if (!invocation.json && names.empty()) std::cout << "no lab is up\n";
  return kExitPass;
}

int exec(const Invocation& invocation) {
  if (invocation.arguments.size() < 3) return usage_error("lab", "exec takes a host and a command");
  const auto found = Lab::find(option(invocation, "lab"));
  if (!found) return report(found.error(), invocation.json);
  auto first = invocation.arguments.begin() + 2;
  if (*first == "--" && std::next(first) != invocation.arguments.end()) ++first;
  const Error error = found->exec(invocation.arguments[1], {first, invocation.arguments.end()});
  const int code = report(error, invocation.json);
  return error.code == ENOENT ? 127 : error.code == EACCES ? 126 : code;  // as a shell has it
}

// Not for people: `lab up` starts it, and it serves until the lab is gone.
int keeper(const Invocation& invocation) {
  const auto found = Lab::find(invocation.arguments.at(1));
  if (!found) return report(found.error(), invocation.json);
  const auto topology = load_topology(found->blueprint().topology_file);
  if (!topology) return report(topology.error(), invocation.json);
  const auto kept = lab::keep(found->blueprint(), *topology);
  return kept ? kExitPass : report(kept.error(), invocation.json);
}

}  // namespace

void declare_lab(po::options_description& options) {
  options.add_options()("lab", po::value<std::string>()->value_name("NAME"),
                        "which lab, when several are up");
  options.add_options()("without-agents", "up: start no agents; nothing can be injected then");
}

int run_lab(const Invocation& invocation) {
  const std::string action = invocation.arguments.empty() ? "" : invocation.arguments[0];
  if (action == "exec") return exec(invocation);
  if (action == "up") return up(invocation);
  if (invocation.arguments.size() > 2) return usage_error("lab", action + " takes at most one lab");
  if (action == "down") return down(invocation);
  if (action == "keeper" && invocation.arguments.size() == 2) return keeper(invocation);
  if (action == "status") return status(invocation);
  return usage_error("lab", "expected one of: up FILE, down [NAME|FILE], status [NAME], exec HOST CMD…");
}

}  // namespace blackstart::cli
