// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>
#include <vector>

#include "agents/contract/safety.h"
#include "agents/contract/wire.h"
#include "agents/policy/policy.h"

namespace blackstart {
namespace {

tl::unexpected<Error> refuse(const std::string& what, const std::string& hint) {
  return fail(ErrorKind::kRefused, "accept", what, 0, hint);
}

// "web.yaml:12": people look for lines, not for columns.
std::string line(const Location& at) {
  return Location{at.file, at.line, 0}.text();
}

tl::unexpected<Error> refuse_everything(const Policy& policy, const std::string& what) {
  if (policy.missing)
    return refuse(what, "there is no " + policy.file + ", so this host accepts nothing; it would have to " +
                            "say what, under spec.accept");
  return refuse(what, line(policy.at) + " has no `accept`, so this host accepts nothing");
}

bool allows(const std::set<std::string>& names, const std::string& name) {
  return names.contains("*") || names.contains(name);
}

template <typename List>
std::string listed(const List& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "nothing" : text;
}

std::vector<ProtectedEntry> everything_protected(const Policy& policy) {
  std::vector<ProtectedEntry> all = policy.protect;
  for (const Prefix& prefix : link_scope())
    all.push_back({.prefix = prefix, .why = "it never leaves a link"});
  all.push_back({.port = kSshPort, .why = "people must be able to log in"});
  return all;
}

// As it is named in a refusal: "port 22, which web.yaml:12 protects (people must be able to log in)".
std::string protected_by(const std::string& what, const ProtectedEntry& entry) {
  return what + ", which " + (entry.at.line ? line(entry.at) : "every agent") + " protects" +
         (entry.why.empty() ? "" : " (" + entry.why + ")");
}

bool covers(const ProtectedEntry& entry, const contract::PacketRule& rule) {
  if (entry.port)
    return rule.ports_size() > 0 && std::all_of(rule.ports().begin(), rule.ports().end(),
                                                [&](const auto& port) { return port.port() == *entry.port; });
  return entry.prefix && rule.peers_size() > 0 &&
         std::all_of(rule.peers().begin(), rule.peers().end(), [&](const auto& peer) {
           const auto prefix = from_wire(peer);
           return prefix && entry.prefix->contains(*prefix);
         });
}

Result<> accept_rule(const Policy& policy, const std::string& name, const contract::PacketRule& rule) {
  const Acceptance& accepted = *policy.accept;
  for (const auto& peer : rule.peers()) {
    const auto prefix = from_wire(peer);
    if (!prefix) return tl::unexpected(prefix.error());
    if (std::any_of(accepted.prefixes.begin(), accepted.prefixes.end(),
                    [&](const Prefix& wide) { return wide.contains(*prefix); }))
      continue;
    std::vector<std::string> texts;
    for (const Prefix& each : accepted.prefixes) texts.push_back(each.text());
    return refuse(name, line(accepted.prefixes_at) + " accepts " + listed(texts) + " as targets; " +
                            prefix->text() + (prefix->length == 0 ? ", that is everybody," : "") +
                            " would have to stand under spec.accept.prefixes");
  }
  for (const ProtectedEntry& entry : everything_protected(policy)) {
    if (!covers(entry, rule)) continue;
    const std::string what = entry.port ? "port " + std::to_string(*entry.port) : entry.prefix->text();
    return refuse(name, "all it would hit is " + protected_by(what, entry));
  }
  return {};
}

Result<> accept_target(const Policy& policy, const std::string& name, const contract::ProcessTarget& target) {
  const Acceptance& accepted = *policy.accept;
  if (!allows(accepted.services, target.service()))
    return refuse(name,
                  line(accepted.services_at) + " accepts " + listed(accepted.services) + "; " +
                      (target.service().empty() ? "processes of no service"
                                                : target.service() + " would have to stand there") +
                      (target.service().empty() ? " need \"*\" there" : ", under spec.accept.services"));
  if (target.command_size() > 0 && !accepted.commands)
    return refuse(name, "a command is to start " + target.service() + " again; " +
                            line(accepted.commands_at) + " accepts no commands (spec.accept.commands)");
  for (const ProtectedEntry& entry : everything_protected(policy)) {
    if (!entry.service.empty() && entry.service == target.service())
      return refuse(name, "it would hit " + protected_by("service " + entry.service, entry));
    if (entry.port && *entry.port == target.match().port())
      return refuse(name, "it would hit " + protected_by("port " + std::to_string(*entry.port), entry));
  }
  return {};
}

// A fault of these kinds is about services, so one that names none hides which.
bool is_about_services(const std::string& kind) {
  return kind == "storage-drop" || kind == "service-kill" || kind == "service-freeze";
}

// The last word on power: what it does here, and that it does so by its right name. A survivor's order names
// it too, for the packets of those who lose it.
Result<> accept_power(const Acceptance& accepted, const std::string& name, const contract::Fault& fault) {
  const bool loses = fault.has_process() && fault.process().act() == contract::ProcessFault::POWER_LOSS;
  const bool named = fault.kind().ends_with("-power-loss");
  if (loses && !named) return refuse(name, "it takes the power of this host under another name");
  if (named && !loses && (fault.has_process() || fault.rules().empty()))
    return refuse(name, "it says nothing of the processes of this host");
  if (loses && accepted.power == PowerLoss::kRefused)
    return refuse(name, line(accepted.power_at) +
                            " does not say what a loss of power does on this host; spec.accept.power would "
                            "have to be freeze, kill or poweroff");
  return {};
}

Result<> accept_fault(const Policy& policy, const contract::Fault& fault) {
  const Acceptance& accepted = *policy.accept;
  const std::string name = fault.kind() + " " + fault.id();
  if (!allows(accepted.faults, fault.kind()))
    return refuse(name, line(accepted.faults_at) + " accepts " + listed(accepted.faults) + "; " +
                            fault.kind() + " would have to stand under spec.accept.faults");
  if (fault.services().empty() && is_about_services(fault.kind()) && !accepted.services.contains("*"))
    return refuse(name, "it does not say which services it is aimed at; " + line(accepted.services_at) +
                            " accepts " + listed(accepted.services));
  for (const std::string& service : fault.services())
    if (!allows(accepted.services, service))
      return refuse(name, line(accepted.services_at) + " accepts " + listed(accepted.services) + "; " +
                              service + " would have to stand under spec.accept.services");
  if (auto ok = accept_power(accepted, name, fault); !ok) return ok;
  for (const auto& rule : fault.rules())
    if (auto ok = accept_rule(policy, name, rule); !ok) return ok;
  for (const auto& target : fault.process().targets())
    if (auto ok = accept_target(policy, name, target); !ok) return ok;
  return {};
}

// How long faults follow one another without a pause, at most: a long fault in pieces is a long fault.
Duration longest_stretch(const contract::Order& order) {
  std::vector<std::pair<int64_t, int64_t>> spans;
  for (const auto& fault : order.faults()) spans.emplace_back(fault.start_ns(), fault.end_ns());
  std::sort(spans.begin(), spans.end());
  int64_t longest = 0, begin = 0, end = INT64_MIN;
  for (const auto& [from, until] : spans) {
    if (from > end) begin = from;
    end = std::max(end, until);
    longest = std::max(longest, end - begin);
  }
  return Duration(longest);
}

}  // namespace

Result<> accept(const Policy& policy, const contract::Order& order) {
  const std::string what = "the order of run " + order.run();
  if (!policy.accept) return refuse_everything(policy, what);
  if (!policy.site.empty() && order.site() != policy.site)
    return refuse(what, "it is for a host of site " + (order.site().empty() ? "(none)" : order.site()) +
                            "; this host stands in " + policy.site + ", as " + policy.file + " says");
  for (const auto& fault : order.faults())
    if (auto ok = accept_fault(policy, fault); !ok) return ok;
  const Acceptance& accepted = *policy.accept;
  if (const Duration lasts = longest_stretch(order); lasts > accepted.longest)
    return refuse(what, "its faults last " + format_duration(lasts) + " without a pause; " +
                            line(accepted.longest_at) + " accepts at most " +
                            format_duration(accepted.longest) + " (spec.accept.longest)");
  return {};
}

Result<> accept(const Policy& policy, const contract::StartProbes& probes) {
  for (const auto& probe : probes.probes()) {
    if (!probe.has_command() || (policy.accept && policy.accept->commands)) continue;
    const std::string what = "the command of probe " + probe.name();
    if (!policy.accept) return refuse_everything(policy, what);
    return refuse(what, line(policy.accept->commands_at) + " accepts no commands (spec.accept.commands)");
  }
  return {};
}

bool accepts_process_faults(const Policy& policy) {
  if (!policy.accept) return false;
  for (const char* kind : {"*", "service-kill", "service-freeze", "host-power-loss", "site-power-loss"})
    if (policy.accept->faults.contains(kind)) return true;
  return false;
}

void add_protection(const Policy& policy, contract::Order& order) {
  contract::Protection& protection = *order.mutable_protection();
  for (const ProtectedEntry& entry : everything_protected(policy)) {
    if (!entry.service.empty()) {
      protection.add_processes()->set_service(entry.service);
    } else if (entry.process) {
      *protection.add_processes()->mutable_match() = *entry.process;
    } else if (entry.prefix) {
      contract::Prefix prefix;
      to_wire(*entry.prefix, &prefix);
      if (std::none_of(protection.peers().begin(), protection.peers().end(), [&](const auto& known) {
            return known.address() == prefix.address() && known.length() == prefix.length();
          }))
        *protection.add_peers() = prefix;
    } else if (std::none_of(protection.ports().begin(), protection.ports().end(), [&](const auto& known) {
                 return known.port() == *entry.port && known.protocol() == contract::PROTOCOL_ANY &&
                        known.side() == contract::SIDE_EITHER;
               })) {
      protection.add_ports()->set_port(*entry.port);
    }
  }
}

}  // namespace blackstart
