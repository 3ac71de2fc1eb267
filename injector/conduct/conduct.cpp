// SPDX-License-Identifier: Apache-2.0
#include "injector/conduct/conduct.h"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "injector/conduct/evaluate.h"
#include "injector/conduct/fill_outcome.h"
#include "injector/conduct/fleet.h"
#include "injector/conduct/gates.h"
#include "injector/conduct/gray.h"
#include "injector/conduct/impact_watch.h"
#include "injector/conduct/preconditions.h"
#include "injector/conduct/records.h"
#include "injector/conduct/times.h"
#include "injector/record/judge.h"

namespace blackstart {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr Duration kTick = 100ms;
constexpr Duration kFireLead = 500ms;        // from the order to fire to T0: every agent must hear of it
constexpr Duration kSteadyPatience = 30s;    // beyond steadyState.for, before T0
constexpr Duration kRecoveryPatience = 60s;  // beyond recovery.watch, after the revert
constexpr Duration kUnfinished = 2s;         // after the last phase, for answers still under way
constexpr Duration kClockSlack = 500ms;      // a clock that is slewed is not set
constexpr double kLostShare = 0.10;          // more agents lost than this end the run

Duration patience_of(const ProbeSpec& spec) {
  return Duration(spec.probe.every_ns() + spec.probe.timeout_ns());
}

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

class Run {
 public:
  Run(const Plan& plan, const Experiment& experiment, const Topology& topology, Channel& channel,
      const ConductOptions& options)
      : plan_(plan),
        experiment_(experiment),
        topology_(topology),
        channel_(channel),
        options_(options),
        impact_(topology, plan),
        fleet_(channel, options.run, plan.orders, probes_by_host(experiment, impact_, options.run)),
        gates_(experiment.gates) {
    outcome_.run = options.run;
    outcome_.experiment = experiment.name;
    outcome_.summary = experiment.summary;
    outcome_.topology = topology.name;
    outcome_.hash = plan.hash;
    outcome_.expected_failure = experiment.expect == Expect::kFail;
    outcome_.single_site = plan.single_site;
    outcome_.warnings = plan.warnings;
    outcome_.blind = plan.blind;
    outcome_.untouched = plan.untouched;
    for (const ProbeSpec& probe : experiment.probes)
      histories_.emplace(probe.probe.name(), patience_of(probe));
    for (const Guard& guard : experiment.guards)
      if (guard.query) histories_.emplace(guard.query->probe.name(), patience_of(*guard.query));
    for (const auto& [name, service] : topology.services) {
      OutcomeService& entry = outcome_.services[name];
      entry.role = service.role;
      entry.tier = service.tier;
      if (const auto predicted = plan.predicted.find(name); predicted != plan.predicted.end())
        entry.predicted = predicted->second;
    }
  }

  Outcome run() {
    try {
      go();
    } catch (const std::exception& error) {
      error_ = error.what();
      note("internal error: " + *error_);
      if (armed_) stranded_ = !fleet_.revert("internal error");
      if (probing_) fleet_.stop_probes();
      leave_phase();
    }
    finish();
    return std::move(outcome_);
  }

 private:
  void go() {
    event("run", {{"experiment", experiment_.name}, {"hash", plan_.hash}, {"hosts", fleet_.size()}});
    if (preflight() && wait_steady() && arm()) {
      if (fire()) hold();
      revert();
      if (!by_person_) recover();
    }
    settle();
    check_residue();
  }

  bool preflight() {
    enter("preflight");
    const Duration length = experiment_.steady_for + plan_.end + experiment_.recovery.watch;
    if (auto ok = check_windows(experiment_.windows, now(), length, options_.window_override, telling()); !ok)
      return refuse(ok.error());
    if (auto ok = fleet_.hello(); !ok) return refuse(ok.error());
    if (auto ok = ask_preconditions(experiment_, channel_, options_, telling()); !ok)
      return !aborted() && refuse(ok.error());
    if (impact_.viewpoint().empty())
      note("no host can look at the services from outside the cut: what they show is unknown");
    return !aborted();
  }

