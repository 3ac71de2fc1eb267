// SPDX-License-Identifier: Apache-2.0
#include "injector/conduct/timeline.h"

#include <algorithm>

#include "injector/conduct/cold_starts.h"
#include "injector/conduct/preconditions.h"
#include "injector/conduct/records.h"

namespace blackstart {

std::map<std::string, std::vector<contract::Probe>> probes_by_host(const Experiment& experiment,
                                                                   const ImpactWatch& impact,
                                                                   const std::string& run) {
  std::map<std::string, std::vector<contract::Probe>> probes = record_writers(experiment, run);
  for (const ProbeSpec& spec : experiment.probes) probes[place_of(spec)].push_back(spec.probe);
  for (const Guard& guard : experiment.guards)
    if (guard.query) probes[place_of(*guard.query)].push_back(guard.query->probe);
  if (!impact.viewpoint().empty())
    for (const contract::Probe& check : impact.probes()) probes[impact.viewpoint()].push_back(check);
  return probes;
}

Duration end_of_faults(const Experiment& experiment, const Gates& gates) {
  Duration end{0};
  const Duration reach = gates.failed() ? gates.horizon() : Duration::max();
  for (const FaultSpec& fault : experiment.faults)
    if (fault.at < reach) end = std::max(end, fault.at + fault.duration);
  return end;
}

Duration end_of_hold(const Plan& plan, const Experiment& experiment, const Gates& gates,
                     const Reports& reports) {
  Duration end = end_of_faults(experiment, gates);
  if (cold_starts_under_way(plan, reports, gates.horizon()))
    for (const PlanColdStart& each : plan.cold_starts)
      if (each.at < gates.horizon()) end = std::max(end, each.at + each.within);
  return end;
}

}  // namespace blackstart
