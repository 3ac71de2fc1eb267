// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "injector/report/plan_report.h"
#include "injector/report/text.h"

namespace blackstart::report {
namespace {

std::string faults(const Plan& plan) {
  Table table;
  for (const PlanFault& fault : plan.faults)
    table.row({fault.id, fault.kind, since(fault.start) + " for " + format_duration(fault.end - fault.start),
               fault.what + (fault.at.line ? " (" + fault.at.text() + ")" : "")});
  return "Faults\n" + table.text();
}

std::string hosts(const Plan& plan) {
  // Site by site, and within it by what its hosts do.
  std::map<std::string, std::map<int, std::vector<std::string>>> sites;
  for (const PlanTarget& target : plan.targets)
    sites[target.site][target.target ? (target.enforces ? 0 : 1) : 2].push_back(target.host);
  Table table;
  for (const auto& [site, parts] : sites) {
    bool first = true;
    for (const auto& [part, names] : parts) {
      const char* what = part == 0   ? "cut, and drop packets"
                         : part == 1 ? "cut, untouched themselves"
                                     : "not cut, but drop packets";
      table.row({first ? site : "", plural(names.size(), "host"), what, compact(names)});
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
  out += "\n" + faults(plan) + "\n" + hosts(plan) + "\n" + impact(plan) + "\n" + single_site(plan) +
         untouched(plan) + "\n";
  out += bullets("Must be true before anything is touched", plan.preconditions);
  out += bullets("Windows", windows_text(plan.windows));
  out += bullets("Cannot be seen", plan.blind);
  out += bullets("Warnings", plan.warnings);
  return out + "Plan hash " + plan.hash + "\nNothing was written or touched.\n";
}

}  // namespace blackstart::report