  bool wait_steady() {
    enter("steady", experiment_.steady_for);
    probing_ = true;
    if (auto ok = fleet_.start_probes(); !ok) return refuse(ok.error());
    const UnixNs start = now();
    while (true) {
      tick();
      if (aborted()) return false;
      const SteadyWindow window =
          steady(experiment_.probes, histories_, experiment_.steady_for, start, now());
      const auto guard = window.held == std::optional(true) ? first_breach() : std::nullopt;
      if (window.held == std::optional(true) && !guard) {
        times_.steady_start = window.from;
        if (auto ok = judge_preconditions(experiment_, histories_, window.to, telling()); !ok)
          return refuse(ok.error());
        return true;
      }
      const bool too_late = now() - start > (experiment_.steady_for + kSteadyPatience).count();
      if (too_late && guard)
        return refuse({ErrorKind::kRefused, "start: a guard is breached before anything is touched:",
                       guard->first->text, 0, guard->second});
      if (too_late)
        return refuse(
            {ErrorKind::kRefused, "start: the steady state does not hold before anything is touched", "", 0,
             why_not_steady(experiment_.probes, histories_, now() - experiment_.steady_for.count(), now())});
    }
  }

  bool arm() {
    enter("arm");
    armed_ = true;
    if (auto ok = fleet_.arm(); !ok) return refuse(ok.error());
    return true;
  }

  bool fire() {
    enter("fire", kFireLead);
    tick();
    if (aborted() || clock_was_set()) return false;
    const UnixNs t0 = now() + kFireLead.count();
    times_.fired = t0;
    if (auto ok = fleet_.fire(t0, gates_.horizon()); !ok) return refuse(ok.error());
    event("fire", {{"t0", rfc3339(t0)}});
    while (now() < t0) {
      tick();
      if (aborted() || clock_was_set()) return false;
    }
    return true;
  }

  void hold() {
    enter("hold", plan_.end);
    while (now() < times_.fired + end_of_faults().count()) {
      tick();
      judge_gates();
      if (aborted() || clock_was_set() || guards_breached() || agents_lost()) return;
    }
  }

  void revert() {
    const std::string reason = stop_reason_.empty() && !refused_ ? "end" : by_person_ ? "abort" : "guard";
    const UnixNs asked = now();
    const auto reverted =
        fleet_.revert(reason);  // before a word is printed: nobody may be listening any more
    enter("revert");
    times_.reverted = std::min(asked, times_.fired + end_of_faults().count());
    if (times_.fired > now()) times_.fired = times_.reverted = 0;  // taken back before it began
    if (!reverted) {
      stranded_ = true;
      note(reverted.error().message());
      event("stranded", {{"error", reverted.error().message()}});
    }
    event("revert", {{"reason", reason}});
  }

  void recover() {
    if (times_.fired == 0 || experiment_.probes.empty()) return;
    const Duration watch = experiment_.recovery.watch;
    enter("recover", watch);
    while (true) {
      tick();
      if (aborted() || clock_was_set())
        return recovered_.reset();  // what was bad then had time left to return
      recovered_ = steady(experiment_.probes, histories_, watch, times_.reverted, now()).held;
      if (recovered_ == std::optional(true)) return;
      if (fleet_.lost().size() == fleet_.size()) {
        note("no agent answers any more: nobody can say whether the steady state returned");
        return;
      }
      if (now() - times_.reverted > (watch + kRecoveryPatience).count()) {
        note("the steady state did not return: " +
             why_not_steady(experiment_.probes, histories_, now() - watch.count(), now()));
        return;
      }
    }
  }

  // Lets answers that are still under way come in, so that every attempt is judged.
  void settle() {
    times_.ended = now();
    if (!probing_) return;
    if (!by_person_ && times_.fired != 0)
      for (const UnixNs until = now() + kUnfinished.count(); now() < until;) tick();
    if (!by_person_ && times_.fired != 0) read_records_back();
    fleet_.stop_probes();
  }

  // Asks for every record that was written up to the end of the recovery.
  void read_records_back() {
    if (experiment_.records.empty()) return;
    enter("records", read_back_time(experiment_, histories_, times_.ended));
    if (auto ok = fleet_.start_probes(record_readers(experiment_, options_.run)); !ok)
      return note("the records were not read back: " + ok.error().message());
    const UnixNs until = now() + read_back_time(experiment_, histories_, times_.ended).count();
    while (now() < until && !aborted()) tick();
  }

