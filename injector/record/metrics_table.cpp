// SPDX-License-Identifier: Apache-2.0
#include "injector/record/metrics_table.h"

#include <limits>
#include <set>

#include "injector/record/score.h"

namespace blackstart {
namespace {

using Samples = std::vector<MetricSample>;

// The phase a run is in; nullptr: it is over.
const OutcomePhase* current_phase(const Outcome& outcome) {
  return outcome.phases.empty() || outcome.phases.back().end != 0 ? nullptr : &outcome.phases.back();
}

Samples run_phase(const Outcome& outcome) {
  const OutcomePhase* phase = current_phase(outcome);
  if (!phase) return {};
  return {{{{"phase", phase->phase}}, 1}};
}

Samples one_hot(const Outcome& outcome, Verdict actual) {
  if (current_phase(outcome)) return {};
  Samples out;
  for (const Verdict verdict : {Verdict::kPass, Verdict::kFail, Verdict::kAborted, Verdict::kInconclusive,
                                Verdict::kStranded, Verdict::kError})
    out.push_back({{{"verdict", verdict_name(verdict)}}, verdict == actual ? 1.0 : 0.0});
  return out;
}

Samples if_known(const Outcome& outcome, std::optional<double> value) {
  if (!value) return {};
  return {{{{"experiment", outcome.experiment}}, *value}};
}

// A number of services means something once somebody looked at one.
Samples of_score(const Outcome& outcome, std::vector<std::string> PredictionScore::*services) {
  const PredictionScore all = score(outcome);
  if (all.unknown.size() + all.hurt_before.size() == outcome.services.size()) return {};
  return if_known(outcome, static_cast<double>((all.*services).size()));
}

struct Basis {
  const char* name;
  Impact (*impact)(const OutcomeService& service);
};
constexpr Basis kBases[]{
    {"predicted", [](const OutcomeService& service) { return service.predicted.impact; }},
    {"observed", [](const OutcomeService& service) { return service.observed; }}};

Samples service_impact(const Outcome& outcome) {
  Samples out;
  for (const auto& [name, service] : outcome.services)
    for (const Basis& basis : kBases)
      out.push_back({{{"service", name}, {"tier", std::to_string(service.tier)}, {"basis", basis.name}},
                     static_cast<double>(basis.impact(service))});
  return out;
}

// The blast radius is what the run did.
constexpr Basis kRadiusBases[]{kBases[0], {"observed", impact_of_run}};

Samples radius_services(const Outcome& outcome) {
  Samples out;
  for (const Basis& basis : kRadiusBases) {
    std::map<std::pair<std::string, std::string>, double> counts;  // impact, tier
    for (const auto& [name, service] : outcome.services)
      ++counts[{impact_name(basis.impact(service)), std::to_string(service.tier)}];
    for (const auto& [key, count] : counts)
      out.push_back({{{"basis", basis.name}, {"impact", key.first}, {"tier", key.second}}, count});
  }
  return out;
}

Samples radius_ratio(const Outcome& outcome) {
  Samples out;
  for (const Basis& basis : kRadiusBases) {
    double known = 0, hurt = 0;
    for (const auto& [name, service] : outcome.services) {
      known += basis.impact(service) != Impact::kUnknown;
      hurt += basis.impact(service) > Impact::kUnaffected;
    }
    if (known > 0) out.push_back({{{"basis", basis.name}}, hurt / known});
  }
  return out;
}

Samples radius_requests(const Outcome& outcome) {
  double weights = 0, lost = 0;
  for (const auto& [name, probe] : outcome.probes) {
    if (probe.weight <= 0) continue;
    if (!probe.during) return {};
    weights += probe.weight;
    lost += probe.weight * (1 - *probe.during);
  }
  if (weights == 0) return {};
  return {{{{"basis", "observed"}}, lost / weights}};
}

Samples of_probes(const Outcome& outcome, double (*value)(const OutcomeProbe& probe)) {
  Samples out;
  for (const auto& [name, probe] : outcome.probes)
    out.push_back({{{"journey", name}, {"from", probe.from}}, value(probe)});
  return out;
}

// As the agents name them: "tcx_egress", and "outside" for what is in no known site.
std::string hook_of(const OutcomeFault& fault, const OutcomeFault::Pair& pair) {
  const auto slash = fault.engine.find('/');
  return (slash == std::string::npos ? fault.engine : fault.engine.substr(slash + 1)) + "_" + pair.direction;
}
std::string site_label(const std::string& site) {
  return site.empty() ? "outside" : site;
}

Samples of_pairs(const Outcome& outcome, double (*value)(const OutcomeFault::Pair& pair)) {
  Samples out;
  for (const OutcomeFault& fault : outcome.faults)
    for (const OutcomeFault::Pair& pair : fault.pairs)
      if (pair.verdict != "leak")
        out.push_back({{{"fault", fault.id},
                        {"src_site", site_label(pair.src_site)},
                        {"dst_site", site_label(pair.dst_site)},
                        {"verdict", pair.verdict},
                        {"hook", hook_of(fault, pair)}},
                       value(pair)});
  return out;
}

Samples of_leaks(const Outcome& outcome) {
  std::map<std::pair<std::string, std::string>, double> leaks;
  for (const OutcomeFault& fault : outcome.faults)
    for (const OutcomeFault::Pair& pair : fault.pairs)
      if (pair.verdict == "leak")
        leaks[{site_label(pair.src_site), site_label(pair.dst_site)}] += static_cast<double>(pair.packets);
  Samples out;
  for (const auto& [sites, packets] : leaks)
    out.push_back({{{"src_site", sites.first}, {"dst_site", sites.second}}, packets});
  return out;
}

Samples of_faults(const Outcome& outcome, double (*value)(const OutcomeFault& fault)) {
  Samples out;
  for (const OutcomeFault& fault : outcome.faults) out.push_back({{{"fault", fault.id}}, value(fault)});
  return out;
}

double effectiveness(const OutcomeFault& fault) {
  const double all = static_cast<double>(fault.dropped + fault.leaked);
  return all == 0 ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(fault.dropped) / all;
}

Samples processes_killed(const Outcome& outcome) {
  Samples out;
  for (const OutcomeFault& fault : outcome.faults)
    for (const auto& [service, each] : fault.processes)
      for (const bool respawn : {false, true})
        out.push_back({{{"fault", fault.id}, {"service", service}, {"respawn", respawn ? "true" : "false"}},
                       static_cast<double>(respawn ? each.respawns_killed : each.killed)});
  return out;
}

Samples cycles(const Outcome& outcome) {
  Samples out;
  for (const std::vector<std::string>& cycle : outcome.returns.cycles) {
    std::string names;
    for (const std::string& service : cycle) names += (names.empty() ? "" : ",") + service;
    out.push_back({{{"cycle", names}}, static_cast<double>(cycle.size())});
  }
  return out;
}

Samples reverts(const Outcome& outcome) {
  Samples out;
  for (const OutcomeFault& fault : outcome.faults)
    if (const auto took = time_to_revert(fault))
      out.push_back({{{"fault", fault.id}, {"reason", fault.ended_by}}, seconds(*took)});
  return out;
}

Samples recovered_hosts(const Outcome& outcome) {
  if (outcome.recovery.curve.empty() || !outcome.recovery.looked_at) return {};
  Samples out;
  for (const auto& [site, before] : outcome.recovery.hosts)
    out.push_back(
        {{{"site", site}},
         static_cast<double>(outcome.recovery.curve.back().hosts.at(site)) / static_cast<double>(before)});
  return out;
}

Samples single_site(const Outcome& outcome) {
  Samples out;
  for (const SingleSiteDependency& each : outcome.single_site) {
    const auto service = outcome.services.find(each.dependency);
    out.push_back({{{"service", each.service},
                    {"dependency", each.dependency},
                    {"site", each.site},
                    {"role", service == outcome.services.end() ? "" : service->second.role},
                    {"evidence", each.evidence}},
                   1});
  }
  return out;
}

Samples gray_failure(const Outcome& outcome) {
  std::set<std::string> services;
  for (const OutcomeGray& each : outcome.gray) services.insert(each.service);
  Samples out;
  for (const std::string& service : services) out.push_back({{{"service", service}}, 1});
  return out;
}

Samples objectives(const Outcome& outcome) {
  Samples out;
  for (const OutcomeObjective& each : outcome.objectives)
    out.push_back({{{"objective", each.objective}}, seconds(each.target)});
  return out;
}

template <const char* Name>
Samples time_to(const Outcome& outcome) {
  Samples out;
  for (const OutcomeTime& each : outcome.times)
    if (each.time == Name) out.push_back({{{"journey", each.journey}}, seconds(each.took)});
  return out;
}
constexpr char kDetect[] = "detect", kAcknowledge[] = "acknowledge", kCommand[] = "command",
               kDecide[] = "decide", kMitigate[] = "mitigate", kRecover[] = "recover",
               kFullRestore[] = "full-restore";

Samples censored(const Outcome& outcome) {
  Samples out;
  for (const OutcomeTime& each : outcome.times)
    out.push_back({{{"objective", each.time}, {"journey", each.journey}}, each.censored ? 1.0 : 0.0});
  return out;
}

// An objective whose clock stops when somebody has it is one of the whole run.
Samples objective_ratio(const Outcome& outcome) {
  Samples out;
  for (const OutcomeObjective& each : outcome.objectives) {
    if (each.target.count() <= 0) continue;
    const auto add = [&](const std::string& journey, Duration took) {
      out.push_back(
          {{{"objective", each.objective}, {"journey", journey}}, seconds(took) / seconds(each.target)});
    };
    if (each.clock == "respond") {
      if (each.achieved) add("", *each.achieved);
      continue;
    }
    for (const OutcomeTime& time : outcome.times)
      if (time.time == each.objective) add(time.journey, time.took);
  }
  return out;
}

// What one user who asks all the time went without.
Samples user_seconds(const Outcome& outcome) {
  Samples out;
  for (const auto& [name, probe] : outcome.probes) {
    if (outcome.t0 == 0 || probe.weight <= 0 || probe.series.empty() || !probe.during) continue;
    double lost = 0;
    for (const OutcomeSpan& span : probe.series)
      if (span.at >= outcome.fired && span.attempts > 0)
        lost += seconds(outcome.series_step) * static_cast<double>(span.failures) /
                static_cast<double>(span.attempts);
    out.push_back({{{"journey", name}}, lost});
  }
  return out;
}

}  // namespace

const std::vector<Metric>& metrics_table() {
  using O = const Outcome&;
  static const std::vector<Metric> table{
      {"blackstart_run_info", "gauge", "", "run experiment topology hash",
       "1; what the other values are about",
       [](O o) -> Samples {
         return {
             {{{"run", o.run}, {"experiment", o.experiment}, {"topology", o.topology}, {"hash", o.hash}}, 1}};
       }},
      {"blackstart_run_phase", "gauge", "", "phase", "1 for the phase a run is in; absent when it is over",
       run_phase},
      {"blackstart_verdict", "gauge", "", "verdict",
       "1 for the verdict of the run, 0 for the others; absent while it lasts",
       [](O o) { return one_hot(o, o.verdict); }},
      {"blackstart_recovery_verdict", "gauge", "", "verdict",
       "1 for the verdict of the recovery, 0 for the others; all 0 when nothing was injected; absent while "
       "the run lasts",
       [](O o) { return one_hot(o, o.recovery_verdict); }},
      {"blackstart_fault_packets_total", "counter", "", "fault src_site dst_site verdict hook",
       "Packets a fault matched, as the datapath counted them; an empty site is outside every known one",
       [](O o) {
         return of_pairs(o, [](const OutcomeFault::Pair& p) { return static_cast<double>(p.packets); });
       }},
      {"blackstart_fault_bytes_total", "counter", "bytes", "fault src_site dst_site verdict hook",
       "Bytes of the packets a fault matched",
       [](O o) {
         return of_pairs(o, [](const OutcomeFault::Pair& p) { return static_cast<double>(p.bytes); });
       }},
      {"blackstart_fault_leaked_packets_total", "counter", "", "src_site dst_site",
       "Packets that should have vanished, seen by an independent counter behind the drop; must stay 0",
       [](O o) { return of_leaks(o); }},
      {"blackstart_fault_effectiveness_ratio", "gauge", "ratio", "fault",
       "Dropped / (dropped + leaked); NaN when nothing matched",
       [](O o) { return of_faults(o, effectiveness); }},
      {"blackstart_fault_apply_skew_seconds", "gauge", "seconds", "experiment",
       "Last minus first moment at which agents fired",
       [](O o) { return if_known(o, o.apply_skew ? std::optional(seconds(*o.apply_skew)) : std::nullopt); }},
      {"blackstart_fault_revert_seconds", "gauge", "seconds", "fault reason",
       "From the moment a fault should end (reason end: its deadline; abort, guard: the order to revert) to "
       "its "
       "last packet; absent unless every host said so",
       reverts},
      {"blackstart_processes_killed_total", "counter", "", "fault service respawn",
       "Processes a fault killed; respawn true: as they started, by hold-down; an empty service is none of "
       "those known",
       processes_killed},
      {"blackstart_probe_attempts_total", "counter", "", "journey from",
       "Probe attempts, from start to end of the run",
       [](O o) {
         return of_probes(o, [](const OutcomeProbe& p) { return static_cast<double>(p.attempts); });
       }},
      {"blackstart_probe_failures_total", "counter", "", "journey from", "Probe attempts that failed",
       [](O o) {
         return of_probes(o, [](const OutcomeProbe& p) { return static_cast<double>(p.failures); });
       }},
      {"blackstart_service_impact", "gauge", "", "service tier basis", "0 ok, 1 degraded, 2 down, -1 unknown",
       service_impact},
      {"blackstart_blast_radius_services", "gauge", "", "basis impact tier",
       "Services by impact; observed: what was no better before the cut is unknown", radius_services},
      {"blackstart_blast_radius_services_ratio", "gauge", "ratio", "basis",
       "Share of the services that are known to be degraded or down and were not so before", radius_ratio},
      {"blackstart_blast_radius_requests_ratio", "gauge", "ratio", "basis",
       "Share of requests lost while the faults lasted, journeys weighted; absent when one is unknown",
       radius_requests},
      {"blackstart_prediction_precision_ratio", "gauge", "ratio", "experiment",
       "Of the services predicted hurt, the share that was; absent when none was predicted",
       [](O o) { return if_known(o, score(o).precision); }},
      {"blackstart_prediction_recall_ratio", "gauge", "ratio", "experiment",
       "Of the services hurt, the share that was predicted; absent when none was hurt",
       [](O o) { return if_known(o, score(o).recall); }},
      {"blackstart_prediction_missed_services", "gauge", "", "experiment",
       "Services hurt though predicted unaffected",
       [](O o) { return of_score(o, &PredictionScore::missed); }},
      {"blackstart_prediction_false_alarm_services", "gauge", "", "experiment",
       "Services well though predicted hurt",
       [](O o) { return of_score(o, &PredictionScore::false_alarms); }},
      {"blackstart_single_site_dependency", "gauge", "", "service dependency site role evidence",
       "1 for each needed service that stands in one site alone", single_site},
      {"blackstart_dependency_cycle_members", "gauge", "", "cycle",
       "Services that waited for each other to start and of which none got well, by their names", cycles},
      {"blackstart_gray_failure", "gauge", "", "service",
       "1 for each service that passed its checks while a journey through it failed", gray_failure},
      {"blackstart_objective_seconds", "gauge", "seconds", "objective",
       "What the experiment sets as an objective", objectives},
      {"blackstart_objective_ratio", "gauge", "ratio", "objective journey",
       "Time taken / objective; above 1 it was missed, below 1 it was met unless the time is censored",
       objective_ratio},
      {"blackstart_time_to_detect_seconds", "gauge", "seconds", "journey",
       "From the first packet or process hit to the first mark or alert; an empty journey is the whole run",
       time_to<kDetect>},
      {"blackstart_time_to_acknowledge_seconds", "gauge", "seconds", "journey", "To the mark acknowledged",
       time_to<kAcknowledge>},
      {"blackstart_time_to_command_seconds", "gauge", "seconds", "journey", "To the mark command",
       time_to<kCommand>},
      {"blackstart_time_to_decide_seconds", "gauge", "seconds", "journey", "To the mark decided",
       time_to<kDecide>},
      {"blackstart_time_to_mitigate_seconds", "gauge", "seconds", "journey",
       "To the moment from which the journey's hypothesis held, while the fault lasted, and was kept",
       time_to<kMitigate>},
      {"blackstart_time_to_recover_seconds", "gauge", "seconds", "journey",
       "To the end of the journey's last failure; 0: it never failed", time_to<kRecover>},
      {"blackstart_time_to_full_restore_seconds", "gauge", "seconds", "journey",
       "To the moment from which every journey and every service that was well before are well again",
       time_to<kFullRestore>},
      {"blackstart_recovered_hosts_ratio", "gauge", "ratio", "site",
       "Of the hosts whose services were well before the cut, the share whose services all are, at the end",
       recovered_hosts},
      {"blackstart_time_censored", "gauge", "", "objective journey",
       "1: the run ended first, the time is a lower bound", censored},
      {"blackstart_blast_radius_user_seconds_total", "counter", "seconds", "journey",
       "What one user who asks all the time went without since the cut: failed share of attempts × time",
       user_seconds},
  };
  return table;
}

}  // namespace blackstart
