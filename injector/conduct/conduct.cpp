// SPDX-License-Identifier: Apache-2.0
#include "injector/conduct/conduct.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "injector/conduct/conclude.h"
#include "injector/conduct/fleet.h"
#include "injector/conduct/preconditions.h"
#include "injector/conduct/records.h"

namespace blackstart {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr Duration kTick = 100ms;
constexpr Duration kFireLead = 500ms;      // from the order to fire to T0: every agent must hear of it
constexpr Duration kSteadyPatience = 30s;  // beyond steadyState.for, before T0
constexpr Duration kSoFarEvery = 1s;
constexpr Duration kUnfinished = 2s;     // after the last phase, for answers still under way
constexpr Duration kClockSlack = 500ms;  // a clock that is slewed is not set
constexpr double kLostShare = 0.10;      // more agents lost than this end the run

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
  Run(const Drill& drill, Channel& channel, const ConductOptions& options)
      : drill_(drill),
        plan_(drill.plan),
        experiment_(drill.experiment),
        channel_(channel),
        options_(options),
        learned_(drill),
        fleet_(channel, options.run, plan_.orders, probes_by_host(experiment_, learned_.impact, options.run)),
        outcome_(outcome_at_start(drill, options.run)) {
    learned_.alerts = options.alerts;
  }

