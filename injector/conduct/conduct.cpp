// SPDX-License-Identifier: Apache-2.0
#include "injector/conduct/conduct.h"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "injector/conduct/conclude.h"
#include "injector/conduct/fleet.h"
#include "injector/conduct/leftovers.h"
#include "injector/conduct/preconditions.h"
#include "injector/conduct/records.h"
#include "injector/conduct/returns.h"
#include "injector/conduct/stops.h"
#include "injector/conduct/telling.h"
#include "injector/conduct/timeline.h"
#include "injector/plan/returning.h"

namespace blackstart {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr Duration kTick = 100ms;
constexpr Duration kFireLead = 500ms;      // from the order to fire to T0: every agent must hear of it
constexpr Duration kSteadyPatience = 30s;  // beyond steadyState.for, before T0
constexpr Duration kSoFarEvery = 1s;
constexpr Duration kLookOn = 3s;      // where no probe asks: for the services' checks to see what is back
constexpr Duration kUnfinished = 2s;  // after the last phase, for answers still under way

class Run {
 public:
  Run(const Drill& drill, Channel& channel, const ConductOptions& options)
      : drill_(drill),
        plan_(drill.plan),
        experiment_(drill.experiment),
        channel_(channel),
        options_(options),
        learned_(drill),
        returns_(drill.plan, drill.experiment.recovery),
        fleet_(channel, options.run, plan_.orders, probes_by_host(experiment_, learned_.impact, options.run)),
        outcome_(outcome_at_start(drill, options.run)),
        telling_(options, outcome_) {
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
      telling_.leave();
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
      if (!by_person_) bring_back();
      take_returns(true);
      if (!by_person_) recover();
    }
    settle();
    check_residue();
  }

