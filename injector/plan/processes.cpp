// SPDX-License-Identifier: Apache-2.0
#include "injector/plan/processes.h"

#include <algorithm>
#include <csignal>
#include <cstring>

#include "injector/experiment/select.h"
#include "injector/plan/select.h"

namespace blackstart {
namespace {

Problem invalid(const Location& at, std::string message, std::string hint) {
  return {Problem::Kind::kInvalid, at, std::move(message), std::move(hint)};
}

std::string few(const std::set<std::string>& names, const std::string& things) {
  if (names.size() > 3) return std::to_string(names.size()) + " " + things;
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// What runs already shares this machine with everything else: its processes have no cgroup of ours.
std::optional<Problem> not_attached(const Topology& topology, const FaultSpec& spec) {
  if (!topology.attached()) return std::nullopt;
  return Problem{Problem::Kind::kMissing, spec.where,
                 spec.kind + " on hosts that are attached is not available in this version",
                 "their network can be cut: site-blackhole, partition"};
}

bool lab_runs(const Topology& topology, const std::string& service) {
  return topology.lab && topology.lab->run.contains(service);
}

bool somebody_starts(const Topology& topology, const contract::ProcessTarget& target) {
  switch (target.restore()) {
    case contract::RESTORE_AUTO:
      return lab_runs(topology, target.service()) || !target.match().unit().empty();
    case contract::RESTORE_NONE:
      return false;
    default:
      return true;
  }
}

// Whether these processes are this instance's, as far as the topology tells: something fits and nothing
// contradicts.
bool means(const Topology& topology, const contract::ProcessMatch& match, const Service& service,
           const Instance& instance) {
  const ProcessMatch known = instance.process.value_or(ProcessMatch{});
  std::string exe = known.exe;
  if (exe.empty() && lab_runs(topology, service.name) && !topology.lab->run.at(service.name).command.empty())
    exe = topology.lab->run.at(service.name).command.front();
  bool fits = match.port() != 0 && instance.port == match.port();
  bool contradicts = match.port() != 0 && instance.port && !fits;
  const auto compare = [&](const std::string& wanted, const std::string& there) {
    if (wanted.empty() || there.empty()) return;
    (wanted == there ? fits : contradicts) = true;
  };
  compare(match.exe(), exe);
  compare(match.unit(), known.unit);
  compare(match.cgroup(), known.cgroup);
  compare(match.comm(), known.comm);
  return fits && !contradicts;
}

// Asks nothing of the fault's own restore but what it can be.
std::optional<Problem> add_victim(const Topology& topology, const Service* service, const Instance* instance,
                                  const std::string& host, contract::ProcessTarget target,
                                  ResolvedFault& fault) {
  const FaultSpec& spec = *fault.spec;
  target.set_restore(spec.restore);
  for (const std::string& word : spec.command) target.add_command(word);
  if (spec.restore == contract::RESTORE_UNIT && target.match().unit().empty())
    return invalid(
        spec.where,
        "restore: unit, but nobody says which unit " +
            (service ? service->name + " on " + host + " is" : "these processes on " + host + " are"),
        "write process: {unit: NAME} for the instance in the topology, or in the fault");
  Victim victim{.host = host, .target = std::move(target)};
  if (service) {
    victim.service = service->name;
    victim.role = service->role;
    victim.port = instance->port;
    fault.services.insert(service->name);
  }
  victim.returns = fault.act != contract::ProcessFault::FREEZE && somebody_starts(topology, victim.target);
  const std::string bytes = victim.target.SerializeAsString();
  if (std::none_of(fault.victims.begin(), fault.victims.end(), [&](const Victim& other) {
        return other.host == victim.host && other.target.SerializeAsString() == bytes;
      }))
    fault.victims.push_back(std::move(victim));
  return std::nullopt;
}

std::optional<Problem> resolve_on_hosts(const Topology& topology, const Experiment& experiment,
                                        ResolvedFault& fault) {
  auto hosts = select_hosts(topology, fault.spec->selector, experiment.seed);
  if (!hosts) return hosts.error();
  for (const std::string& host : *hosts) {
    contract::ProcessTarget target;
    *target.mutable_match() = *fault.spec->process;
    bool known = false;
    for (const auto& [name, service] : topology.services)
      for (const Instance& instance : service.instances) {
        if (instance.host != host || !means(topology, target.match(), service, instance)) continue;
        known = true;
        contract::ProcessTarget own = target;
        own.set_service(name);
        if (auto problem = add_victim(topology, &service, &instance, host, std::move(own), fault))
          return problem;
      }
    if (known) continue;
    if (auto problem = add_victim(topology, nullptr, nullptr, host, std::move(target), fault)) return problem;
  }
  return std::nullopt;
}

std::string key_of(const InstanceMatch& each) {
  return each.service->name + " on " + each.instance->host + ":" +
         std::to_string(each.instance->port.value_or(0));
}

std::optional<Problem> resolve_instances(const Topology& topology, const Experiment& experiment,
                                         ResolvedFault& fault) {
  const FaultSpec& spec = *fault.spec;
  if (spec.selector.empty())
    return invalid(spec.selector.at, "nothing is selected",
                   "name a service, role, tier, host, site, group or labels");
  const std::vector<InstanceMatch> all = matching_instances(spec.selector, topology);
  std::set<std::string> keys;
  for (const InstanceMatch& each : all) {
    const Site& site = topology.sites.at(topology.hosts.at(each.instance->host).site);
    if (site.outside) return outside_is_no_target(site, each.instance->host);
    keys.insert(key_of(each));
  }
  if (all.empty()) {
    const auto service = topology.services.find(spec.selector.service);
    const bool elsewhere = service != topology.services.end() && service->second.instances.empty();
    return invalid(spec.selector.at, "no instance of a service matches " + in_words(spec.selector),
                   elsewhere ? "service " + service->first + " has endpoints, and no instances with processes"
                             : "a fault without a target would prove nothing");
  }
  auto chosen = draw(keys, "instances", spec.selector, experiment.seed);
  if (!chosen) return chosen.error();
  for (const InstanceMatch& each : all) {
    if (!chosen->contains(key_of(each))) continue;
    auto target = target_of(topology, *each.service, *each.instance);
    if (spec.process) {
      target.emplace().set_service(each.service->name);
      *target->mutable_match() = *spec.process;
    } else if (topology.lab && !lab_runs(topology, each.service->name)) {
      return invalid(spec.where, "the lab does not run " + each.service->name + ", so it has no processes",
                     "say under lab.run how it is started, or select other services");
    } else if (!target) {
      return invalid(spec.where,
                     "nobody says which processes of " + each.instance->host + " are " + each.service->name,
                     "write process: {exe: PATH} (or unit, comm, cmdline, cgroup, user) or port: for the "
                     "instance at " +
                         each.instance->at.text());
    }
    if (auto problem =
            add_victim(topology, each.service, each.instance, each.instance->host, std::move(*target), fault))
      return problem;
  }
  return std::nullopt;
}

std::string what(const ResolvedFault& fault) {
  const FaultSpec& spec = *fault.spec;
  std::set<std::string> services, hosts;
  for (const Victim& victim : fault.victims) {
    hosts.insert(victim.host);
    services.insert(victim.service.empty() ? "processes (" + in_words(victim.target.match()) + ")"
                                           : victim.service);
  }
  std::string text = few(services, "services") + " " + participle(*fault.act) + " on " + few(hosts, "hosts");
  if (fault.act == contract::ProcessFault::KILL && spec.signal != SIGKILL)
    text += std::string(" with SIG") + sigabbrev_np(spec.signal);
  return text + (spec.hold_down ? ", and held down" : "");
}

}  // namespace

std::optional<contract::ProcessTarget> target_of(const Topology& topology, const Service& service,
                                                 const Instance& instance) {
  contract::ProcessTarget target;
  target.set_service(service.name);
  if (instance.process)
    *target.mutable_match() = to_wire(*instance.process);
  else if (!topology.lab && instance.port)
    target.mutable_match()->set_port(*instance.port);
  else if (!topology.lab)
    return std::nullopt;
  return target;
}

std::string in_words(const contract::ProcessMatch& match) {
  std::string text;
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) text += (text.empty() ? "" : ", ") + std::string(key) + " " + value;
  };
  add("exe", match.exe());
  add("comm", match.comm());
  add("cmdline", match.cmdline());
  add("unit", match.unit());
  add("port", match.port() ? std::to_string(match.port()) : "");
  add("cgroup", match.cgroup());
  add("user", match.user());
  return text.empty() ? "all it runs" : text;
}

