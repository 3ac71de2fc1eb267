// SPDX-License-Identifier: Apache-2.0
#include "injector/conduct/conclude.h"

#include <algorithm>
#include <cmath>

#include "injector/conduct/cold_starts.h"
#include "injector/conduct/fill_outcome.h"
#include "injector/conduct/fill_returns.h"
#include "injector/conduct/gray.h"
#include "injector/conduct/records.h"
#include "injector/conduct/recovery_curve.h"
#include "injector/conduct/times.h"
#include "injector/record/judge.h"

namespace blackstart {
namespace {

// A fault that fired and hit nothing.
const OutcomeFault* idle_fault(const Outcome& outcome) {
  const auto idle = std::find_if(outcome.faults.begin(), outcome.faults.end(),
                                 [](const OutcomeFault& fault) { return !had_effect(fault); });
  return idle == outcome.faults.end() ? nullptr : &*idle;
}

// An instance that nobody could start again.
const OutcomeReturn* first_failed(const Outcome& outcome) {
  const auto failed =
      std::find_if(outcome.returns.instances.begin(), outcome.returns.instances.end(),
                   [](const OutcomeReturn& each) { return each.state == OutcomeReturn::State::kFailed; });
  return failed == outcome.returns.instances.end() ? nullptr : &*failed;
}

// What has a meaning at any moment: here at times.ended.
void fill_counted(const Drill& drill, const Learned& learned, const RunTimes& times, Outcome& outcome) {
  for (const ProbeSpec& probe : drill.experiment.probes)
    outcome.probes[probe.probe.name()] = summarize(probe, learned.histories.at(probe.probe.name()), times);
  fill_faults(drill.plan, learned.reports, times, learned.gates.horizon(), learned.reverted_by, outcome);
  fill_returns(drill.plan, drill.topology, learned.returning, learned.reports, learned.impact.checks(), times,
               outcome);
  fill_cold_starts(drill.plan, drill.topology, learned.reports, learned.impact, outcome);
  outcome.recovery = recovery_curve(learned.impact.checks(), drill.topology, times);
}

// Before the cut as far as no attempt can have met it, and from then on.
void fill_services(const Learned& learned, const RunTimes& times, UnixNs until, Outcome& outcome) {
  constexpr int64_t kUnderWay = Duration(std::chrono::seconds(1)).count();
  for (auto& [name, service] : outcome.services) {
    service.before = learned.impact.observed(name, times.steady_start, times.fired - kUnderWay);
    service.observed = learned.impact.observed(name, times.fired, until);
  }
}

bool asked_since(const ProbeHistory& history, UnixNs since, UnixNs until) {
  return std::any_of(history.samples().begin(), history.samples().end(), [&](const auto& sample) {
    return (sample.outcome == contract::Sample::SUCCESS || sample.outcome == contract::Sample::FAILURE) &&
           sample.scheduled >= since && sample.scheduled <= until;
  });
}

// A run that ends with the revert has not seen what came back: whoever has just been started is neither well
// nor unwell.
void leave_out_what_nobody_saw(const Learned& learned, Outcome& outcome) {
  constexpr int64_t kTimeToStart = Duration(std::chrono::seconds(2)).count();
  constexpr int64_t kUnderWay = Duration(std::chrono::seconds(1)).count();
  const RunTimes& times = learned.times;
  const auto asked = [&](UnixNs since, const auto& about) {
    const ImpactWatch::Checks& checks = learned.impact.checks();
    return std::any_of(checks.begin(), checks.end(), [&](const auto& entry) {
      return about(entry.second) && asked_since(entry.second.history, since, times.ended);
    });
  };
  bool unseen = false, seen = asked(times.returned + kUnderWay, [](const auto&) { return true; });
  for (OutcomeReturn& each : outcome.returns.instances) {
    seen = seen || each.well > each.started;  // and not only because nobody can ask it
    if (each.state != OutcomeReturn::State::kStarted ||
        asked(each.started + kTimeToStart, [&](const ImpactWatch::Check& check) {
          return check.service == each.service && check.host == each.host;
        }))
      continue;
    each.state = OutcomeReturn::State::kUnseen;
    unseen = true;
  }
  if ((outcome.recovery.services == 0 && outcome.recovery.hosts.empty()) || (seen && !unseen)) return;
  outcome.recovery.looked_at = false;
  outcome.recovery.not_back.clear();
}

void fill_judged(const Drill& drill, const Learned& learned, Outcome& outcome) {
  const Experiment& experiment = drill.experiment;
  const RunTimes& times = learned.times;
  for (const Hypothesis& hypothesis : experiment.hypothesis)
    outcome.hypothesis.push_back(evaluate(hypothesis, learned.histories, times));
  fill_series(learned.histories, times, outcome);
  fill_services(learned, times, times.reverted, outcome);
  outcome.gates = learned.gates.outcome();
  for (const Guard& guard : experiment.guards) {
    const auto breached = learned.breaches.find(&guard);
    outcome.guards.push_back(breached == learned.breaches.end()
                                 ? OutcomeGuard{guard.text, false, std::nullopt, ""}
                                 : breached->second);
  }
  fill_times(experiment, times, learned.recovered, learned.alerts, outcome);
  fill_full_restore(learned.impact, times, outcome);
  fill_objectives(experiment.objectives, outcome);
  if (times.fired != 0) fill_records(experiment, learned.histories, times.ended, outcome);
  leave_out_what_nobody_saw(learned, outcome);
  fill_gray(drill.topology, experiment, learned.impact, learned.histories, times, outcome);
}

// What was judged from the common instant on is told from T0, like every other time.
void tell_from_t0(Outcome& outcome) {
  if (outcome.t0 == 0) return;
  const Duration late(outcome.t0 - outcome.fired);
  for (OutcomeHypothesis& each : outcome.hypothesis)
    if (each.at) each.at = std::max(Duration{0}, *each.at - late);  // it took no time
  for (OutcomeGate& each : outcome.gates)
    if (each.at) *each.at -= late;
  for (OutcomeGuard& each : outcome.guards)
    if (each.at) *each.at -= late;
}

RunFacts facts_of(const Drill& drill, const Learned& learned, const Outcome& outcome) {
  RunFacts facts;
  facts.stranded = learned.stranded || !outcome.residue.empty() || first_failed(outcome);
  facts.error = learned.error.has_value();
  facts.aborted = !learned.stop_reason.empty();
  const OutcomeFault* idle = idle_fault(outcome);
  facts.injected = !idle && !outcome.faults.empty();
  if (idle && !idle->processes.empty()) facts.missed = "processes";
  facts.touched = std::any_of(outcome.faults.begin(), outcome.faults.end(), [](const OutcomeFault& fault) {
    return had_effect(fault) || fault.dropped > 0;
  });
  facts.asked = !drill.experiment.probes.empty();
  for (const OutcomeHypothesis& hypothesis : outcome.hypothesis) facts.hypothesis.push_back(hypothesis.met);
  facts.recovered = learned.recovered;
  facts.never_well = never_well(outcome, learned.returning, learned.impact.checks());
  facts.expect_failure = outcome.expected_failure;
  facts.gaps = learned.gaps;
  for (const auto& [name, records] : outcome.records)
    if (!records.rpo)
      facts.gaps.push_back("whether acknowledged records of " + name + " are lost is not known");
  for (const OutcomeReturn& each : outcome.returns.instances)
    if (each.state == OutcomeReturn::State::kDown)
      facts.gaps.push_back("whether " + each.service + " on " + each.host +
                           " was started again is not known");
  for (const OutcomeColdStart& each : outcome.cold_starts)
    if (each.state == "waiting" || each.state == "starting" || each.state == "not-started")
      facts.gaps.push_back("what " + each.service + " needs to start in " + each.site +
                           " is not known: " + each.id + " is " + each.state);
  for (const OutcomeFault& fault : outcome.faults)
    if (fault.leaked > 0)
      facts.gaps.push_back("the cut was not whole: " + std::to_string(fault.leaked) +
                           " packets leaked through " + fault.id);
  return facts;
}

// What a reader asks next: which hypothesis, which fault.
std::string because(const Learned& learned, const RunFacts& facts, const Outcome& outcome) {
  const OutcomeReturn* failed = first_failed(outcome);
  if (outcome.verdict == Verdict::kStranded && failed)
    return ": " + failed->service + " on " + failed->host + " could not be started again" +
           (failed->why.empty() ? "" : " (" + failed->why + ")");
  const OutcomeFault* idle = idle_fault(outcome);
  if (outcome.verdict == Verdict::kInconclusive && idle) return " (" + idle->id + " " + idle->kind + ")";
  if (outcome.verdict != Verdict::kFail) return "";
  if (learned.recovered == std::optional(false))
    return " (metastable: still bad " +
           std::to_string(std::llround(seconds(Duration(learned.times.ended - learned.times.reverted)))) +
           " s after the revert)";
  if (!facts.never_well.empty()) return ": " + several(facts.never_well);
  std::string names;
  for (const OutcomeHypothesis& hypothesis : outcome.hypothesis)
    if (hypothesis.met == std::optional<bool>(false))
      names += (names.empty() ? ": " : ", ") + hypothesis.probe;
  return names;
}

}  // namespace

Learned::Learned(const Drill& drill) : impact(drill.topology, drill.plan), gates(drill.experiment.gates) {
  for (const ProbeSpec& probe : drill.experiment.probes)
    histories.emplace(probe.probe.name(), patience_of(probe));
  for (const Guard& guard : drill.experiment.guards)
    if (guard.query) histories.emplace(guard.query->probe.name(), patience_of(*guard.query));
  for (const RecordsSpec& records : drill.experiment.records)
    for (const ProbeSpec* side : {&records.write, &records.read})
      histories.emplace(side->probe.name(), patience_of(*side));
}

Outcome outcome_at_start(const Drill& drill, const std::string& run) {
  const auto& [plan, experiment, topology] = drill;
  Outcome outcome;
  outcome.run = run;
  outcome.experiment = experiment.name;
  outcome.summary = experiment.summary;
  outcome.topology = topology.name;
  outcome.hash = plan.hash;
  outcome.expected_failure = experiment.expect == Expect::kFail;
  outcome.single_site = plan.single_site;
  outcome.warnings = plan.warnings;
  outcome.blind = plan.blind;
  outcome.untouched = plan.untouched;
  outcome.roles = experiment.roles;
  outcome.absent = experiment.absent();
  for (const auto& [name, service] : topology.services) {
    OutcomeService& entry = outcome.services[name];
    entry.role = service.role;
    entry.tier = service.tier;
    if (const auto predicted = plan.predicted.find(name); predicted != plan.predicted.end())
      entry.predicted = predicted->second;
  }
  return outcome;
}

Outcome outcome_so_far(const Drill& drill, const Learned& learned, const Outcome& outcome, UnixNs now) {
  Outcome out = outcome;
  RunTimes times = learned.times;
  if (times.fired > now) times.fired = 0;  // agreed on, and still to come
  if (times.ended == 0) times.ended = now;
  fill_counted(drill, learned, times, out);
  const UnixNs until = times.reverted == 0 ? times.ended : times.reverted;
  fill_services(learned, times, until, out);
  return out;
}

void conclude(const Drill& drill, const Learned& learned, Outcome& outcome) {
  fill_counted(drill, learned, learned.times, outcome);
  fill_judged(drill, learned, outcome);
  tell_from_t0(outcome);
  if (learned.refused && !learned.stranded && !learned.error && outcome.residue.empty()) {
    outcome.exit_code = exit_code_of(learned.refused->kind);
    outcome.reason = learned.refused->message();
    return;
  }
  const RunFacts facts = facts_of(drill, learned, outcome);
  const Judgement judgement = judge(facts);
  outcome.verdict = judgement.verdict;
  outcome.recovery_verdict = judgement.recovery;
  outcome.exit_code = judgement.exit_code;
  outcome.reason = judgement.verdict == Verdict::kAborted
                       ? learned.stop_reason
                       : judgement.reason + because(learned, facts, outcome);
}

}  // namespace blackstart