  bool preflight() {
    enter("preflight");
    if (auto ok = check_windows(experiment_.windows, now(), expected_length(plan_, experiment_),
                                options_.window_override, telling_.of_preconditions());
        !ok)
      return refuse(ok.error());
    if (auto ok = fleet_.hello(); !ok) return refuse(ok.error());
    if (auto ok = ask_preconditions(experiment_, channel_, options_, telling_.of_preconditions()); !ok)
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
      const auto guard =
          window.held == std::optional(true) ? first_breach(drill_, learned_, fleet_, now()) : std::nullopt;
      if (window.held == std::optional(true) && !guard) {
        learned_.times.steady_start = window.from;
        if (auto ok =
                judge_preconditions(experiment_, learned_.histories, window.to, telling_.of_preconditions());
            !ok)
          return refuse(ok.error());
        tell_of_what_is_hurt(window);
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

  // Before anything is touched.
  void tell_of_what_is_hurt(const SteadyWindow& window) {
    std::vector<std::string> down, degraded;
    for (const auto& [name, service] : drill_.topology.services) {
      const Impact seen = learned_.impact.observed(name, window.from, window.to);
      if (seen == Impact::kDown) down.push_back(name);
      if (seen == Impact::kDegraded) degraded.push_back(name);
    }
    for (const std::string& text : hurt_already(down, degraded)) telling_.warn(text);
    if (!down.empty() || !degraded.empty()) event("hurt-before", {{"down", down}, {"degraded", degraded}});
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
    if (aborted() || clock_set()) return false;
    const UnixNs t0 = now() + kFireLead.count();
    learned_.times.fired = t0;
    if (auto ok = fleet_.fire(t0, learned_.gates.horizon()); !ok) return refuse(ok.error());
    event("fire", {{"at", rfc3339(t0)}});
    while (now() < t0) {
      tick();
      if (aborted() || clock_set()) return false;
    }
    return true;
  }

  void hold() {
    enter("hold", plan_.end);
    while (now() <
           learned_.times.fired + end_of_hold(plan_, experiment_, learned_.gates, fleet_.reports()).count()) {
      tick();
      judge_gates();
      tell_of_faults();
      if (aborted() || clock_set() || guards_breached() || ends(agents_lost(experiment_, fleet_))) return;
    }
  }

  void revert() {
    const std::string reason = learned_.stop_reason.empty() && !learned_.refused ? "end"
                               : by_person_                                      ? "abort"
                                                                                 : "guard";
    const UnixNs asked = now();
    down_ = reason == "end" && !returns_.empty();
    const auto reverted =
        fleet_.revert(reason, down_);  // before a word is printed: nobody may be listening any more
    enter("revert");
    learned_.times.reverted =
        std::min(asked, learned_.times.fired + end_of_faults(experiment_, learned_.gates).count());
    if (learned_.times.fired > now())
      learned_.times.fired = learned_.times.reverted = 0;  // taken back before it began
    learned_.times.returned = learned_.times.reverted;
    if (!reverted) strand(reverted.error());
    if (reverted && fleet_.lost().empty()) learned_.reverted_by = reason;
    event("revert", {{"reason", reason}});
  }

  // What the faults killed, stage by stage; then every host is free, whatever it has down.
  void bring_back() {
    if (!down_) return;
    enter("return", expected_return(plan_, experiment_.recovery));
    while (!aborted() && !clock_set()) {
      const Returns::Step step = returns_.step(now(), fleet_.reports(), learned_.impact.checks());
      for (const std::string& stage : step.began) event("return", {{"stage", stage}});
      for (const std::string& told : step.told) note(told);
      if (!step.start.empty()) {
        event("start", {{"services", step.start}});
        if (auto ok = fleet_.bring_back(step.start); !ok) note(ok.error().message());
        learned_.times.returned = now();
      }
      if (returns_.over()) break;
      tell_of_return();
      tick();
    }
    // Also what was asked of nobody: no stage named it.
    if (auto free = fleet_.revert(learned_.stop_reason.empty() ? "end" : "abort"); !free)
      strand(free.error());
    event("returned", {{"at", rfc3339(now())}});
  }

  void recover() {
    if (learned_.times.fired == 0) return;
    if (experiment_.probes.empty()) return look_on();
    const Duration watch = experiment_.recovery.watch;
    enter("recover", watch);
    while (true) {
      tick();
      if (aborted() || clock_set())
        return learned_.recovered.reset();  // what was bad then had time left to return
      learned_.recovered =
          steady(experiment_.probes, learned_.histories, watch, learned_.times.returned, now()).held;
      if (learned_.recovered == std::optional(true)) return;
      if (fleet_.lost().size() == fleet_.size()) {
        note("no agent answers any more: nobody can say whether the steady state returned");
        return;
      }
      if (now() - learned_.times.returned > (watch + experiment_.recovery.within).count()) {
        note("the steady state did not return: " +
             why_not_steady(experiment_.probes, learned_.histories, now() - watch.count(), now()));
        return;
      }
    }
  }

  void look_on() {
    if (learned_.impact.checks().empty()) return;
    enter("recover", kLookOn);
    for (const UnixNs until = now() + kLookOn.count(); now() < until && !aborted() && !clock_set();) tick();
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
    const Duration time = read_back_time(experiment_, learned_.histories, learned_.times.ended);
    enter("records", time);
    if (auto ok = fleet_.start_probes(record_readers(experiment_, options_.run)); !ok)
      return note("the records were not read back: " + ok.error().message());
    for (const UnixNs until = now() + time.count(); now() < until && !aborted();) tick();
  }

  void check_residue() {
    enter("residue");
    if (armed_) take_stock(fleet_, learned_, outcome_);
    if (!outcome_.residue.empty()) event("residue", {{"objects", outcome_.residue}});
    telling_.leave();
  }

  // What people and alerts said, into record and outcome.
  void take_marks(bool last) {
    if (!options_.said) return;
    for (SaidMark& said : options_.said(last)) {
      if (said.alert_began != 0 && learned_.times.fired != 0 && said.alert_began >= learned_.times.fired)
        said.mark.mark = "detected";
      telling_.mark(std::move(said.mark));
    }
  }

  void take_returns(bool last) {
    if (!options_.said_returns) return;
    for (const SaidReturn& said : options_.said_returns(last)) {
      telling_.return_asked(said);
      returns_.say(said);
    }
  }

  void finish() {
    take_marks(true);
    std::stable_sort(outcome_.marks.begin(), outcome_.marks.end(),
                     [](const OutcomeMark& a, const OutcomeMark& b) { return a.at < b.at; });
    learn_from_agents();
    conclude(drill_, learned_, outcome_);
    event("verdict", {{"verdict", verdict_name(outcome_.verdict)},
                      {"exitCode", outcome_.exit_code},
                      {"reason", outcome_.reason}});
  }

  // One step of waiting: new samples and reports, renewed leases, a progress line.
  void tick() {
    options_.sleep(kTick);
    take_marks(false);
    take_returns(false);
    fleet_.collect(learned_.gates.horizon(), [&](const contract::Sample& sample) {
      if (ImpactWatch::is_check(sample.probe()))
        learned_.impact.add(sample);
      else if (const auto asked = learned_.histories.find(sample.probe()); asked != learned_.histories.end())
        asked->second.add(sample);  // an agent's word on what nobody asked is no word
    });
    RunProgress progress;
    for (const auto& [host, report] : fleet_.reports()) progress.packets.add(report);
    for (const ProbeSpec& probe : experiment_.probes)
      progress.probes.emplace_back(probe.probe.name(),
                                   learned_.histories[probe.probe.name()].recent_ratio(5s, now()));
    telling_.progress(std::move(progress));
    if (now() - told_so_far_ >= kSoFarEvery.count()) tell_so_far();
  }

  void learn_from_agents() {
    learned_.reports = fleet_.reports();
    learned_.returning = returns_.all();
  }

  void tell_so_far() {
    told_so_far_ = now();
    if (!options_.so_far) return;
    learn_from_agents();
    options_.so_far(outcome_so_far(drill_, learned_, outcome_, now()));
  }

  void judge_gates() {
    learned_.gates.judge(learned_.histories, learned_.times.fired, now(), [&](const OutcomeGate& gate) {
      event("gate", {{"gate", gate.gate}, {"passed", *gate.passed}});
      telling_.line("gate " + std::string(*gate.passed ? "passed, " : "failed, nothing more fires: ") +
                    gate.gate);
    });
  }

  // Where the return stands, and once a stage for whom it waits.
  void tell_of_return() {
    const auto& wait = returns_.wait();
    telling_.wait(wait);
    if (wait && wait->stage != waited_in_) {
      waited_in_ = wait->stage;
      event("return-waits", json_of(*wait));
      telling_.line(in_words(*wait, learned_.times.fired));
    } else if (!wait) {
      telling_.detail(returns_.where());
    }
  }

  // Each fault once, when its time has come.
  void tell_of_faults() {
    const Duration at(now() - learned_.times.fired);
    for (const PlanFault& fault : plan_.faults)
      if (fault.start <= at && fault.start < learned_.gates.horizon() && told_of_.insert(fault.id).second)
        event("fault", {{"id", fault.id}, {"kind", fault.kind}, {"what", fault.what}});
  }

  bool guards_breached() {
    const auto breached = first_breach(drill_, learned_, fleet_, now());
    if (!breached) return false;
    const auto& [guard, why] = *breached;
    learned_.breaches[guard] = {guard->text, true, Duration(now() - learned_.times.fired), why};
    event("guard", {{"guard", guard->text}, {"why", why}});
    stop("guard breached: " + guard->text + " (" + why + ")");
    return true;
  }

  [[nodiscard]] Duration set_by() const { return options_.clock_set ? options_.clock_set() : Duration{0}; }
  bool clock_set() { return ends(clock_was_set(set_by())); }
  bool ends(const std::optional<EarlyEnd>& end) {
    if (!end) return false;
    event(end->event, end->data);
    stop(end->reason);
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

  void strand(const Error& error) {
    learned_.stranded = true;
    note(error.message());
    event("stranded", {{"error", error.message()}});
  }

  // Ends the run with an error before or while something was armed; always false.
  bool refuse(const Error& error) {
    learned_.refused = error;
    if (error.kind == ErrorKind::kStranded && armed_) learned_.stranded = true;
    event("refused", {{"error", error.message()}});
    return false;
  }

  void enter(const std::string& phase, Duration expected = Duration{0}) {
    telling_.enter(phase, expected);
    tell_so_far();
  }
  void event(const std::string& type, const json& data) { telling_.event(type, data); }
  void note(const std::string& text) { telling_.note(text); }
  [[nodiscard]] UnixNs now() const { return options_.now(); }

  const Drill& drill_;
  const Plan& plan_;
  const Experiment& experiment_;
  Channel& channel_;
  const ConductOptions& options_;
  Learned learned_;
  Returns returns_;
  Fleet fleet_;
  Outcome outcome_;
  Telling telling_;
  UnixNs told_so_far_ = 0;
  std::string waited_in_;          // the last stage that waited for people
  std::set<std::string> told_of_;  // faults
  bool probing_ = false, armed_ = false, by_person_ = false;
  bool down_ = false;  // what was killed waits to be started
};

}  // namespace

Outcome conduct(const Plan& plan, const Experiment& experiment, const Topology& topology, Channel& channel,
                const ConductOptions& options) {
  const Drill drill{plan, experiment, topology};
  return Run(drill, channel, options).run();
}

}  // namespace blackstart
