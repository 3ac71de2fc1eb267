// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "injector/report/plan_report.h"

namespace blackstart::report {

using nlohmann::json;

namespace {

json texts(const std::vector<TimeWindow>& windows) {
  json out = json::array();
  for (const TimeWindow& window : windows) out.push_back(window.text);
  return out;
}

json windows(const Windows& windows) {
  if (!windows.any()) return nullptr;
  return {{"zone", windows.zone}, {"allowed", texts(windows.allowed)}, {"blocked", texts(windows.blocked)}};
}

json processes(const PlanFault& fault) {
  json out = json::array();
  for (const PlanProcess& process : fault.processes)
    out.push_back({{"host", process.host},
                   {"site", process.site},
                   {"service", process.service},
                   {"how", process.how},
                   {"returns", process.returns},
                   {"unprotected", process.unprotected}});
  return out;
}

json stages(const Plan& plan) {
  json out = json::array();
  for (const PlanStage& stage : plan.stages) {
    json instances = json::array();
    for (const PlanReturn& back : stage.instances)
      instances.push_back({{"host", back.host},
                           {"site", back.site},
                           {"service", back.service},
                           {"role", back.role},
                           {"manual", back.manual}});
    out.push_back({{"roles", stage.roles}, {"instances", std::move(instances)}});
  }
  return out;
}

json cold_starts(const Plan& plan) {
  json out = json::array();
  for (const PlanColdStart& start : plan.cold_starts)
    out.push_back({{"id", start.id},
                   {"service", start.service},
                   {"host", start.host},
                   {"site", start.site},
                   {"at", seconds(start.at)},
                   {"within", seconds(start.within)}});
  return out;
}

}  // namespace

json plan_json(const Plan& plan) {
  json out{{"kind", "Plan"},
           {"experiment", plan.experiment},
           {"summary", plan.summary},
           {"topology", plan.topology},
           {"hash", plan.hash},
           {"end", seconds(plan.end)},
           {"faults", json::array()},
           {"targets", json::array()},
           {"untouched", json::array()},
           {"predicted", {{"services", json::object()}, {"singleSite", json::array()}}},
           {"stages", stages(plan)},
           {"coldStarts", cold_starts(plan)},
           {"cycles", plan.cycles},
           {"requires", plan.preconditions},
           {"windows", windows(plan.windows)},
           {"length", seconds(plan.length)},
           {"warnings", plan.warnings},
           {"blind", plan.blind}};
  for (const PlanFault& fault : plan.faults)
    out["faults"].push_back({{"id", fault.id},
                             {"kind", fault.kind},
                             {"what", fault.what},
                             {"targets", fault.targets},
                             {"start", seconds(fault.start)},
                             {"end", seconds(fault.end)},
                             {"act", fault.act},
                             {"processes", processes(fault)}});
  for (const PlanTarget& target : plan.targets) {
    json faults = json::array();
    for (const PlanTargetFault& fault : target.faults)
      faults.push_back({{"id", fault.id},
                        {"kind", fault.kind},
                        {"start", seconds(fault.start)},
                        {"end", seconds(fault.end)},
                        {"engine", fault.engine}});
    out["targets"].push_back({{"host", target.host},
                              {"site", target.site},
                              {"target", target.target},
                              {"enforces", target.enforces},
                              {"cut", target.cut},
                              {"poweredOff", target.powered_off},
                              {"faults", std::move(faults)}});
  }
  for (const Untouched& entry : plan.untouched)
    out["untouched"].push_back(
        {{"what", entry.what},
         {"why", entry.why},
         {"at", entry.at.line ? json(Location{entry.at.file, entry.at.line}.text()) : json(nullptr)}});
  for (const auto& [service, predicted] : plan.predicted)
    out["predicted"]["services"][service] = {{"impact", impact_name(predicted.impact)},
                                             {"because", predicted.because}};
  for (const SingleSiteDependency& each : plan.single_site)
    out["predicted"]["singleSite"].push_back({{"service", each.service},
                                              {"dependency", each.dependency},
                                              {"site", each.site},
                                              {"evidence", each.evidence}});
  return out;
}

}  // namespace blackstart::report