  void check_residue() {
    enter("residue");
    if (armed_) {
      auto [residue, changes] = fleet_.leftovers();
      outcome_.residue = std::move(residue);
      outcome_.changes = std::move(changes);
      for (const auto& [host, why] : fleet_.lost()) {
        gaps_.push_back("what " + host + " saw to the end is not known: " + why);
        note(host + ": " + why +
             "; the kernel ends its faults with the agent, at their lease or at their deadline");
      }
      // An agent that is there and does not answer still holds its links, inert as they may be.
      for (const std::string& host : fleet_.hung())
        outcome_.residue.push_back(host +
                                   ": not known, its agent hangs; ending its agent frees what it holds");
      for (const auto& [host, what] : fleet_.trouble()) gaps_.push_back(host + ": " + what);
      if (!outcome_.residue.empty()) event("residue", {{"objects", outcome_.residue}});
    }
    leave_phase();
  }

  // What people and alerts said, into record and outcome.
  void take_marks(bool last) {
    if (!options_.said) return;
    for (SaidMark& said : options_.said(last)) {
      OutcomeMark& mark = said.mark;
      if (said.alert_began != 0 && times_.fired != 0 && said.alert_began >= times_.fired)
        mark.mark = "detected";
      event("mark",
            {{"mark", mark.mark}, {"at", rfc3339(mark.at)}, {"source", mark.source}, {"note", mark.note}});
      detail_ = "mark: " + mark.mark + " (" + mark.source + ")";
      outcome_.marks.push_back(std::move(mark));
    }
  }

  void finish() {
    take_marks(true);
    std::stable_sort(outcome_.marks.begin(), outcome_.marks.end(),
                     [](const OutcomeMark& a, const OutcomeMark& b) { return a.at < b.at; });
    for (const Hypothesis& hypothesis : experiment_.hypothesis)
      outcome_.hypothesis.push_back(evaluate(hypothesis, histories_, times_));
    for (const ProbeSpec& probe : experiment_.probes)
      outcome_.probes[probe.probe.name()] = summarize(probe, histories_[probe.probe.name()], times_);
    fill_series(histories_, times_, outcome_);
    for (auto& [name, service] : outcome_.services)
      service.observed = impact_.observed(name, times_.fired, times_.reverted);
    outcome_.gates = gates_.outcome();
    for (const Guard& guard : experiment_.guards) {
      const auto breached = breaches_.find(&guard);
      outcome_.guards.push_back(
          breached == breaches_.end() ? OutcomeGuard{guard.text, false, std::nullopt, ""} : breached->second);
    }
    fill_faults(plan_, fleet_.reports(), times_, gates_.horizon(), outcome_);
    fill_times(experiment_, times_, recovered_, options_.alerts, outcome_);
    fill_full_restore(impact_, times_, outcome_);
    fill_objectives(experiment_.objectives, outcome_);
    if (times_.fired != 0) fill_records(experiment_, histories_, times_.ended, outcome_);
    fill_gray(topology_, experiment_, impact_, histories_, times_, outcome_);
    for (const OutcomeGray& each : outcome_.gray)
      note("gray failure: " + each.service + " passed its checks while " + each.journey + " failed for " +
           format_duration(Duration(each.to - each.from)));

    const bool left_behind = stranded_ || !outcome_.residue.empty() || error_;
    if (refused_ && refused_->kind == ErrorKind::kStranded && armed_) stranded_ = true;
    if (refused_ && !left_behind && !stranded_) {
      outcome_.exit_code = exit_code_of(refused_->kind);
      outcome_.reason = refused_->message();
    } else {
      const Judgement judgement = judge(facts());
      outcome_.verdict = judgement.verdict;
      outcome_.recovery_verdict = judgement.recovery;
      outcome_.exit_code = judgement.exit_code;
      outcome_.reason = judgement.verdict == Verdict::kAborted ? stop_reason_ : judgement.reason + because();
    }
    event("verdict", {{"verdict", verdict_name(outcome_.verdict)},
                      {"exitCode", outcome_.exit_code},
                      {"reason", outcome_.reason}});
  }

