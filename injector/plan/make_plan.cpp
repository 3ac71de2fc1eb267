// SPDX-License-Identifier: Apache-2.0
#include "injector/plan/make_plan.h"

#include <algorithm>

#include "injector/plan/cold_starts.h"
#include "injector/plan/limits.h"
#include "injector/plan/orders.h"
#include "injector/plan/plan_hash.h"
#include "injector/plan/predict.h"
#include "injector/plan/processes.h"
#include "injector/plan/protection.h"
#include "injector/plan/returning.h"
#include "injector/plan/separation.h"
#include "injector/plan/stages.h"
#include "injector/plan/warnings.h"

namespace blackstart {
namespace {

tl::expected<std::vector<ResolvedFault>, Problems> resolve_all(const Topology& topology,
                                                               const Experiment& experiment) {
  std::vector<ResolvedFault> faults;
  Problems problems;
  for (size_t i = 0; i < experiment.faults.size(); ++i) {
    auto fault = resolve_fault(topology, experiment, i);
    if (fault)
      faults.push_back(std::move(*fault));
    else
      problems.insert(problems.end(), fault.error().begin(), fault.error().end());
  }
  if (!problems.empty()) return tl::unexpected(problems);
  if (std::all_of(faults.begin(), faults.end(), [](const ResolvedFault& fault) { return !fault.touches(); }))
    return tl::unexpected(
        Problems{{Problem::Kind::kInvalid, Location{experiment.file, 0, 0},
                  "the timeline has no fault that touches anything", "add one under `timeline`"}});
  return faults;
}

// As far as can be said before an agent has tried: what auto takes if it can.
std::string engine_name(const ResolvedFault& fault, contract::Engine engine,
                        contract::Attachment attachment) {
  if (fault.act == contract::ProcessFault::FREEZE) return "freezer";
  if (fault.act == contract::ProcessFault::KILL) return fault.spec->hold_down ? "ebpf/exec" : "signal";
  const contract::Manner manner = fault.spec->manner;
  if (manner != contract::MANNER_SILENT) return "netfilter/inet";
  if (engine == contract::ENGINE_NETFILTER) return "netfilter/netdev";
  switch (attachment) {
    case contract::ATTACHMENT_TCX:
      return "ebpf/tcx";
    case contract::ATTACHMENT_CLSACT:
      return "ebpf/clsact";
    default:
      return "ebpf";
  }
}

std::vector<PlanTarget> targets_of(const Topology& topology, const std::vector<ResolvedFault>& faults,
                                   contract::Engine engine, contract::Attachment attachment) {
  std::vector<PlanTarget> list;
  for (const auto& [name, host] : topology.hosts) {
    PlanTarget target{name, host.site, false, false, {}};
    for (const ResolvedFault& fault : faults) {
      const bool enforces = std::any_of(
          fault.separations.begin(), fault.separations.end(), [&, &name = name](const Separation& each) {
            return each.inner.enforcers.contains(name) || each.outer.enforcers.contains(name);
          });
      const bool about_it = fault.targets.contains(name);
      if (!enforces && !about_it) continue;
      target.enforces |= enforces;
      target.target |= about_it;
      target.cut |= about_it && fault.cuts();
      target.powered_off |= about_it && fault.act == contract::ProcessFault::POWER_LOSS;
      target.faults.push_back({fault.id, fault.spec->kind, engine_name(fault, engine, attachment),
                               fault.spec->at, fault.spec->at + fault.spec->duration});
    }
    if (!target.faults.empty()) list.push_back(std::move(target));
  }
  std::stable_sort(list.begin(), list.end(),
                   [](const PlanTarget& a, const PlanTarget& b) { return a.site < b.site; });
  return list;
}

PlanFault shown(const Topology& topology, const ResolvedFault& fault,
                const std::vector<ProtectedVictim>& protected_ones) {
  PlanFault out{fault.id,
                fault.spec->kind,
                fault.what,
                {fault.targets.begin(), fault.targets.end()},
                fault.spec->at,
                fault.spec->at + fault.spec->duration,
                fault.spec->where,
                fault.act ? participle(*fault.act) : "",
                {}};
  for (const Victim& victim : fault.victims) {
    PlanProcess& process = out.processes.emplace_back();
    process = {victim.host,    topology.hosts.at(victim.host).site,
               victim.service, in_words(victim.target.match()),
               victim.returns, ""};
    for (const ProtectedVictim& each : protected_ones)
      if (each.victim == &victim || (!each.victim && each.fault == &fault && each.host == victim.host))
        process.unprotected = each.name;
  }
  return out;
}

std::string in_words(const Precondition& condition) {
  return condition.text + (condition.why.empty() ? "" : " (" + condition.why + ")");
}

}  // namespace

tl::expected<Plan, Problems> make_plan(const Topology& topology, const Experiment& experiment,
                                       const PlanOptions& options) {
  auto faults = resolve_all(topology, experiment);
  if (!faults) return tl::unexpected(faults.error());
  Problems problems = check_limits(topology, experiment, *faults);
  for (Problem& problem : check_protection(topology, experiment, *faults, options.ad_hoc))
    problems.push_back(std::move(problem));
  if (!problems.empty()) return tl::unexpected(problems);
  auto cold_starts = resolve_cold_starts(topology, experiment, *faults);
  if (!cold_starts) return tl::unexpected(cold_starts.error());
  const contract::Engine engine = options.engine.value_or(experiment.engine);
  auto orders = make_orders(topology, experiment, *faults, *cold_starts, engine, options.attachment);
  if (!orders) return tl::unexpected(orders.error());

  Plan plan;
  plan.experiment = experiment.name;
  plan.summary = experiment.summary;
  plan.topology = topology.name;
  std::set<std::string> cut;
  const std::vector<ProtectedVictim> protected_ones = protected_victims(topology, *faults);
  for (const ResolvedFault& fault : *faults) {
    plan.faults.push_back(shown(topology, fault, protected_ones));
    plan.end = std::max(plan.end, plan.faults.back().end);
    if (fault.cuts()) cut.insert(fault.targets.begin(), fault.targets.end());
  }
  plan.targets = targets_of(topology, *faults, engine, options.attachment);
  plan.orders = std::move(*orders);
  plan.untouched = untouched(topology, experiment);
  plan.predicted = predict(topology, plan.orders, cut);
  plan.single_site = single_site_dependencies(topology);
  if (experiment.no_incident) plan.preconditions.push_back(in_words(*experiment.no_incident));
  for (const Precondition& condition : experiment.preconditions)
    plan.preconditions.push_back(in_words(condition));
  plan.windows = experiment.windows;
  plan.stages = stages_of(topology, experiment, *faults);
  plan.cold_starts = *std::move(cold_starts);
  plan.cycles = start_up_cycles(topology, plan.stages);
  plan.length = expected_length(plan, experiment);
  plan.warnings = warnings(topology, experiment, *faults);
  for (std::string& warning : warnings_of_return(topology, *faults, plan.stages, plan.cycles))
    plan.warnings.push_back(std::move(warning));
  plan.blind = blind_spots(topology);
  plan.hash = plan_hash(plan);
  for (auto& [host, order] : plan.orders) order.set_plan_hash(plan.hash);
  return plan;
}

}  // namespace blackstart
