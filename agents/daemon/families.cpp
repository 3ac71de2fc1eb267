// SPDX-License-Identifier: Apache-2.0
#include "agents/daemon/families.h"

#include <algorithm>

#include "agents/faults/cold_start/cold_starts.h"
#include "agents/faults/power/power_fault.h"
#include "agents/faults/process/process_family.h"
#include "agents/faults/process/process_residue.h"
#include "agents/faults/process/restart.h"
#include "agents/faults/traffic/traffic_fault.h"
#include "agents/kernel/sock_destroy.h"
#include "agents/runtime/crash_points.h"

namespace blackstart {
namespace {

// Where the reversed order of the test build kills.
constexpr Duration kAheadOfTheCut = std::chrono::milliseconds(-200);

bool fires(const FaultFamily& traffic, const std::string& fault) {
  contract::HostReport report;
  traffic.observe(report);
  return std::any_of(report.faults().begin(), report.faults().end(), [&](const contract::FaultReport& each) {
    return each.id() == fault && each.state() == contract::FAULT_FIRING;
  });
}

void take_machine(PowerLoss power, StepLog& log, PowerParts& parts) {
  switch (power) {
    case PowerLoss::kRefused:
      parts.refusal = "its configuration does not say what a loss of power does here (spec.accept.power)";
      break;
    case PowerLoss::kFreeze:
      parts.processes = frozen_machine(&log);
      break;
    case PowerLoss::kKill:
      parts.processes = killed_machine();
      parts.held_down = "";
      break;
    case PowerLoss::kPowerOff:
      parts.processes = switched_off_machine();
      break;
  }
}

std::unique_ptr<FaultFamily> make_power(const AgentOptions& options, StepLog& log,
                                        const FaultFamily& traffic) {
  PowerParts parts;
  parts.steps = &log;
  parts.keeper = options.keeper;
  if (options.lab) {
    parts.held_down = ProcessScope::of_agent(true).cgroup;
    parts.processes = lab_processes(*parts.held_down);
  } else {
    take_machine(options.policy.accept ? options.policy.accept->power : PowerLoss::kRefused, log, parts);
  }
  parts.start = start_again;
  parts.cut_in_force = [&traffic](const std::string& fault) { return fires(traffic, fault); };
  if (switched_off(Mechanism::kNetworkFirst)) {
    parts.behind_the_cut = kAheadOfTheCut;
    parts.cut_in_force = [](const std::string&) { return true; };
  }
  parts.end_sockets = !switched_off(Mechanism::kEndSockets);
  return std::make_unique<PowerFault>(std::move(parts));
}

}  // namespace

Result<std::vector<std::unique_ptr<FaultFamily>>> make_families(const AgentOptions& options, StepLog& log) {
  std::vector<std::unique_ptr<FaultFamily>> families;
  auto traffic = TrafficFault::make({.steps = &log});
  if (!traffic) return tl::unexpected(traffic.error());
  families.push_back(std::move(*traffic));
  families.push_back(make_power(options, log, *families.front()));
  auto processes =
      ProcessFamily::make({.steps = &log,
                           .scope = ProcessScope::of_agent(options.lab),
                           .keeper = options.keeper,
                           .commands = options.policy.accept && options.policy.accept->commands});
  if (!processes) return tl::unexpected(processes.error());
  families.push_back(std::move(*processes));
  auto cold_starts = ColdStarts::make(options.keeper);
  if (!cold_starts) return tl::unexpected(cold_starts.error());
  families.push_back(std::move(*cold_starts));
  return families;
}

ReapParts reap_parts(bool lab) {
  return {.take_back =
              [](const contract::Step& step) {
                return step.has_clsact_qdisc() || step.has_clsact_filter() ? take_back(step)
                                                                           : take_back_process(step);
              },
          .sweep = [lab]() -> Result<int> {
            const auto filters = sweep();
            const auto cgroups = sweep_processes(ProcessScope::of_agent(lab));
            if (!filters) return filters;
            if (!cgroups) return cgroups;
            return *filters + *cgroups;
          }};
}

FeatureReport family_features() {
  FeatureReport all = probe_features();
  for (Feature& feature : probe_process_features()) all.push_back(std::move(feature));
  all.push_back(probe_sock_destroy());
  return all;
}

}  // namespace blackstart
