// SPDX-License-Identifier: Apache-2.0
#include "injector/conduct/times.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

namespace blackstart {
namespace {

struct Milestone {
  const char *time, *mark;
};
constexpr Milestone kMilestoneTimes[]{
    {"detect", "detected"}, {"acknowledge", "acknowledged"}, {"command", "command"}, {"decide", "decided"}};

// A moment that came before T0 took no time.
Duration since(UnixNs zero, UnixNs moment) {
  return Duration(std::max<int64_t>(0, moment - zero));
}

bool by_alert(const OutcomeMark& mark) {
  return mark.source.starts_with("alert ");
}

void fill_marks(const RunTimes& times, bool alerts, Outcome& outcome) {
  const bool people = std::any_of(outcome.marks.begin(), outcome.marks.end(),
                                  [](const OutcomeMark& mark) { return !by_alert(mark); });
  for (const Milestone& milestone : kMilestoneTimes) {
    const auto first = std::find_if(outcome.marks.begin(), outcome.marks.end(), [&](const OutcomeMark& mark) {
      return mark.mark == milestone.mark && mark.at >= outcome.t0;
    });
    const bool alert_would_say = alerts && std::string_view(milestone.time) == "detect";
    if (first != outcome.marks.end())
      outcome.times.push_back({milestone.time, "", since(outcome.t0, first->at), false});
    else if (people || alert_would_say)
      outcome.times.push_back({milestone.time, "", since(outcome.t0, times.ended), true});
  }
}

bool was_asked(const Outcome& outcome, const std::string& probe) {
  const auto found = outcome.probes.find(probe);
  return found != outcome.probes.end() && found->second.during.has_value();
}

void fill_mitigate(const RunTimes& times, Outcome& outcome) {
  const UnixNs seen_until = times.reverted == 0 ? times.ended : times.reverted;
  std::map<std::string, std::optional<OutcomeTime>> of;  // by journey; nullopt: not known
  for (const OutcomeHypothesis& each : outcome.hypothesis) {
    if (each.probe.empty()) continue;
    std::optional<OutcomeTime> time;
    if (each.met && each.at)
      time = {"mitigate", each.probe, since(outcome.t0, times.fired + each.at->count()), false};
    else if (each.met || (!each.at && was_asked(outcome, each.probe)))  // bad to the end, early as that was
      time = {"mitigate", each.probe, since(outcome.t0, seen_until), true};
    const auto [known, first] = of.try_emplace(each.probe, time);
    if (first) continue;
    std::optional<OutcomeTime>& worst = known->second;
    if (!time || !worst)
      worst.reset();
    else if (time->took > worst->took)
      worst = time;
  }
  for (const auto& [journey, time] : of)
    if (time) outcome.times.push_back(*time);
}

// Up to where a probe was asked; the end, where nobody counted over time.
UnixNs known_until(const OutcomeProbe& probe, Duration step, UnixNs ended) {
  if (step == Duration{0} || probe.series.empty()) return ended;
  return std::min(ended, probe.series.back().at + step.count());
}

std::optional<OutcomeTime> recover_time(const std::string& journey, const Outcome& outcome,
                                        const Experiment& experiment, const RunTimes& times, bool recovered) {
  const OutcomeProbe& probe = outcome.probes.at(journey);
  if (!probe.after) return std::nullopt;
  const Duration watch = experiment.recovery.watch;
  const UnixNs until = known_until(probe, outcome.series_step, times.ended);
  const bool kept = recovered || (until - times.reverted >= watch.count() &&
                                  (probe.last_failure == 0 || until - probe.last_failure >= watch.count()));
  if (kept)
    return OutcomeTime{"recover", journey,
                       probe.impact_to == 0 ? Duration{0} : since(outcome.t0, probe.impact_to), false};
  Duration pause = ProbeHistory::kSilence;
  for (const ProbeSpec& spec : experiment.probes)
    if (spec.probe.name() == journey) pause += patience_of(spec);
  if (Duration(times.ended - until) > pause) return std::nullopt;
  return OutcomeTime{"recover", journey, since(outcome.t0, times.ended), true};
}

// Of all journeys: the longest, and unknown when one of them is.
std::optional<OutcomeTime> worst(const Outcome& outcome, const char* time, size_t journeys) {
  std::optional<OutcomeTime> worst;
  size_t known = 0;
  for (const OutcomeTime& each : outcome.times) {
    if (each.time != time) continue;
    ++known;
    if (!worst || each.took > worst->took) worst = each;
  }
  return known < journeys ? std::nullopt : worst;
}

void fill_recover(const Experiment& experiment, const RunTimes& times, bool recovered, Outcome& outcome) {
  for (const auto& [name, probe] : outcome.probes)
    if (const auto time = recover_time(name, outcome, experiment, times, recovered))
      outcome.times.push_back(*time);
}

}  // namespace

void fill_times(const Experiment& experiment, const RunTimes& times, std::optional<bool> recovered,
                bool alerts, Outcome& outcome) {
  if (outcome.t0 == 0) return;
  fill_marks(times, alerts, outcome);
  fill_mitigate(times, outcome);
  if (times.reverted == 0) return;
  fill_recover(experiment, times, recovered.value_or(false), outcome);
}

void fill_full_restore(const ImpactWatch& impact, const RunTimes& times, Outcome& outcome) {
  if (outcome.t0 == 0 || times.reverted == 0) return;
  OutcomeTime restored{"full-restore", "", Duration{0}, false};
  size_t asked = 0;
  for (const OutcomeTime& each : outcome.times) {
    if (each.time != "recover") continue;
    ++asked;
    restored.took = std::max(restored.took, each.took);
    restored.censored = restored.censored || each.censored;
  }
  if (asked < outcome.probes.size()) return;
  constexpr int64_t kSecond = Duration(std::chrono::seconds(1)).count();
  for (const auto& [name, service] : outcome.services) {
    if (impact.observed(name, times.steady_start, times.fired) != Impact::kUnaffected) continue;
    ++asked;
    UnixNs hurt_until = 0, known_until = 0;
    for (UnixNs second = times.fired; second + kSecond <= times.ended; second += kSecond) {
      const Impact state = impact.observed(name, second, second + kSecond);
      if (state == Impact::kUnknown) continue;
      known_until = second + kSecond;
      if (state != Impact::kUnaffected) hurt_until = known_until;
    }
    if (known_until < times.reverted) return;
    const bool still_hurt = hurt_until == known_until;
    restored.censored = restored.censored || still_hurt;
    if (hurt_until != 0)
      restored.took = std::max(restored.took, since(outcome.t0, still_hurt ? times.ended : hurt_until));
  }
  if (asked > 0) outcome.times.push_back(restored);
}

void fill_objectives(const Objectives& objectives, Outcome& outcome) {
  std::set<std::string> judged;
  for (const OutcomeHypothesis& each : outcome.hypothesis)
    if (!each.probe.empty()) judged.insert(each.probe);
  const auto of_run = [&](const char* name) { return worst(outcome, name, 1); };
  const auto responded = [&]() -> std::optional<OutcomeTime> {
    const auto acknowledged = of_run("acknowledge"), command = of_run("command");
    if (!acknowledged || !command) return acknowledged ? acknowledged : command;
    if (acknowledged->censored != command->censored) return acknowledged->censored ? command : acknowledged;
    return acknowledged->took <= command->took ? acknowledged : command;
  };
  const auto add = [&](const char* name, const std::optional<Duration>& target, const std::string& clock,
                       const std::optional<OutcomeTime>& time) {
    if (!target) return;
    outcome.objectives.push_back(
        {name, *target, time ? std::optional(time->took) : std::nullopt, time && time->censored, clock});
  };
  const bool respond = objectives.clock == "respond";
  add("detect", objectives.detect, "", of_run("detect"));
  add("mitigate", objectives.mitigate, objectives.clock,
      respond ? responded() : worst(outcome, "mitigate", std::max<size_t>(1, judged.size())));
  add("recover", objectives.recover, objectives.clock,
      respond ? responded() : worst(outcome, "recover", std::max<size_t>(1, outcome.probes.size())));
}

}  // namespace blackstart