const char* participle(contract::ProcessFault::Act act) {
  switch (act) {
    case contract::ProcessFault::FREEZE:
      return "frozen";
    case contract::ProcessFault::POWER_LOSS:
      return "powered off";
    default:
      return "killed";
  }
}

std::optional<Problem> resolve_processes(const Topology& topology, const Experiment& experiment,
                                         ResolvedFault& fault) {
  const FaultSpec& spec = *fault.spec;
  if (auto problem = not_attached(topology, spec)) return problem;
  fault.act =
      spec.what == FaultKind::kServiceFreeze ? contract::ProcessFault::FREEZE : contract::ProcessFault::KILL;
  const bool on_hosts = spec.process && !about_services(spec.selector);
  auto problem = on_hosts ? resolve_on_hosts(topology, experiment, fault)
                          : resolve_instances(topology, experiment, fault);
  if (problem) return problem;
  std::stable_sort(fault.victims.begin(), fault.victims.end(),
                   [](const Victim& a, const Victim& b) { return a.host < b.host; });
  for (const Victim& victim : fault.victims) fault.targets.insert(victim.host);
  fault.limited_hosts = fault.targets;
  fault.what = what(fault);
  return std::nullopt;
}

std::optional<Problem> resolve_power(const Topology& topology, ResolvedFault& fault) {
  if (auto problem = not_attached(topology, *fault.spec)) return problem;
  fault.act = contract::ProcessFault::POWER_LOSS;
  const std::set<std::string> aimed_at = fault.services;
  for (const std::string& host : fault.targets)
    for (const auto& [name, service] : topology.services)
      for (const Instance& instance : service.instances) {
        if (instance.host != host || (topology.lab && !lab_runs(topology, name))) continue;
        contract::ProcessTarget fallback;
        fallback.set_service(name);
        if (auto problem = add_victim(topology, &service, &instance, host,
                                      target_of(topology, service, instance).value_or(fallback), fault))
          return problem;
      }
  fault.services = aimed_at;  // hosts go dark, whatever runs on them
  return std::nullopt;
}

}  // namespace blackstart