  [[nodiscard]] RunFacts facts() const {
    RunFacts facts;
    facts.stranded = stranded_ || !outcome_.residue.empty();
    facts.error = error_.has_value();
    facts.aborted = !stop_reason_.empty();
    facts.injected = !idle_fault() && !outcome_.faults.empty();
    facts.touched = std::any_of(outcome_.faults.begin(), outcome_.faults.end(),
                                [](const OutcomeFault& fault) { return fault.dropped > 0; });
    facts.asked = !experiment_.probes.empty();
    for (const OutcomeHypothesis& hypothesis : outcome_.hypothesis)
      facts.hypothesis.push_back(hypothesis.met);
    facts.recovered = recovered_;
    facts.expect_failure = outcome_.expected_failure;
    facts.gaps = gaps_;
    for (const auto& [name, records] : outcome_.records)
      if (!records.rpo)
        facts.gaps.push_back("whether acknowledged records of " + name + " are lost is not known");
    for (const OutcomeFault& fault : outcome_.faults)
      if (fault.leaked > 0)
        facts.gaps.push_back("the cut was not whole: " + std::to_string(fault.leaked) +
                             " packets leaked through " + fault.id);
    return facts;
  }

  // A fault that fired and hit nothing.
  [[nodiscard]] const OutcomeFault* idle_fault() const {
    const auto idle = std::find_if(outcome_.faults.begin(), outcome_.faults.end(),
                                   [](const OutcomeFault& fault) { return fault.dropped == 0; });
    return idle == outcome_.faults.end() ? nullptr : &*idle;
  }

  // What a reader asks next: which hypothesis, which fault.
  [[nodiscard]] std::string because() const {
    const OutcomeFault* idle = idle_fault();
    if (outcome_.verdict == Verdict::kInconclusive && idle) return " (" + idle->id + " " + idle->kind + ")";
    if (outcome_.verdict != Verdict::kFail) return "";
    if (recovered_ == std::optional(false))
      return " (metastable: still bad " +
             std::to_string(std::llround(seconds(Duration(times_.ended - times_.reverted)))) +
             " s after the revert)";
    std::string names;
    for (const OutcomeHypothesis& hypothesis : outcome_.hypothesis)
      if (hypothesis.met == std::optional<bool>(false))
        names += (names.empty() ? ": " : ", ") + hypothesis.probe;
    return names;
  }

  // One step of waiting: new samples and reports, renewed leases, a progress line.
  void tick() {
    options_.sleep(kTick);
    take_marks(false);
    fleet_.collect(gates_.horizon(), [&](const contract::Sample& sample) {
      if (ImpactWatch::is_check(sample.probe()))
        impact_.add(sample);
      else
        histories_[sample.probe()].add(sample);
    });
    RunProgress progress{phase_, detail_, Duration(now() - phase_start_), expected_, {}, {}};
    for (const auto& [host, report] : fleet_.reports()) progress.packets.add(report);
    for (const ProbeSpec& probe : experiment_.probes)
      progress.probes.emplace_back(probe.probe.name(),
                                   histories_[probe.probe.name()].recent_ratio(5s, now()));
    options_.observer->progress(progress);
  }

  void judge_gates() {
    gates_.judge(histories_, times_.fired, now(), [&](const OutcomeGate& gate) {
      event("gate", {{"gate", gate.gate}, {"passed", *gate.passed}});
      detail_ = "gate " + std::string(*gate.passed ? "passed, " : "failed, nothing more fires: ") + gate.gate;
    });
  }

  [[nodiscard]] Duration end_of_faults() const {
    Duration end{0};
    const Duration reach = gates_.failed() ? gates_.horizon() : Duration::max();
    for (const FaultSpec& fault : experiment_.faults)
      if (fault.at < reach) end = std::max(end, fault.at + fault.duration);
    return end;
  }

  // The first guard that is breached now, and why.
  std::optional<std::pair<const Guard*, std::string>> first_breach() {
    PacketTotals packets;
    for (const auto& [host, report] : fleet_.reports()) packets.add(report);
    const GuardFacts facts{impact_.unexpected(plan_.predicted, now()), packets.leaked, fleet_.size(),
                           fleet_.lost().size(), impact_.blind(now())};
    for (const Guard& guard : experiment_.guards)
      if (auto why = breach(guard, histories_, now(), facts)) return std::pair(&guard, std::move(*why));
    return std::nullopt;
  }

