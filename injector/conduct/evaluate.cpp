// SPDX-License-Identifier: Apache-2.0
#include "injector/conduct/evaluate.h"

#include <algorithm>
#include <cstdio>

namespace blackstart {
namespace {

const ProbeHistory kNoHistory;
// Beyond what an attempt may take: a busy machine.
constexpr Duration kHole = std::chrono::seconds(1);

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

std::string no_data(const std::string& about) {
  return "no data from " + about;
}

// What was seen in the newest breached window, when enough of the last ones are.
std::optional<std::string> breach_of_probe(const Guard& guard, const Histories& histories, UnixNs now) {
  const ProbeHistory& history = history_of(histories, guard.probe);
  const UnixNs first = history.samples().empty() ? now : history.samples().front().scheduled;
  int breached = 0;
  std::string why;
  for (int back = 0; back < guard.windows; ++back) {
    const bool silent = back == 0 && history.silent(now);
    const UnixNs to = (history.silent(now) ? now : history.settled()) - back * guard.over.count();
    if (back > 0 && to <= first) break;  // nobody had asked yet
    const auto seen =
        silent ? std::nullopt : look(guard, guard.probe, histories, to - guard.over.count(), to);
    if (seen ? seen->holds : guard.on_missing == Guard::OnMissing::kIgnore) continue;
    ++breached;
    if (why.empty()) why = seen ? seen->text : no_data("probe " + guard.probe);
  }
  if (breached < guard.breaches) return std::nullopt;
  return why;
}

// An answer that does not hold is a breach; every other failure is no answer.
bool is_answer(const ProbeHistory::Sample& sample) {
  return sample.outcome == contract::Sample::SUCCESS ||
         (sample.outcome == contract::Sample::FAILURE && sample.reason.starts_with("value ") &&
          sample.reason != "value NaN");
}

// The same for the last answers of a query.
std::optional<std::string> breach_of_query(const Guard& guard, const Histories& histories, UnixNs now) {
  const ProbeHistory& history = history_of(histories, guard.query->probe.name());
  const bool missing_breaches = guard.on_missing == Guard::OnMissing::kBreach;
  int asked = 0, breached = 0;
  std::string why;
  const auto count = [&](const std::string& reason) {
    ++breached;
    if (why.empty()) why = reason;
  };
  if (history.silent(now)) {
    ++asked;
    if (missing_breaches) count(no_data(guard.text));
  }
  for (auto sample = history.samples().rbegin(); sample != history.samples().rend(); ++sample) {
    if (asked == guard.windows) break;
    if (sample->outcome == contract::Sample::UNKNOWN || sample->scheduled > history.settled()) continue;
    ++asked;
    if (sample->outcome == contract::Sample::SUCCESS) continue;
    if (is_answer(*sample))
      count(sample->reason);
    else if (missing_breaches)
      count(no_data(guard.text) + " (" + sample->reason + ")");
  }
  if (breached < guard.breaches) return std::nullopt;
  return why;
}

}  // namespace

std::optional<Seen> look(const Demand& demand, const std::string& probe, const Histories& histories,
                         UnixNs from, UnixNs to) {
  const ProbeHistory& history = history_of(histories, probe);
  const std::vector<Duration> took = history.latencies(from, to);
  if (took.empty()) return std::nullopt;
  Seen seen{true, probe};
  if (demand.success_ratio) {
    const double share = *history.count(from, to).success_ratio();
    seen.holds = demand.success_ratio->holds(share);
    seen.text += " succeeds in " + percent(share);
  }
  for (const auto& [percentile, limit] : demand.latency) {
    const size_t rank = (took.size() * static_cast<size_t>(percentile) + 99) / 100;
    const Duration at_rank = took[std::max<size_t>(rank, 1) - 1];
    const bool failed = at_rank == Duration::max();
    seen.holds = seen.holds && !failed && limit.holds(seconds(at_rank));
    seen.text += (seen.text.size() > probe.size() ? ", p" : " p") + std::to_string(percentile) +
                 (failed ? " is a failure" : " is " + format_duration(at_rank));
  }
  return seen;
}

Duration patience_of(const ProbeSpec& spec) {
  return Duration(spec.probe.every_ns() + spec.probe.timeout_ns());
}

Duration longest_pause(const ProbeHistory& history) {
  return history.patience() + kHole;
}

bool has_hole(const ProbeHistory& history, UnixNs from, UnixNs to) {
  UnixNs answered = from;
  for (const auto& sample : history.samples()) {
    if (sample.outcome != contract::Sample::SUCCESS && sample.outcome != contract::Sample::FAILURE) continue;
    if (sample.scheduled <= from || sample.scheduled > to) continue;
    if (Duration(sample.scheduled - answered) > longest_pause(history)) return true;
    answered = sample.scheduled;
  }
  return Duration(to - answered) > longest_pause(history);
}

OutcomeHypothesis evaluate(const Hypothesis& hypothesis, const Histories& histories, const RunTimes& times) {
  OutcomeHypothesis outcome;
  outcome.probe = hypothesis.probe;
  outcome.text =
      hypothesis.probe + " " + hypothesis.Demand::text() + " within " + format_duration(hypothesis.within);
  if (times.fired == 0) return outcome;
  const ProbeHistory& history = history_of(histories, hypothesis.probe);
  const UnixNs end = times.reverted == 0 ? times.ended : times.reverted;
  if (history.count(times.fired, end).attempts == 0) return outcome;

  std::optional<UnixNs> since = times.fired;  // the earliest moment from which it has held ever since
  for (const auto& sample : history.samples()) {
    if (sample.scheduled <= times.fired || sample.scheduled > end) continue;
    if (sample.outcome == contract::Sample::MISSED) continue;
    const auto seen = look(hypothesis, hypothesis.probe, histories,
                           sample.scheduled - hypothesis.over.count(), sample.scheduled);
    if (!seen) continue;
    if (!seen->holds)
      since.reset();
    else if (!since)
      since = sample.scheduled;
  }
  if (since) outcome.at = Duration(*since - times.fired);
  if (since ? *outcome.at > hypothesis.within : Duration(end - times.fired) >= hypothesis.within)
    outcome.met = false;
  else if (since && !has_hole(history, *since, end))
    outcome.met = true;
  return outcome;
}

std::optional<std::string> breach(const Guard& guard, const Histories& histories, UnixNs now,
                                  const GuardFacts& facts) {
  if (guard.query) return breach_of_query(guard, histories, now);
  if (!guard.probe.empty()) return breach_of_probe(guard, histories, now);
  const auto broken = [](const std::optional<Comparison>& limit, double actual) {
    return limit && !limit->holds(actual);
  };
  if (guard.unexpected_services && facts.services_unseen && guard.on_missing == Guard::OnMissing::kBreach)
    return no_data("the checks of services");
  if (broken(guard.unexpected_services, static_cast<double>(facts.unexpected_services)))
    return std::to_string(facts.unexpected_services) + " services are hurt that were predicted unaffected";
  if (broken(guard.leaked, static_cast<double>(facts.leaked)))
    return std::to_string(facts.leaked) + " packets leaked";
  if (facts.agents > 0 &&
      broken(guard.agents_lost, static_cast<double>(facts.agents_lost) / static_cast<double>(facts.agents)))
    return std::to_string(facts.agents_lost) + " of " + std::to_string(facts.agents) +
           " agents do not answer";
  return std::nullopt;
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
    const ProbeHistory& history = history_of(histories, probe.probe.name());
    const auto count = history.count(window.from, window.to);
    if (count.failures > 0) window.held = false;
    known = known && count.attempts > 0 && !has_hole(history, window.from, window.to);
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
    if (count.failures == 0 && count.missed > 0 && has_hole(history, from, to))
      return name + ": " + std::to_string(count.missed) + " attempts were missed";
    if (count.failures == 0) continue;
    std::string reason;
    for (const auto& sample : history.samples())
      if (sample.outcome == contract::Sample::FAILURE && sample.scheduled > from && sample.scheduled <= to)
        reason = sample.reason;
    return name + " from " + (probe.from.empty() ? "the conductor" : probe.from) + ": " +
           std::to_string(count.failures) + " of " + std::to_string(count.attempts) + " failed (" + reason +
           ")";
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
  UnixNs failing_since = 0;  // since the cut; 0: it answers
  for (const auto& sample : history.samples()) {
    if (sample.scheduled > times.ended) break;
    if (sample.outcome == contract::Sample::SUCCESS && failing_since != 0) {
      outcome.failed += Duration(sample.scheduled - failing_since);
      failing_since = 0;
    }
    if (sample.outcome != contract::Sample::FAILURE) continue;
    outcome.last_failure = sample.scheduled;
    outcome.last_reason = sample.reason;
    if (times.fired == 0 || sample.scheduled < times.fired) continue;
    if (outcome.impact_from == 0) outcome.impact_from = sample.scheduled;
    if (failing_since == 0) failing_since = sample.scheduled;
    outcome.impact_to = std::min(sample.scheduled + probe.probe.every_ns(), times.ended);
  }
  outcome.still_failing = failing_since != 0;
  if (outcome.still_failing) outcome.failed += Duration(outcome.impact_to - failing_since);
  return outcome;
}

}  // namespace blackstart
