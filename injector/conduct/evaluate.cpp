// SPDX-License-Identifier: Apache-2.0
#include "injector/conduct/evaluate.h"

#include <algorithm>
#include <cstdio>

namespace blackstart {
namespace {

const ProbeHistory kNoHistory;

const ProbeHistory& history_of(const Histories& histories, const std::string& probe) {
  const auto found = histories.find(probe);
  return found == histories.end() ? kNoHistory : found->second;
}

std::string percent(double ratio) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f%%", ratio * 100);
  return text;
}

std::optional<double> ratio(const ProbeHistory& history, UnixNs from, UnixNs to,
                            UnixNs answered_by = ProbeHistory::kEver) {
  if (from == 0 || to == 0) return std::nullopt;
  return history.count(from, to, answered_by).success_ratio();
}

}  // namespace

OutcomeHypothesis evaluate(const Hypothesis& hypothesis, const Histories& histories, const RunTimes& times) {
  OutcomeHypothesis outcome;
  outcome.probe = hypothesis.probe;
  outcome.text = hypothesis.probe + " successRatio " + hypothesis.success_ratio.text + " over " +
                 format_duration(hypothesis.over) + " within " + format_duration(hypothesis.within);
  if (times.fired == 0) return outcome;
  const ProbeHistory& history = history_of(histories, hypothesis.probe);
  const UnixNs end = times.reverted == 0 ? times.ended : times.reverted;
  if (history.count(times.fired, end).attempts == 0) return outcome;

  std::optional<UnixNs> since = times.fired;  // the earliest moment from which it has held ever since
  for (const auto& sample : history.samples()) {
    if (sample.scheduled <= times.fired || sample.scheduled > end) continue;
    const auto seen =
        history.count(sample.scheduled - hypothesis.over.count(), sample.scheduled).success_ratio();
    if (!seen || !hypothesis.success_ratio.holds(*seen))
      since.reset();
    else if (!since)
      since = sample.scheduled;
  }
  outcome.met = since && Duration(*since - times.fired) <= hypothesis.within;
  if (since) outcome.at = Duration(*since - times.fired);
  return outcome;
}

std::optional<std::string> breach(const Guard& guard, const Histories& histories, UnixNs now,
                                  size_t unexpected_services) {
  if (guard.unexpected_services) {
    if (guard.unexpected_services->holds(static_cast<double>(unexpected_services))) return std::nullopt;
    return std::to_string(unexpected_services) + " services are hurt that were predicted unaffected";
  }
  const ProbeHistory& history = history_of(histories, guard.probe);
  const auto seen = history.recent_ratio(guard.over, now);
  if (!seen) {
    if (guard.on_missing == Guard::OnMissing::kIgnore) return std::nullopt;
    return "no data from probe " + guard.probe;
  }
  if (guard.success_ratio.holds(*seen)) return std::nullopt;
  return guard.probe + " succeeds in " + percent(*seen);
}

SteadyWindow steady(const std::vector<ProbeSpec>& probes, const Histories& histories, Duration over,
                    UnixNs since, UnixNs now) {
  SteadyWindow window{0, now, std::nullopt};
  bool silent = false;
  for (const ProbeSpec& probe : probes) {
    const auto& history = history_of(histories, probe.probe.name());
    silent = silent || history.silent(now);
    window.to = std::min(window.to, history.settled());
  }
  window.from = window.to - over.count();
  if (silent || window.from < since) return window;
  bool known = true;
  for (const ProbeSpec& probe : probes) {
    const auto count = history_of(histories, probe.probe.name()).count(window.from, window.to);
    if (count.failures > 0) window.held = false;
    known = known && count.attempts > 0;
  }
  if (known && !window.held) window.held = true;
  return window;
}

std::string why_not_steady(const std::vector<ProbeSpec>& probes, const Histories& histories, UnixNs from,
                           UnixNs to) {
  for (const ProbeSpec& probe : probes) {
    const std::string& name = probe.probe.name();
    const auto& history = history_of(histories, name);
    const auto count = history.count(from, to);
    if (count.attempts == 0)
      return name + ": no data" + (count.missed > 0 ? " (every attempt was missed)" : "");
    if (count.failures == 0) continue;
    std::string reason;
    for (const auto& sample : history.samples())
      if (sample.outcome == contract::Sample::FAILURE && sample.scheduled > from && sample.scheduled <= to)
        reason = sample.reason;
    return name + " from " + probe.from + ": " + std::to_string(count.failures) + " of " +
           std::to_string(count.attempts) + " failed (" + reason + ")";
  }
  return "answers are still under way";
}

OutcomeProbe summarize(const ProbeSpec& probe, const ProbeHistory& history, const RunTimes& times) {
  OutcomeProbe outcome;
  outcome.from = probe.from;
  outcome.weight = probe.weight;
  const auto all = history.count(0, times.ended);
  outcome.attempts = all.attempts;
  outcome.failures = all.failures;
  outcome.missed = all.missed;
  const UnixNs cut_end = times.reverted == 0 ? times.ended : times.reverted;
  // An attempt that was under way when the cut came says nothing about the time before it.
  outcome.before = times.fired == 0 ? ratio(history, times.steady_start, times.ended)
                                    : ratio(history, times.steady_start, times.fired - 1, times.fired);
  outcome.during = times.fired == 0 ? std::nullopt : ratio(history, times.fired - 1, cut_end);
  outcome.after = ratio(history, times.reverted, times.ended);
  for (const auto& sample : history.samples()) {
    if (sample.outcome != contract::Sample::FAILURE) continue;
    outcome.last_failure = sample.scheduled;
    outcome.last_reason = sample.reason;
    if (times.fired == 0 || sample.scheduled < times.fired) continue;
    if (outcome.impact_from == 0) outcome.impact_from = sample.scheduled;
    outcome.impact_to = sample.scheduled + probe.probe.every_ns();
  }
  return outcome;
}

}  // namespace blackstart
