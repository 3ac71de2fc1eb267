// SPDX-License-Identifier: Apache-2.0
// What a lab will be made of: a topology with every name, address, path and placeholder worked out.
// It is written to the lab's state before anything is made, and tells every later command what exists.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agents/contract/ip.h"
#include "agents/contract/result.h"
#include "injector/lab/attach.h"
#include "injector/topology/topology.h"

namespace blackstart::lab {

struct InterfaceAddress {
  Address address;
  uint8_t length = 0;  // of the prefix it stands in
  bool operator==(const InterfaceAddress&) const = default;
};

struct SitePlan {
  std::string name;
  std::string bridge;                      // its interface in the router namespace
  std::vector<InterfaceAddress> gateways;  // of the bridge: the first address of each prefix
  std::string resolv_conf;
  bool operator==(const SitePlan&) const = default;
};

struct HostPlan {
  std::string name;
  std::string site;
  std::string netns;  // a name, or the path of an attached one
  std::string port;   // its interface in the router namespace; in its own it is eth0
  std::vector<InterfaceAddress> addresses;
  std::vector<Address> gateways;  // at most one a family
  uint64_t attached_inode = 0;    // of a namespace that was there before the lab; 0: the lab makes it
  bool operator==(const HostPlan&) const = default;
};

// When a process counts as ready. All fields empty: as soon as it runs.
struct ReadyPlan {
  uint16_t port = 0;      // a TCP connect to an address of the host...
  std::string http_path;  // ...and, unless "", GET of this path answered with 200
  std::string socket;     // or: a unix socket that accepts
  int64_t within_ms = 10'000;
  bool operator==(const ReadyPlan&) const = default;
};

// One process: an instance of a service, or (service == kAgent) the agent of a host.
struct ProcessPlan {
  std::string service;
  std::string host;  // kWan: the router namespace
  std::vector<std::string> command;
  std::vector<std::vector<std::string>> prepare;
  std::map<std::string, std::string> files;  // name under {dir} → text
  std::map<std::string, std::string> env;
  std::string user;  // "": root
  ReadyPlan ready;

  [[nodiscard]] bool is_agent() const;
  bool operator==(const ProcessPlan&) const = default;
};

struct Blueprint {
  std::string name;
  std::string bin;              // the real folder of the programs
  std::string topology_file;    // the file it was made from; "": made by hand
  std::string topology_folder;  // the real folder of the topology; "": made by hand
  std::string wan_netns;        // "": the hosts are attached, and joined by what they stand in
  std::string hosts_file, names_file;
  std::vector<SitePlan> sites;
  std::vector<HostPlan> hosts;
  std::vector<ProcessPlan> agents, services;
  std::string keeper;  // the program that starts services again; "": none
  bool operator==(const Blueprint&) const = default;

  [[nodiscard]] bool attached() const { return wan_netns.empty(); }
  [[nodiscard]] const HostPlan* host(const std::string& host) const;
  [[nodiscard]] const SitePlan* site(const std::string& site) const;
  [[nodiscard]] std::string netns_of(const std::string& host) const;  // kWan too; "": no such host
};

// `agent_binary` "" leaves the agents out, `keeper_binary` "" the keeper, which attached hosts never have
// since no service of theirs is started here; `attached` holds every attached host of the topology. Reads
// the template files beside the topology, nothing else.
[[nodiscard]] Result<Blueprint> make_blueprint(const Topology& topology, const std::string& bin,
                                               const std::string& agent_binary,
                                               const Attachments& attached = {},
                                               const std::string& keeper_binary = {});

// A further instance of a service, on a host that has none, where nothing of the lab takes its port. It has a
// folder and a cgroup of its own, both named SERVICE~fresh, and the port of the service's first instance.
[[nodiscard]] Result<ProcessPlan> plan_fresh(const Topology& topology, const Blueprint& blueprint,
                                             const std::string& host, const std::string& service);
inline constexpr const char* kFresh = "~fresh";

void to_json(nlohmann::json& json, const Blueprint& blueprint);
void from_json(const nlohmann::json& json, Blueprint& blueprint);

}  // namespace blackstart::lab
