// SPDX-License-Identifier: Apache-2.0
// An agent's own word on orders, whoever wrote them (/etc/blackstart/agent.yaml; safety rules S5 and
// S11). What it does not say it does not accept.
//
//   auto policy = read_policy("/etc/blackstart/agent.yaml");
//   if (auto ok = accept(*policy, order); !ok) ...   // says which line of the file would have to change
//   add_protection(*policy, order);                  // the agent's word beside the conductor's
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "agents/contract/contract.pb.h"
#include "agents/contract/ip.h"
#include "agents/contract/result.h"
#include "agents/contract/units.h"
#include "agents/language/problem.h"

namespace blackstart {

inline constexpr char kPolicyFile[] = "/etc/blackstart/agent.yaml";

// Exactly one of prefix, port, service and process is set.
struct ProtectedEntry {
  std::optional<Prefix> prefix;
  std::optional<uint16_t> port;
  std::string service;  // its processes
  std::optional<contract::ProcessMatch> process;
  std::string why;
  Location at;  // line 0: built in
};

// What a loss of power is on a host of flesh and blood. In a lab every process is killed.
enum class PowerLoss {
  kRefused,
  kFreeze,    // every process that may be touched stands still
  kKill,      // ... is killed
  kPowerOff,  // the machine is switched off, and does not come back by itself
};

// Each `_at` is where that is said or, where it is not, the innermost thing around it that is there.
struct Acceptance {
  std::vector<Prefix> prefixes;
  std::set<std::string> services, faults;  // "*": any
  Duration longest = std::chrono::minutes(5);
  bool commands = false;
  PowerLoss power = PowerLoss::kRefused;
  Location prefixes_at, services_at, faults_at, longest_at, commands_at, power_at;
};

struct Policy {
  std::string file;  // "": of no file
  std::string host;  // "": not said
  std::string site;  // "": any
  std::string socket = "/run/blackstart/agent.sock";
  std::string state = "/var/lib/blackstart/agent";
  std::string metrics_listen = "127.0.0.1:9464";
  bool missing = false;              // there is no such file
  Location at;                       // of `spec`
  std::optional<Acceptance> accept;  // nullopt: nothing is accepted
  std::vector<ProtectedEntry> protect;
};

// Reads a file nobody but root and the caller can change (read_trusted_file). All its problems at
// once, by place.
[[nodiscard]] tl::expected<Policy, Problems> read_policy(const std::string& file);

// Of an agent whose file is not there: accepts nothing, and says so.
[[nodiscard]] Policy missing_policy(const std::string& file);

// Of a lab's agent, which has a network of its own and nothing else to lose: accepts everything.
[[nodiscard]] Policy lab_policy();

// kRefused, with the line that would have to change, unless the policy allows the order: its site, the
// kind and length of each fault, every service named, every command and every target of a packet rule. A
// fault that would only hit traffic this host protects is refused too, rather than armed for nothing, and so
// is one on a service or port of it that is protected. The order is well-formed (check_order).
[[nodiscard]] Result<> accept(const Policy& policy, const contract::Order& order);

// Whether command probes may run.
[[nodiscard]] Result<> accept(const Policy& policy, const contract::StartProbes& probes);

// Whether any order may kill processes or make them stand still: an agent keeps the rights to only then.
[[nodiscard]] bool accepts_process_faults(const Policy& policy);

// Adds link scope, port 22 and what the policy protects, where the order does not say so itself.
void add_protection(const Policy& policy, contract::Order& order);

}  // namespace blackstart
