// SPDX-License-Identifier: Apache-2.0
#include "injector/plan/stages.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "injector/topology/roles.h"

namespace blackstart {
namespace {

using Waits = std::map<std::string, std::vector<std::string>>;  // service → services

constexpr char kNetwork[] = "network";

bool names(const std::vector<std::string>& stage, const std::string& role) {
  return std::any_of(stage.begin(), stage.end(),
                     [&](const std::string& wanted) { return role_fits(wanted, role); });
}

// What comes back, once, whatever killed it; waits for a person if one of the faults says so.
std::vector<PlanReturn> returning(const Topology& topology, const std::vector<ResolvedFault>& faults) {
  std::map<std::pair<std::string, std::string>, PlanReturn> all;  // host, service
  for (const ResolvedFault& fault : faults)
    for (const Victim& victim : fault.victims) {
      if (!victim.returns) continue;
      PlanReturn& back = all[{victim.host, victim.service}];
      back.host = victim.host;
      back.site = topology.hosts.at(victim.host).site;
      back.service = victim.service;
      back.role = victim.role;
      back.manual |= fault.spec->manual_return;
    }
  std::vector<PlanReturn> list;
  for (auto& [key, back] : all) list.push_back(std::move(back));
  std::stable_sort(list.begin(), list.end(), [](const PlanReturn& a, const PlanReturn& b) {
    return std::tie(a.site, a.host, a.service) < std::tie(b.site, b.host, b.service);
  });
  return list;
}

// Whether the instances that stay up while the faults last are enough for somebody who needs the service.
bool met_without(const Service& needed, Need::While reachable, const std::set<std::string>& down_on) {
  size_t up = 0;
  for (const Instance& instance : needed.instances) {
    const bool stays = !down_on.contains(instance.host);
    if (stays && instance.primary && reachable == Need::While::kPrimary) return true;
    up += stays;
  }
  if (reachable == Need::While::kPrimary) return false;
  return reachable == Need::While::kAny ? up > 0 : 2 * up > needed.instances.size();
}

// Who waits for whom: the services that have to come back before it can.
Waits waits_for(const Topology& topology, const std::vector<PlanStage>& stages) {
  std::map<std::string, std::set<std::string>> down_on;  // service → hosts
  for (const PlanStage& stage : stages)
    for (const PlanReturn& back : stage.instances) down_on[back.service].insert(back.host);
  Waits waits;
  for (const auto& [name, hosts] : down_on) {
    const auto service = topology.services.find(name);
    if (service == topology.services.end()) continue;
    for (const Need& need : service->second.needs) {
      const auto down = down_on.find(need.service);
      if (down != down_on.end() &&
          !met_without(topology.services.at(need.service), need.reachable, down->second))
        waits[name].push_back(need.service);
    }
  }
  return waits;
}

// A shortest way from the service back to itself.
std::vector<std::string> cycle_through(const std::string& service, const Waits& waits) {
  std::map<std::string, std::string> from;
  std::vector<std::string> open{service};
  for (size_t i = 0; i < open.size(); ++i) {
    const std::string at = open[i];
    const auto next = waits.find(at);
    if (next == waits.end()) continue;
    for (const std::string& needed : next->second) {
      if (needed == service) {
        std::vector<std::string> way{at};
        while (way.back() != service) way.push_back(from.at(way.back()));
        std::reverse(way.begin(), way.end());
        return way;
      }
      if (from.emplace(needed, at).second) open.push_back(needed);
    }
  }
  return {};
}

// Everybody behind the service, itself only if it is.
std::set<std::string> reached_from(const std::string& service, const Waits& waits) {
  std::set<std::string> seen;
  std::vector<std::string> open{service};
  while (!open.empty()) {
    const auto next = waits.find(open.back());
    open.pop_back();
    if (next == waits.end()) continue;
    for (const std::string& needed : next->second)
      if (seen.insert(needed).second) open.push_back(needed);
  }
  return seen;
}

std::string chain(const std::vector<std::string>& cycle) {
  std::string text;
  for (const std::string& service : cycle) text += service + " → ";
  return text + cycle.front();
}

}  // namespace

std::vector<PlanStage> stages_of(const Topology& topology, const Experiment& experiment,
                                 const std::vector<ResolvedFault>& faults) {
  std::vector<PlanReturn> left = returning(topology, faults);
  std::vector<PlanStage> stages;
  for (const std::vector<std::string>& roles : experiment.recovery.order) {
    PlanStage stage;
    for (const std::string& role : roles)
      if (role != kNetwork) stage.roles.push_back(role);
    const auto mine = std::stable_partition(
        left.begin(), left.end(), [&](const PlanReturn& back) { return !names(stage.roles, back.role); });
    stage.instances.assign(mine, left.end());
    left.erase(mine, left.end());
    if (!stage.instances.empty()) stages.push_back(std::move(stage));
  }
  if (!left.empty()) stages.push_back({{}, std::move(left)});
  return stages;
}

std::vector<std::vector<std::string>> start_up_cycles(const Topology& topology,
                                                      const std::vector<PlanStage>& stages) {
  const Waits waits = waits_for(topology, stages);
  Waits waited_for;
  for (const auto& [service, needed] : waits)
    for (const std::string& need : needed) waited_for[need].push_back(service);
  std::vector<std::vector<std::string>> cycles;
  std::set<std::string> told;
  for (const auto& [service, needed] : waits) {
    if (told.contains(service)) continue;
    const std::set<std::string> ahead = reached_from(service, waits);
    if (!ahead.contains(service)) continue;
    std::vector<std::string>& cycle = cycles.emplace_back(cycle_through(service, waits));
    const std::set<std::string> behind = reached_from(service, waited_for);
    for (const std::string& other : ahead)
      if (behind.contains(other) && std::find(cycle.begin(), cycle.end(), other) == cycle.end())
        cycle.push_back(other);
    told.insert(cycle.begin(), cycle.end());
  }
  return cycles;
}

std::vector<std::string> warnings_of_return(const Topology& topology,
                                            const std::vector<ResolvedFault>& faults,
                                            const std::vector<PlanStage>& stages,
                                            const std::vector<std::vector<std::string>>& cycles) {
  std::vector<std::string> out;
  const Waits waits = waits_for(topology, stages);
  std::map<std::string, size_t> knot_of;
  for (size_t i = 0; i < cycles.size(); ++i) {
    const std::vector<std::string> shortest = cycle_through(cycles[i].front(), waits);
    std::string others;
    for (const std::string& service : cycles[i]) {
      knot_of.emplace(service, i);
      if (std::find(shortest.begin(), shortest.end(), service) == shortest.end())
        others += (others.empty() ? "; caught with them: " : ", ") + service;
    }
    out.push_back("none of these starts before the next has: " + chain(shortest) + others);
  }
  std::map<std::string, size_t> stage_of;
  for (size_t i = 0; i < stages.size(); ++i)
    for (const PlanReturn& back : stages[i].instances) stage_of.emplace(back.service, i + 1);
  for (const auto& [service, needed] : waits)
    for (const std::string& need : needed)
      if (stage_of.at(service) < stage_of.at(need) &&
          !(knot_of.contains(service) && knot_of.contains(need) && knot_of.at(service) == knot_of.at(need)))
        out.push_back("recovery.order starts " + service + " before " + need + ", which it needs");
  std::set<std::string> left;
  for (const ResolvedFault& fault : faults)
    for (const Victim& victim : fault.victims)
      if (fault.act != contract::ProcessFault::FREEZE && !victim.returns &&
          fault.spec->restore != contract::RESTORE_NONE)
        left.insert((victim.service.empty() ? "processes" : victim.service) + " on " + victim.host);
  for (const std::string& what : left)
    out.push_back("nobody starts " + what + " again: say `restore`, or who owns them in the topology");
  return out;
}

}  // namespace blackstart
