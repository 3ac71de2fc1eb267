// SPDX-License-Identifier: Apache-2.0
#include "agents/daemon/families.h"

#include <algorithm>

#include "agents/faults/cold_start/cold_starts.h"
#include "agents/faults/power/power_fault.h"
#include "agents/faults/traffic/traffic_fault.h"
#include "agents/kernel/cgroup.h"
#include "agents/runtime/crash_points.h"

namespace blackstart {
namespace {

// Where the reversed order of the test build kills.
constexpr Duration kAheadOfTheCut = std::chrono::milliseconds(-200);

// A lab's agent stands in the cgroup beside its host's services.
std::string services_cgroup() {
  const std::string own = own_cgroup();
  const size_t last = own.rfind('/');
  return own.starts_with("blackstart/") && own.ends_with("/agent") ? own.substr(0, last) + "/services" : "";
}

bool fires(const FaultFamily& traffic, const std::string& fault) {
  contract::HostReport report;
  traffic.observe(report);
  return std::any_of(report.faults().begin(), report.faults().end(), [&](const contract::FaultReport& each) {
    return each.id() == fault && each.state() == contract::FAULT_FIRING;
  });
}

std::unique_ptr<FaultFamily> make_power(const AgentOptions& options, StepLog& log,
                                        const FaultFamily& traffic) {
  PowerParts parts;
  parts.steps = &log;
  parts.keeper = options.keeper;
  if (options.lab) {
    parts.held_down = services_cgroup();
    parts.processes = lab_processes(*parts.held_down);
  } else {
    parts.refusal = "this version takes the power of lab hosts alone";
  }
  parts.start = [](const contract::Step::DownService& what) -> Result<> {
    return fail(ErrorKind::kMissing, "start", what.service());
  };
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
  auto cold_starts = ColdStarts::make(options.keeper);
  if (!cold_starts) return tl::unexpected(cold_starts.error());
  families.push_back(std::move(*cold_starts));
  return families;
}

ReapParts reap_parts() {
  return {.take_back = [](const contract::Step& step) { return take_back(step); },
          .sweep = [] { return sweep(); }};
}

}  // namespace blackstart
