// SPDX-License-Identifier: Apache-2.0
#include "agents/runtime/check_order.h"

#include <algorithm>
#include <csignal>
#include <set>
#include <tuple>

#include "agents/contract/wire.h"

namespace blackstart {
namespace {

// Far above what a plan for a real site holds; what they cost an agent stays below 100 MB.
constexpr int kMostFaults = 64, kMostSites = 1'024, kMostLeaks = 8'192, kMostPorts = 256;
constexpr uint32_t kLastSignal = 64;
constexpr int kMostTargets = 256, kMostColdStarts = 64, kMostWords = 64;
// Of offsets from T0; sums of moments cannot overflow either.
constexpr Duration kLongestRun = std::chrono::hours(24 * 7);
constexpr size_t kMostPrefixes = 250'000, kLongestName = 128;
// Of what processes are found by, and of an argument of a command.
constexpr size_t kLongestComm = 15, kLongestExpression = 256, kLongestPath = 1'024;

tl::unexpected<Error> refuse(const std::string& what, const std::string& hint) {
  return fail(ErrorKind::kRefused, "accept", what, 0, hint);
}

Result<> at_most(int count, int most, const std::string& things) {
  if (count <= most) return {};
  return refuse("the order",
                "it has " + std::to_string(count) + " " + things + "; the most is " + std::to_string(most));
}

// Names end up in file names, logs and metrics.
Result<> check_name(const std::string& name, const std::string& of) {
  const auto bad = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '/' || c == 0x7f; };
  if (name.size() > kLongestName)
    return refuse("the order",
                  "the name of its " + of + " is longer than " + std::to_string(kLongestName) + " bytes");
  if (std::any_of(name.begin(), name.end(), bad) || name == "." || name == "..")
    return refuse("the order", "the name of its " + of + " holds what no name may");
  return {};
}

// Reads every prefix of the order once, and counts them.
class PrefixCheck {
 public:
  template <typename Prefixes>
  Result<> operator()(const Prefixes& prefixes) {
    count_ += static_cast<size_t>(prefixes.size());
    if (count_ > kMostPrefixes)
      return refuse("the order", "it has more than " + std::to_string(kMostPrefixes) + " prefixes");
    for (const auto& prefix : prefixes)
      if (auto read = from_wire(prefix); !read) return tl::unexpected(read.error());
    return {};
  }

 private:
  size_t count_ = 0;
};

Result<> check_ports(const google::protobuf::RepeatedPtrField<contract::PortMatch>& ports,
                     const std::string& of) {
  if (auto ok = at_most(ports.size(), kMostPorts, "ports in one place"); !ok) return ok;
  for (const auto& port : ports)
    if (port.port() == 0 || port.port() > 65535)
      return refuse(of, "port " + std::to_string(port.port()) + " is none");
  return {};
}

Result<> check_text(const std::string& text, size_t longest, const std::string& of) {
  const auto bad = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; };
  if (text.size() > longest)
    return refuse("the order",
                  "the " + of + " of a process is longer than " + std::to_string(longest) + " bytes");
  if (std::any_of(text.begin(), text.end(), bad))
    return refuse("the order", "the " + of + " of a process holds what none may");
  return {};
}

Result<> check_path(const std::string& path, bool absolute, const std::string& of) {
  if (auto ok = check_text(path, kLongestPath, of); !ok) return ok;
  if (path.empty()) return {};
  const bool climbs = ("/" + path + "/").find("/../") != std::string::npos;
  if (climbs || path.starts_with('/') != absolute)
    return refuse("the order", "the " + of + " of a process, " + path + ", is no path from the root");
  return {};
}

Result<> check_match(const contract::ProcessMatch& match) {
  if (auto ok = check_path(match.exe(), true, "exe"); !ok) return ok;
  if (auto ok = check_path(match.cgroup(), false, "cgroup"); !ok) return ok;
  for (const auto& [text, longest, of] : {std::tuple{&match.comm(), kLongestComm, "comm"},
                                          {&match.cmdline(), kLongestExpression, "cmdline"},
                                          {&match.unit(), kLongestName, "unit"},
                                          {&match.user(), kLongestName, "user"}})
    if (auto ok = check_text(*text, longest, of); !ok) return ok;
  if (match.port() > 65535)
    return refuse("the order", "port " + std::to_string(match.port()) + " of a process is none");
  return {};
}

Result<> check_targets(const google::protobuf::RepeatedPtrField<contract::ProcessTarget>& targets) {
  if (auto ok = at_most(targets.size(), kMostTargets, "targets among processes"); !ok) return ok;
  for (const auto& target : targets) {
    if (auto ok = check_name(target.service(), "services"); !ok) return ok;
    if (auto ok = check_match(target.match()); !ok) return ok;
    if (auto ok = at_most(target.command_size(), kMostWords, "words in one command"); !ok) return ok;
    for (const std::string& word : target.command())
      if (word.size() > kLongestPath || word.find('\0') != std::string::npos)
        return refuse("the order", "a word of the command for " + target.service() + " is none");
  }
  return {};
}

