// SPDX-License-Identifier: Apache-2.0
#include "injector/plan/returning.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "injector/topology/roles.h"

namespace blackstart {
namespace {

constexpr Duration kUntilWell = std::chrono::seconds(10);

bool loses_power(const Plan& plan, const std::string& host) {
  const auto order = plan.orders.find(host);
  return order != plan.orders.end() &&
         std::any_of(order->second.faults().begin(), order->second.faults().end(), [](const auto& fault) {
           return fault.has_process() && fault.process().act() == contract::ProcessFault::POWER_LOSS;
         });
}

}  // namespace

bool goes_by(const PlanReturn& instance, const std::string& name) {
  return !name.empty() && (name == instance.host || name == instance.site || name == instance.service ||
                           role_fits(name, instance.role));
}

std::vector<std::string> names_of_return(const std::vector<PlanReturn>& instances) {
  constexpr size_t kMostServices = 3;
  std::set<std::string> services, roles, sites;
  for (const PlanReturn& each : instances) {
    services.insert(each.service);
    roles.insert(each.role);
    sites.insert(each.site);
  }
  if (services.size() > kMostServices) services.clear();
  std::vector<std::string> names;
  for (const auto* of : {&services, &roles, &sites})
    for (const std::string& name : *of)
      if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  std::stable_partition(names.begin(), names.end(), [&](const std::string& name) {
    return std::all_of(instances.begin(), instances.end(),
                       [&](const PlanReturn& each) { return goes_by(each, name); });
  });
  return names;
}

std::string step_of_return(const Plan& plan, const PlanReturn& instance) {
  return loses_power(plan, instance.host) ? instance.host : instance.host + "/" + instance.service;
}

Duration expected_return(const Plan& plan, const Recovery& recovery) {
  Duration sum{0};
  for (const PlanStage& stage : plan.stages) {
    std::set<std::string> steps;
    for (const PlanReturn& instance : stage.instances) steps.insert(step_of_return(plan, instance));
    sum += kUntilWell;
    if (recovery.pace_per_second && !steps.empty())
      sum += Duration(std::llround(static_cast<double>(steps.size() - 1) / *recovery.pace_per_second * 1e9));
    if (std::any_of(stage.instances.begin(), stage.instances.end(),
                    [](const PlanReturn& instance) { return instance.manual; }))
      sum += recovery.within;
  }
  return sum;
}

Duration expected_length(const Plan& plan, const Experiment& experiment) {
  return experiment.steady_for + plan.end + expected_return(plan, experiment.recovery) +
         experiment.recovery.watch;
}

}  // namespace blackstart