  bool guards_breached() {
    const auto breached = first_breach();
    if (!breached) return false;
    const auto& [guard, why] = *breached;
    breaches_[guard] = {guard->text, true, Duration(now() - times_.fired), why};
    event("guard", {{"guard", guard->text}, {"why", why}});
    stop("guard breached: " + guard->text + " (" + why + ")");
    return true;
  }

  // Agents name moments by the clock on the wall: once it is set, what they say fits no timeline.
  bool clock_was_set() {
    const Duration by = options_.clock_set ? options_.clock_set() : Duration{0};
    if (std::chrono::abs(by) < kClockSlack) return false;
    stop("the clock of this machine was set " + std::string(by < Duration{0} ? "back" : "forward") + " by " +
         format_duration(std::chrono::abs(by)));
    event("clock-set", {{"by", seconds(by)}});
    return true;
  }

  bool agents_lost() {
    if (std::any_of(experiment_.guards.begin(), experiment_.guards.end(),
                    [](const Guard& guard) { return guard.agents_lost.has_value(); }))
      return false;  // the experiment has its own word on it
    if (static_cast<double>(fleet_.lost().size()) <= kLostShare * static_cast<double>(fleet_.size()))
      return false;
    const auto& [host, why] = *fleet_.lost().begin();
    stop(std::to_string(fleet_.lost().size()) + " of " + std::to_string(fleet_.size()) +
         " agents do not answer, first " + host);
    event("agents-lost", {{"agents", fleet_.lost().size()}, {"first", host}, {"why", why}});
    return true;
  }

  bool aborted() {
    const auto reason = options_.abort_requested ? options_.abort_requested() : std::nullopt;
    if (!reason) return false;
    by_person_ = true;
    event("abort", {{"reason", *reason}});
    stop(*reason);
    return true;
  }

  void stop(const std::string& reason) {
    if (stop_reason_.empty()) stop_reason_ = reason;
  }

  // Ends the run with an error before or while something was armed; always false.
  bool refuse(const Error& error) {
    refused_ = error;
    event("refused", {{"error", error.message()}});
    return false;
  }

  void enter(const std::string& phase, Duration expected = Duration{0}) {
    leave_phase();
    phase_ = phase;
    phase_start_ = now();
    expected_ = expected;
    detail_.clear();
    outcome_.phases.push_back({phase, phase_start_, 0});
    event("phase", {{"phase", phase}});
    options_.observer->progress({phase, "", Duration{0}, expected, {}, {}});
  }
  void leave_phase() {
    if (!outcome_.phases.empty() && outcome_.phases.back().end == 0) outcome_.phases.back().end = now();
  }

  void event(const std::string& type, const json& data) { options_.observer->event(now(), type, data); }
  // How preconditions reach the record.
  PreconditionTold telling() {
    return [this](const std::string& type, const json& data) { event(type, data); };
  }
  void note(const std::string& text) { outcome_.notes.push_back(text); }
  [[nodiscard]] UnixNs now() const { return options_.now(); }

  const Plan& plan_;
  const Experiment& experiment_;
  const Topology& topology_;
  Channel& channel_;
  const ConductOptions& options_;
  ImpactWatch impact_;
  Fleet fleet_;
  Outcome outcome_;
  Histories histories_;
  RunTimes times_;
  Gates gates_;
  std::map<const Guard*, OutcomeGuard> breaches_;
  std::string phase_, detail_, stop_reason_;
  UnixNs phase_start_ = 0;
  Duration expected_{0};
  std::optional<Error> refused_;
  std::optional<bool> recovered_;
  std::vector<std::string> gaps_;     // what a verdict needs and nobody said
  std::optional<std::string> error_;  // what was thrown
  bool probing_ = false, armed_ = false, by_person_ = false, stranded_ = false;
};

}  // namespace

Outcome conduct(const Plan& plan, const Experiment& experiment, const Topology& topology, Channel& channel,
                const ConductOptions& options) {
  return Run(plan, experiment, topology, channel, options).run();
}

}  // namespace blackstart
