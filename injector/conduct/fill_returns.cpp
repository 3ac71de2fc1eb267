// SPDX-License-Identifier: Apache-2.0
#include "injector/conduct/fill_returns.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>

namespace blackstart {
namespace {

using State = OutcomeReturn::State;

void add_what_was_planned(const Topology& topology, const std::vector<Returns::Coming>& planned,
                          OutcomeReturn& entry) {
  if (const auto host = topology.hosts.find(entry.host); host != topology.hosts.end())
    entry.site = host->second.site;
  if (const auto service = topology.services.find(entry.service); service != topology.services.end())
    entry.role = service->second.role;
  for (const Returns::Coming& each : planned) {
    if (each.instance.host != entry.host || each.instance.service != entry.service) continue;
    entry.stage = each.stage;
    entry.manual = each.instance.manual;
    entry.due = each.due;
    entry.asked = each.asked;
    if (each.sent != 0) entry.by = each.by;
  }
}

// Was there, and a fault took it away.
bool was_killed(const OutcomeReturn& each) {
  return each.state != State::kWasDown && each.state != State::kLeft;
}

// A later fault found it down because an earlier one of this run had killed it.
void drop_what_another_fault_killed(std::vector<OutcomeReturn>& instances) {
  std::set<std::pair<std::string, std::string>> killed;
  for (const OutcomeReturn& each : instances)
    if (each.state != State::kWasDown) killed.emplace(each.host, each.service);
  std::erase_if(instances, [&](const OutcomeReturn& each) {
    return each.state == State::kWasDown && killed.contains({each.host, each.service});
  });
}

void fill_rate(UnixNs from, OutcomeReturns& returns) {
  std::map<std::string, UnixNs> back;  // host → when its last instance was well; 0: one is not
  for (const OutcomeReturn& each : returns.instances) {
    if (!was_killed(each)) continue;
    const auto [host, first] = back.try_emplace(each.host, each.well);
    if (!first) host->second = host->second == 0 || each.well == 0 ? 0 : std::max(host->second, each.well);
  }
  std::erase_if(back, [](const auto& host) { return host.second == 0; });
  UnixNs last = 0;
  for (const auto& [host, well] : back) last = std::max(last, well);
  if (back.empty() || from == 0 || last <= from) return;
  constexpr double kFleet = 32000;
  returns.hosts_per_hour = static_cast<double>(back.size()) / (seconds(Duration(last - from)) / 3600);
  const double hours = kFleet / *returns.hosts_per_hour;
  returns.extrapolated_32000 = Duration(static_cast<int64_t>(hours * 3600e9));
}

// Those the plan foresaw.
void fill_cycles(const Plan& plan, OutcomeReturns& returns) {
  std::set<std::string> stuck, well;
  for (const OutcomeReturn& each : returns.instances) {
    if (each.state == State::kStarted) stuck.insert(each.service);
    if (each.state == State::kWell) well.insert(each.service);
  }
  for (const std::vector<std::string>& cycle : plan.cycles)
    if (std::all_of(cycle.begin(), cycle.end(), [&](const std::string& service) {
          return stuck.contains(service) && !well.contains(service);
        }))
      returns.cycles.push_back(cycle);
}

}  // namespace

void fill_returns(const Plan& plan, const Topology& topology, const std::vector<Returns::Coming>& planned,
                  const Reports& reports, const ImpactWatch::Checks& checks, const RunTimes& times,
                  Outcome& outcome) {
  OutcomeReturns& returns = outcome.returns;
  returns = {};
  for (const auto& [host, report] : reports)
    for (const contract::DownReport& down : report.down()) {
      returns.instances.push_back(way_back(down, host, checks));
      add_what_was_planned(topology, planned, returns.instances.back());
    }
  drop_what_another_fault_killed(returns.instances);
  std::stable_sort(returns.instances.begin(), returns.instances.end(),
                   [&](const OutcomeReturn& a, const OutcomeReturn& b) {
                     return std::tuple(a.stage == 0, a.stage, a.host, a.service) <
                            std::tuple(b.stage == 0, b.stage, b.host, b.service);
                   });
  fill_rate(times.reverted, returns);
  fill_cycles(plan, returns);
}

std::vector<std::string> never_well(const Outcome& outcome, const std::vector<Returns::Coming>& planned,
                                    const ImpactWatch::Checks& checks) {
  std::vector<std::string> names;
  for (const OutcomeReturn& each : outcome.returns.instances) {
    const bool given_up = std::any_of(planned.begin(), planned.end(), [&](const Returns::Coming& coming) {
      return coming.given_up && coming.instance.host == each.host && coming.instance.service == each.service;
    });
    if (each.state == State::kStarted && given_up && stays_bad(checks, each.service, each.host, each.started))
      names.push_back(each.service + " on " + each.host);
  }
  return names;
}

}  // namespace blackstart
