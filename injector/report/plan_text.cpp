// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "injector/report/plan_report.h"
#include "injector/report/text.h"

namespace blackstart::report {
namespace {

const std::string kUnknownService = "processes of no known service";

std::string faults(const Plan& plan) {
  Table table;
  for (const PlanFault& fault : plan.faults)
    table.row({fault.id, fault.kind, since(fault.start) + " for " + format_duration(fault.end - fault.start),
               fault.what + (fault.at.line ? " (" + fault.at.text() + ")" : "")});
  return "Faults\n" + table.text();
}

std::string processes(const Plan& plan) {
  Table table;
  for (const PlanFault& fault : plan.faults) {
    bool first = true;
    for (const std::string& line : victims_text(fault)) {
      table.row({first ? fault.id : "", first ? fault.act : "", line});
      first = false;
    }
  }
  return table.empty() ? "" : "Processes\n" + table.text() + "\n";
}

std::string places(const std::vector<PlanReturn>& instances) {
  std::map<std::string, std::vector<std::string>> hosts;  // by service
  for (const PlanReturn& back : instances) hosts[back.service].push_back(back.host);
  std::string text;
  for (const auto& [service, names] : hosts)
    text += (text.empty() ? "" : "; ") + (service.empty() ? kUnknownService : service) + " on " +
            compact(names, 6);
  return text;
}

std::string way_back(const Plan& plan) {
  std::map<std::string, std::vector<std::string>> left;  // service → hosts
  std::set<std::pair<std::string, std::string>> back;
  for (const PlanStage& stage : plan.stages)
    for (const PlanReturn& each : stage.instances) back.emplace(each.service, each.host);
  for (const PlanFault& fault : plan.faults)
    for (const PlanProcess& process : fault.processes)
      if (fault.act != "frozen" && !back.contains({process.service, process.host}))
        left[process.service.empty() ? kUnknownService : process.service].push_back(process.host);
  if (plan.stages.empty() && left.empty()) return "";
  Table table;
  table.row({"-", "network", "with the end of the faults"});
  size_t number = 0;
  for (const PlanStage& stage : plan.stages) {
    std::vector<PlanReturn> paced, manual;
    for (const PlanReturn& each : stage.instances) (each.manual ? manual : paced).push_back(each);
    std::string who = places(paced);
    if (!manual.empty())
      who += (who.empty() ? "" : "; ") + ("when somebody says `blackstart return`: " + places(manual));
    table.row({std::to_string(++number), stage.roles.empty() ? "all the rest" : joined(stage.roles), who});
  }
  for (const auto& [service, hosts] : left) table.row({"-", "stays down", service + " on " + compact(hosts)});
  return "Comes back\n" + table.text() + "\n";
}

std::string cold_starts(const Plan& plan) {
  Table table;
  for (const PlanColdStart& start : plan.cold_starts)
    table.row({start.id, since(start.at),
               "a fresh " + start.service + " on " + start.host + " in " + start.site +
                   ", to be ready within " + format_duration(start.within)});
  return table.empty() ? "" : "Cold starts\n" + table.text() + "\n";
}

// What a host goes through, worst first.
enum class Part { kDark, kCut, kCutFromAfar, kProcesses, kEnforces };

Part part_of(const PlanTarget& target) {
  if (target.powered_off) return Part::kDark;
  if (target.cut) return target.enforces ? Part::kCut : Part::kCutFromAfar;
  return target.target ? Part::kProcesses : Part::kEnforces;
}

const char* in_words(Part part) {
  switch (part) {
    case Part::kDark:
      return "cut, and powered off";
    case Part::kCut:
      return "cut, and drop packets";
    case Part::kCutFromAfar:
      return "cut, untouched themselves";
    case Part::kProcesses:
      return "not cut, but lose processes";
    case Part::kEnforces:
      break;
  }
  return "not cut, but drop packets";
}

std::string hosts(const Plan& plan) {
  // Site by site, and within it by what its hosts do.
  std::map<std::string, std::map<Part, std::vector<std::string>>> sites;
  for (const PlanTarget& target : plan.targets) sites[target.site][part_of(target)].push_back(target.host);
  Table table;
  for (const auto& [site, parts] : sites) {
    bool first = true;
    for (const auto& [part, names] : parts) {
      table.row({first ? site : "", plural(names.size(), "host"), in_words(part), compact(names)});
      first = false;
    }
  }
  return "Hosts\n" + table.text();
}

std::string impact(const Plan& plan) {
  std::string out = "What will break\n";
  Table table;
  std::vector<std::string> unaffected;
  for (const Impact wanted : {Impact::kDown, Impact::kDegraded})
    for (const auto& [service, predicted] : plan.predicted) {
      if (predicted.impact != wanted) continue;
      table.row({cell(impact_name(wanted), 10), service,
                 predicted.because.empty() ? "" : predicted.because.front()});
      for (size_t i = 1; i < predicted.because.size(); ++i) table.row({"", "", predicted.because[i]});
    }
  for (const auto& [service, predicted] : plan.predicted)
    if (predicted.impact == Impact::kUnaffected) unaffected.push_back(service);
  if (plan.predicted.empty()) return out + "  unknown: the topology declares no services\n";
  out += table.empty() ? "  nothing, as far as needs are declared\n" : table.text();
  if (!unaffected.empty()) out += wrapped("  unaffected  ", joined(unaffected));
  return out;
}

std::string single_site(const Plan& plan) {
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> needed_by;  // site, dependency
  for (const SingleSiteDependency& each : plan.single_site)
    needed_by[{each.site, each.dependency}].push_back(each.service);
  if (needed_by.empty()) return "";
  Table table;
  for (const auto& [where, services] : needed_by)
    table.row({where.second, "only in " + where.first, "needed by " + compact(services)});
  return "Stands in one site alone, cut or not\n" + table.text() + "\n";
}

std::string untouched(const Plan& plan) {
  Table table;
  for (const Untouched& entry : plan.untouched)
    table.row({entry.what, entry.why + (entry.at.line ? " (" + entry.at.text() + ")" : "")});
  return "Will not be touched\n" + table.text();
}

std::string bullets(const std::string& title, const std::vector<std::string>& lines) {
  if (lines.empty()) return "";
  std::string out = title + "\n";
  for (const std::string& line : lines) out += wrapped("  - ", line);
  return out + "\n";
}

}  // namespace

std::vector<std::string> victims_text(const PlanFault& fault) {
  using Key = std::tuple<std::string, std::string, std::string>;  // service, how, why they are hit
  std::map<Key, std::vector<std::string>> victims;
  for (const PlanProcess& process : fault.processes)
    victims[{process.service, process.how, process.unprotected}].push_back(process.host);
  std::vector<std::string> lines;
  for (const auto& [key, hosts] : victims) {
    const auto& [service, how, unprotected] = key;
    lines.push_back((service.empty() ? kUnknownService : service) + " on " + compact(hosts) + ": " + how +
                    (unprotected.empty() ? "" : "; protected, and named in unprotect: " + unprotected));
  }
  return lines;
}

std::vector<std::string> windows_text(const Windows& windows) {
  std::vector<std::string> lines;
  const auto add = [&](const char* what, const std::vector<TimeWindow>& list) {
    std::vector<std::string> texts;
    for (const TimeWindow& window : list) texts.push_back(window.text);
    if (!texts.empty()) lines.push_back(what + joined(texts) + ", by the clock of " + windows.zone);
  };
  add("only in ", windows.allowed);
  add("never in ", windows.blocked);
  return lines;
}

std::string plan_text(const Plan& plan) {
  std::string out = "Plan: " + plan.experiment + (plan.topology.empty() ? "" : " on " + plan.topology) +
                    ", over after " + format_duration(plan.end) + "\n";
  if (!plan.summary.empty()) out += wrapped("  ", plan.summary);
  out += "\n" + faults(plan) + "\n" + processes(plan) + cold_starts(plan) + hosts(plan) + "\n" +
         impact(plan) + "\n" + single_site(plan) + way_back(plan) + untouched(plan) + "\n";
  out += bullets("Must be true before anything is touched", plan.preconditions);
  out += bullets("Windows", windows_text(plan.windows));
  out += bullets("Cannot be seen", plan.blind);
  out += bullets("Warnings", plan.warnings);
  return out + "Plan hash " + plan.hash + "\nNothing was written or touched.\n";
}

}  // namespace blackstart::report
