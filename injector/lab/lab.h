// SPDX-License-Identifier: Apache-2.0
// Sites as network namespaces on this machine. A topology becomes real hosts (a network namespace and a
// cgroup each), joined by a router namespace, with every service a real process.
//
//   auto lab = Lab::up(topology, options, print);
//   for (const auto& host : lab->status().hosts) ...
//   Lab::down("two-sites", print);
//
//   1. What is about to be made is written to /run/blackstart/lab/NAME before it is made; so down() takes
//      away what any up() made, also one that was killed half way.
//   2. up() gives the whole lab, ready, or an error and nothing: what it had begun is gone again.
//   3. The lab belongs to no process: it lives until down().
//   4. Attached hosts only get an agent: their namespaces, addresses and processes are never touched.
//
//   kernel object            name
//   network namespaces       NAME-HOST, and NAME-wan: the router
//   interfaces of a host     eth0; its other end in NAME-wan is HOST, a port of the bridge br-SITE
//                            (names too long for an interface are cut and end in #NUMBER)
//   cgroups                  blackstart/NAME/HOST/{agent,services/SERVICE,services/_exec},
//   blackstart/NAME/keeper
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agents/contract/result.h"
#include "injector/lab/attach.h"
#include "injector/lab/state.h"
#include "injector/topology/topology.h"

namespace blackstart::lab {

using Progress = std::function<void(const std::string& line)>;

struct LabOptions {
  std::string bin;              // the folder {bin} stands for; "": the one this program is in
  std::string agent_binary;     // "": a lab without agents
  std::string keeper_binary{};  // what `keep` (keeper.h) is run by: `BINARY lab keeper NAME`; "": none
  Attachments attached;         // the network namespaces of attached hosts (find_attached)
  std::function<bool()> cancelled = [] { return false; };  // asked often; true makes up() fail and undo
};

struct ProcessStatus {
  std::string service;
  pid_t pid = 0;  // 0: dead
  uint16_t port = 0;
  bool ready = false;
};

struct HostStatus {
  std::string name, site;  // site "": the router
  std::string netns;
  std::vector<std::string> addresses;
  std::vector<ProcessStatus> services;
  std::optional<ProcessStatus> agent;  // nullopt: a lab without agents
};

struct LabStatus {
  std::string name;
  bool complete = false;                // false: being made, or half made
  std::vector<HostStatus> hosts;        // by name, the router, where there is one, last
  std::optional<ProcessStatus> keeper;  // nullopt: a lab without one

  [[nodiscard]] bool healthy() const;  // complete, and every process ready
};

class Lab {
 public:
  // A lab that is up and made of the same parts stays, and what has died in it is started again; one
  // made of other parts, or half made, is taken down first. Needs root.
  [[nodiscard]] static Result<Lab> up(const Topology& topology, const LabOptions& options,
                                      const Progress& progress);
  // kInvalid when there is no such lab; "" means the only one.
  [[nodiscard]] static Result<Lab> find(const std::string& name);
  [[nodiscard]] static std::vector<std::string> names();
  // Ends and removes everything of the lab, and waits until it is gone. kInvalid when there is none.
  [[nodiscard]] static Result<> down(const std::string& name, const Progress& progress);

  [[nodiscard]] const std::string& name() const { return state_.blueprint.name; }
  [[nodiscard]] const Blueprint& blueprint() const { return state_.blueprint; }
  // The agents' sockets by host, kWan included; empty in a lab without agents.
  [[nodiscard]] std::map<std::string, std::string> agent_sockets() const;
  // As of now: every process is looked at and asked.
  [[nodiscard]] LabStatus status() const;
  // Becomes the program, on the host, as root; input and output stay the caller's. Returns only on failure.
  [[nodiscard]] Error exec(const std::string& host, const std::vector<std::string>& command) const;

 private:
  explicit Lab(State state) : state_(std::move(state)) {}

  State state_;
};

}  // namespace blackstart::lab