  Outcome run() {
    try {
      go();
    } catch (const std::exception& error) {
      learned_.error = error.what();
      note("internal error: " + *learned_.error);
      if (armed_) learned_.stranded = !fleet_.revert("internal error");
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
    if (learned_.impact.viewpoint().empty())
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
          steady(experiment_.probes, learned_.histories, experiment_.steady_for, start, now());
      const auto guard = window.held == std::optional(true) ? first_breach() : std::nullopt;
      if (window.held == std::optional(true) && !guard) {
        learned_.times.steady_start = window.from;
        if (auto ok = judge_preconditions(experiment_, learned_.histories, window.to, telling()); !ok)
          return refuse(ok.error());
        return true;
      }
      const bool too_late = now() - start > (experiment_.steady_for + kSteadyPatience).count();
      if (too_late && guard)
        return refuse({ErrorKind::kRefused, "start: a guard is breached before anything is touched:",
                       guard->first->text, 0, guard->second});
      if (too_late)
        return refuse({ErrorKind::kRefused,
                       "start: the steady state does not hold before anything is touched", "", 0,
                       why_not_steady(experiment_.probes, learned_.histories,
                                      now() - experiment_.steady_for.count(), now())});
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
    learned_.times.fired = t0;
    if (auto ok = fleet_.fire(t0, learned_.gates.horizon()); !ok) return refuse(ok.error());
    event("fire", {{"at", rfc3339(t0)}});
    while (now() < t0) {
      tick();
      if (aborted() || clock_was_set()) return false;
    }
    return true;
  }

  void hold() {
    enter("hold", plan_.end);
    while (now() < learned_.times.fired + end_of_faults().count()) {
      tick();
      judge_gates();
      if (aborted() || clock_was_set() || guards_breached() || agents_lost()) return;
    }
  }

  void revert() {
    const std::string reason = learned_.stop_reason.empty() && !learned_.refused ? "end"
                               : by_person_                                      ? "abort"
                                                                                 : "guard";
    const UnixNs asked = now();
    const auto reverted =
        fleet_.revert(reason);  // before a word is printed: nobody may be listening any more
    enter("revert");
    learned_.times.reverted = std::min(asked, learned_.times.fired + end_of_faults().count());
    if (learned_.times.fired > now())
      learned_.times.fired = learned_.times.reverted = 0;  // taken back before it began
    if (!reverted) {
      learned_.stranded = true;
      note(reverted.error().message());
      event("stranded", {{"error", reverted.error().message()}});
    }
    if (reverted && fleet_.lost().empty()) learned_.reverted_by = reason;
    event("revert", {{"reason", reason}});
  }

  void recover() {
    if (learned_.times.fired == 0 || experiment_.probes.empty()) return;
    const Duration watch = experiment_.recovery.watch;
    enter("recover", watch);
    while (true) {
      tick();
      if (aborted() || clock_was_set())
        return learned_.recovered.reset();  // what was bad then had time left to return
      learned_.recovered =
          steady(experiment_.probes, learned_.histories, watch, learned_.times.reverted, now()).held;
      if (learned_.recovered == std::optional(true)) return;
      if (fleet_.lost().size() == fleet_.size()) {
        note("no agent answers any more: nobody can say whether the steady state returned");
        return;
      }
      if (now() - learned_.times.reverted > (watch + experiment_.recovery.within).count()) {
        note("the steady state did not return: " +
             why_not_steady(experiment_.probes, learned_.histories, now() - watch.count(), now()));
        return;
      }
    }
  }

  // Lets answers that are still under way come in, so that every attempt is judged.
  void settle() {
    learned_.times.ended = now();
    if (!probing_) return;
    if (!by_person_ && learned_.times.fired != 0)
      for (const UnixNs until = now() + kUnfinished.count(); now() < until;) tick();
    if (!by_person_ && learned_.times.fired != 0) read_records_back();
    fleet_.stop_probes();
  }

  // Asks for every record that was written up to the end of the recovery.
  void read_records_back() {
    if (experiment_.records.empty()) return;
    enter("records", read_back_time(experiment_, learned_.histories, learned_.times.ended));
    if (auto ok = fleet_.start_probes(record_readers(experiment_, options_.run)); !ok)
      return note("the records were not read back: " + ok.error().message());
    const UnixNs until =
        now() + read_back_time(experiment_, learned_.histories, learned_.times.ended).count();
    while (now() < until && !aborted()) tick();
  }

  void check_residue() {
    enter("residue");
    if (armed_) {
      auto [residue, changes] = fleet_.leftovers();
      outcome_.residue = std::move(residue);
      outcome_.changes = std::move(changes);
      for (const auto& [host, why] : fleet_.lost()) {
        learned_.gaps.push_back("what " + host + " saw to the end is not known: " + why);
        note(host + ": " + why +
             "; the kernel ends its faults with the agent, at their lease or at their deadline");
      }
      // An agent that is there and does not answer still holds its links, inert as they may be.
      for (const std::string& host : fleet_.hung())
        outcome_.residue.push_back(host +
                                   ": not known, its agent hangs; ending its agent frees what it holds");
      for (const auto& [host, what] : fleet_.trouble()) learned_.gaps.push_back(host + ": " + what);
      if (!outcome_.residue.empty()) event("residue", {{"objects", outcome_.residue}});
    }
    leave_phase();
  }

  // What people and alerts said, into record and outcome.
  void take_marks(bool last) {
    if (!options_.said) return;
    for (SaidMark& said : options_.said(last)) {
      OutcomeMark& mark = said.mark;
      if (said.alert_began != 0 && learned_.times.fired != 0 && said.alert_began >= learned_.times.fired)
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
    learned_.reports = fleet_.reports();
    conclude(drill_, learned_, outcome_);
    event("verdict", {{"verdict", verdict_name(outcome_.verdict)},
                      {"exitCode", outcome_.exit_code},
                      {"reason", outcome_.reason}});
  }

  // One step of waiting: new samples and reports, renewed leases, a progress line.
  void tick() {
    options_.sleep(kTick);
    take_marks(false);
    fleet_.collect(learned_.gates.horizon(), [&](const contract::Sample& sample) {
      if (ImpactWatch::is_check(sample.probe()))
        learned_.impact.add(sample);
      else if (const auto asked = learned_.histories.find(sample.probe()); asked != learned_.histories.end())
        asked->second.add(sample);  // an agent's word on what nobody asked is no word
    });
    RunProgress progress{phase_, detail_, Duration(now() - phase_start_), expected_, {}, {}};
    for (const auto& [host, report] : fleet_.reports()) progress.packets.add(report);
    for (const ProbeSpec& probe : experiment_.probes)
      progress.probes.emplace_back(probe.probe.name(),
                                   learned_.histories[probe.probe.name()].recent_ratio(5s, now()));
    options_.observer->progress(progress);
    if (now() - told_so_far_ >= kSoFarEvery.count()) tell_so_far();
  }

  void tell_so_far() {
    told_so_far_ = now();
    if (!options_.so_far) return;
    learned_.reports = fleet_.reports();
    options_.so_far(outcome_so_far(drill_, learned_, outcome_, now()));
  }

  void judge_gates() {
    learned_.gates.judge(learned_.histories, learned_.times.fired, now(), [&](const OutcomeGate& gate) {
      event("gate", {{"gate", gate.gate}, {"passed", *gate.passed}});
      detail_ = "gate " + std::string(*gate.passed ? "passed, " : "failed, nothing more fires: ") + gate.gate;
    });
  }

  [[nodiscard]] Duration end_of_faults() const {
    Duration end{0};
    const Duration reach = learned_.gates.failed() ? learned_.gates.horizon() : Duration::max();
    for (const FaultSpec& fault : experiment_.faults)
      if (fault.at < reach) end = std::max(end, fault.at + fault.duration);
    return end;
  }

  // The first guard that is breached now, and why.
  std::optional<std::pair<const Guard*, std::string>> first_breach() {
    PacketTotals packets;
    for (const auto& [host, report] : fleet_.reports()) packets.add(report);
    const GuardFacts facts{learned_.impact.unexpected(plan_.predicted, now()), packets.leaked, fleet_.size(),
                           fleet_.lost().size(), learned_.impact.blind(now())};
    for (const Guard& guard : experiment_.guards)
      if (auto why = breach(guard, learned_.histories, now(), facts))
        return std::pair(&guard, std::move(*why));
    return std::nullopt;
  }

  bool guards_breached() {
    const auto breached = first_breach();
    if (!breached) return false;
    const auto& [guard, why] = *breached;
    learned_.breaches[guard] = {guard->text, true, Duration(now() - learned_.times.fired), why};
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
    if (learned_.stop_reason.empty()) learned_.stop_reason = reason;
  }

  // Ends the run with an error before or while something was armed; always false.
  bool refuse(const Error& error) {
    learned_.refused = error;
    if (error.kind == ErrorKind::kStranded && armed_) learned_.stranded = true;
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
    tell_so_far();
  }
  void leave_phase() {
    if (!outcome_.phases.empty() && outcome_.phases.back().end == 0) outcome_.phases.back().end = now();
  }

  void event(const std::string& type, const json& data) { options_.observer->event(now(), type, data); }
  PreconditionTold telling() {
    return [this](const OutcomePrecondition& told) {
      if (told.precondition == kWindowsPrecondition)
        event("window", {{"open", told.met}, {"standing", told.answer}, {"override", told.overridden}});
      else
        event("precondition", {{"precondition", told.precondition},
                               {"for", told.purpose},
                               {"met", told.met},
                               {"why", told.answer}});
      outcome_.preconditions.push_back(told);
    };
  }
  void note(const std::string& text) { outcome_.notes.push_back(text); }
  [[nodiscard]] UnixNs now() const { return options_.now(); }

  const Drill& drill_;
  const Plan& plan_;
  const Experiment& experiment_;
  Channel& channel_;
  const ConductOptions& options_;
  Learned learned_;
  Fleet fleet_;
  Outcome outcome_;
  std::string phase_, detail_;
  UnixNs phase_start_ = 0, told_so_far_ = 0;
  Duration expected_{0};
  bool probing_ = false, armed_ = false, by_person_ = false;
};

}  // namespace

Outcome conduct(const Plan& plan, const Experiment& experiment, const Topology& topology, Channel& channel,
                const ConductOptions& options) {
  const Drill drill{plan, experiment, topology};
  return Run(drill, channel, options).run();
}

}  // namespace blackstart