// What stops a process and leaves it so is a freeze, which has an end; a kill is not.
bool stops(uint32_t signal) {
  return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

Result<> check_process_fault(const contract::Fault& fault, const std::string& name) {
  if (!fault.has_process()) return {};
  const contract::ProcessFault& process = fault.process();
  // The kind is what a host accepts or not: it has to be what is done.
  const std::string& kind = fault.kind();
  const bool fits = process.act() == contract::ProcessFault::KILL     ? kind == "service-kill"
                    : process.act() == contract::ProcessFault::FREEZE ? kind == "service-freeze"
                    : process.act() == contract::ProcessFault::POWER_LOSS
                        ? kind == "site-power-loss" || kind == "host-power-loss"
                        : false;
  if (!fits) return refuse(name, "what it does to processes is not what its kind says");
  if (process.signal() > kLastSignal || stops(process.signal()))
    return refuse(name, "signal " + std::to_string(process.signal()) + " is none that kills");
  return check_targets(process.targets());
}

Result<> check_cold_start(const contract::ColdStart& start) {
  if (auto ok = check_name(start.id(), "cold starts"); !ok) return ok;
  if (auto ok = check_name(start.service(), "services"); !ok) return ok;
  if (start.start_ns() < 0 || start.end_ns() <= start.start_ns() || start.end_ns() > kLongestRun.count())
    return refuse("cold start " + start.id(), "it has no end within a week after T0");
  return {};
}

Result<> check_fault(const contract::Fault& fault, PrefixCheck& check_prefixes) {
  if (auto ok = check_name(fault.kind(), "faults' kinds"); !ok) return ok;
  if (auto ok = check_name(fault.id(), "faults"); !ok) return ok;
  const std::string name = fault.kind() + " " + fault.id();
  if (fault.start_ns() < 0 || fault.end_ns() <= fault.start_ns())
    return refuse(name, "it has no end behind its start");
  if (fault.end_ns() - fault.start_ns() > kLongestFault.count())
    return refuse(name, "the longest fault allowed is 12h");
  if (fault.end_ns() > kLongestRun.count()) return refuse(name, "it ends more than a week after T0");
  if (auto ok = at_most(fault.services_size(), kMostSites, "services in one fault"); !ok) return ok;
  for (const std::string& service : fault.services())
    if (auto ok = check_name(service, "services"); !ok) return ok;
  if (auto ok = check_process_fault(fault, name); !ok) return ok;
  for (const auto& rule : fault.rules()) {
    if (auto ok = check_prefixes(rule.peers()); !ok) return ok;
    if (auto ok = check_prefixes(rule.except()); !ok) return ok;
    if (auto ok = check_ports(rule.ports(), name); !ok) return ok;
  }
  return {};
}

Result<> check_identity(const contract::Order& order, const std::string& own_host) {
  if (order.run().empty()) return refuse("the order", "it names no run");
  if (auto ok = check_name(order.run(), "run"); !ok) return ok;
  if (auto ok = check_name(order.experiment(), "experiment"); !ok) return ok;
  if (order.host() != own_host) return refuse("the order for " + order.host(), "this host is " + own_host);
  if (!order.hold() && order.lease_ns() <= 0) return refuse("the order", "it has no lease and does not hold");
  if (order.lease_ns() > kLongestFault.count())
    return refuse("the order", "its lease is longer than the longest fault allowed, 12h");
  return {};
}

Result<> check_sizes(const contract::Order& order) {
  int rules = 0, targets = 0;
  for (const auto& fault : order.faults()) {
    rules += fault.rules_size();
    targets += fault.process().targets_size();
  }
  for (const auto& [count, most, things] : {std::tuple{order.faults_size(), kMostFaults, "faults"},
                                            {rules, kMaxRules, "packet rules"},
                                            {order.sites_size(), kMostSites, "sites"},
                                            {order.leaks_size(), kMostLeaks, "leak watches"},
                                            {targets, kMostTargets, "targets among processes"},
                                            {order.cold_starts_size(), kMostColdStarts, "cold starts"}})
    if (auto ok = at_most(count, most, things); !ok) return ok;
  return {};
}

}  // namespace

Result<> check_order(const contract::Order& order, const std::string& own_host) {
  if (auto ok = check_identity(order, own_host); !ok) return ok;
  if (auto ok = check_sizes(order); !ok) return ok;
  PrefixCheck check_prefixes;
  std::set<std::string> ids;
  for (const auto& fault : order.faults()) {
    if (!ids.insert(fault.id()).second) return refuse("the order", "two faults are called " + fault.id());
    if (auto ok = check_fault(fault, check_prefixes); !ok) return ok;
  }
  for (const auto& site : order.sites()) {
    if (auto ok = check_name(site.name(), "sites"); !ok) return ok;
    if (auto ok = check_prefixes(site.prefixes()); !ok) return ok;
  }
  for (const auto& leak : order.leaks()) {
    for (const auto* prefixes : {&leak.sources(), &leak.sources_except(), &leak.destinations()})
      if (auto ok = check_prefixes(*prefixes); !ok) return ok;
    if (leak.start_ns() < 0 || leak.end_ns() < leak.start_ns() || leak.end_ns() > kLongestRun.count())
      return refuse("the leak watch of " + leak.fault(), "it has no end within a week after T0");
    if (auto ok = check_ports(leak.ports(), "leak watch of " + leak.fault()); !ok) return ok;
  }
  for (const auto& start : order.cold_starts())
    if (auto ok = check_cold_start(start); !ok) return ok;
  if (auto ok = check_ports(order.protection().ports(), "the order's protection"); !ok) return ok;
  if (auto ok = check_targets(order.protection().processes()); !ok) return ok;
  return check_prefixes(order.protection().peers());
}

Result<contract::Order> admit(const contract::Order& order, const std::string& own_host,
                              const Policy& policy) {
  if (auto ok = check_order(order, own_host); !ok) return tl::unexpected(ok.error());
  if (auto ok = accept(policy, order); !ok) return tl::unexpected(ok.error());
  contract::Order admitted = order;
  add_protection(policy, admitted);
  return admitted;
}

}  // namespace blackstart
