// SPDX-License-Identifier: Apache-2.0
// What stands where: sites, hosts, services, and the traffic nobody may touch. Passive data; every
// name a field refers to exists once `validate` (validate.h) found no problem.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agents/contract/ip.h"
#include "agents/contract/units.h"
#include "agents/language/problem.h"

namespace blackstart {

struct Site {
  std::string name;
  std::vector<Prefix> prefixes;
  std::string group;     // "": none
  bool outside = false;  // users and partners: never a target
  Location outside_at;   // of the line that says so
  Location at;
};

// What stands there already and is taken as it is: exactly one field is set.
struct Attach {
  std::string container;  // a name or id docker or podman knows
  int pid = 0;            // a process whose network namespace it is
  std::string netns;      // a network namespace: a path, or a name as `ip netns` has it
  Location at;
};

struct Host {
  std::string name;
  std::string site;
  std::vector<Address> addresses;
  std::map<std::string, std::string> labels;
  Location at;
  std::optional<Attach> attach;
};

// How a process is recognised; empty fields do not matter.
struct ProcessMatch {
  std::string exe, unit, comm, cmdline, cgroup, user;  // cmdline: a regular expression
};

struct Instance {
  std::string host;
  std::optional<uint16_t> port;
  std::optional<ProcessMatch> process;
  bool primary = false;
  Location at;
};

struct Need {
  enum class While { kAny, kMajority, kPrimary };
  std::string service;
  While reachable = While::kAny;
  Location at;
};

// "photos.store.lab:80"
struct Endpoint {
  std::string name;
  uint16_t port = 0;
  Location at;
};

// How one instance is asked whether it is well.
struct ServiceCheck {
  struct Http {
    std::string path = "/";
    uint16_t status = 200;
  };
  struct Tcp {};
  struct Dns {
    std::string name;
  };
  std::variant<Tcp, Http, Dns> how;
};

struct Service {
  std::string name;
  std::string role;
  int tier = 0;  // 0: not said
  std::map<std::string, std::string> labels;
  std::vector<Need> needs;
  std::vector<Instance> instances;
  std::vector<Endpoint> endpoints;
  std::vector<std::string> buckets;
  ServiceCheck check;
  Location at;
};

// Exactly one of prefix, port and service is set.
struct Protected {
  std::optional<Prefix> prefix;
  std::optional<uint16_t> port;
  std::string why;
  Location at;
  std::string service;  // its processes, on every host
};

// How the instances of one service are started in a lab. Placeholders in `command`, `prepare`, `env`
// and in the files' text: {host} {site} {address} {address6} {port} {dir} {names} {topology} {bin}.
struct LabRun {
  struct Ready {
    std::optional<uint16_t> tcp;
    std::optional<std::string> http;  // a path on the instance's port, answered with 200
    Duration within = std::chrono::seconds(10);
  };
  std::vector<std::string> command;
  std::vector<std::vector<std::string>> prepare;  // run before, in order, as the same user; exit 0 expected
  std::map<std::string, std::string> files;       // name under {dir} → template beside the topology
  std::map<std::string, std::string> env;
  std::string user;  // "": root
  Ready ready;
  Location at;
};

struct Lab {
  Duration wan_latency{0};
  std::map<std::string, LabRun> run;                      // by service
  std::map<std::string, std::vector<std::string>> names;  // further names → hosts that carry them
};

struct Topology {
  std::string name;
  std::string summary;
  std::string file;  // as it was read; "" when made by hand
  std::map<std::string, Site> sites;
  std::map<std::string, Host> hosts;
  std::map<std::string, Service> services;
  std::vector<Protected> protect;
  std::optional<Lab> lab;

  [[nodiscard]] std::vector<const Host*> hosts_of_site(const std::string& site) const;
  // Whether its hosts stand there already: all of them or none, once it is valid.
  [[nodiscard]] bool attached() const;
  // The site whose most specific prefix holds the address; nullptr: none.
  [[nodiscard]] const Site* site_of(const Address& address) const;
  // The addresses a name stands for, as far as the topology itself says: a literal address, a host
  // (NAME or NAME.lab), a service (NAME.lab: all its instances) or a name of the lab.
  [[nodiscard]] std::vector<Address> resolve(const std::string& name) const;
};

}  // namespace blackstart
