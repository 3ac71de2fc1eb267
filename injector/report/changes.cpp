// SPDX-License-Identifier: Apache-2.0
#include "injector/report/changes.h"

#include <optional>
#include <set>

#include "injector/record/score.h"
#include "injector/report/text.h"

namespace blackstart::report {
namespace {

constexpr Duration kNoise = std::chrono::seconds(1);  // two runs of the same system differ by as much

class Collector {
 public:
  // `gain` above 0: it got better.
  void add(const std::string& what, double gain, const std::string& before, const std::string& after) {
    if (gain == 0 || before == after) return;
    (gain > 0 ? out_.better : out_.worse).push_back({what, before, after});
  }

  void ratios(const std::string& what, std::optional<double> before, std::optional<double> after) {
    if (before && after) add(what, *after - *before, percent(before), percent(after));
  }

  void times(const std::string& what, std::optional<Duration> before, std::optional<Duration> after) {
    if (!before || !after || std::chrono::abs(*after - *before) <= kNoise) return;
    const auto words = [](Duration time) {
      return format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(time));
    };
    add(what, seconds(*before - *after), words(*before), words(*after));
  }

  void counts(const std::string& what, uint64_t before, uint64_t after) {
    add(what, static_cast<double>(before) - static_cast<double>(after), grouped(before), grouped(after));
  }

  [[nodiscard]] Changes result() && { return std::move(out_); }

 private:
  Changes out_;
};

// 1 pass, 0 fail, nothing for what is no judgement of the system.
std::optional<double> rank(Verdict verdict) {
  if (verdict == Verdict::kPass) return 1;
  if (verdict == Verdict::kFail) return 0;
  return std::nullopt;
}

void verdicts(Collector& all, const std::string& what, Verdict before, Verdict after) {
  if (const auto was = rank(before), is = rank(after); was && is)
    all.add(what, *is - *was, verdict_name(before), verdict_name(after));
}

uint64_t leaked(const Outcome& outcome) {
  uint64_t packets = 0;
  for (const OutcomeFault& fault : outcome.faults) packets += fault.leaked;
  return packets;
}

std::optional<Duration> hurt_until(const Outcome& outcome, const OutcomeProbe& probe) {
  if (!probe.during) return std::nullopt;
  return from_zero(outcome, probe.impact_to).value_or(Duration{0});
}

std::set<std::pair<std::string, std::string>> alone(const Outcome& outcome) {
  std::set<std::pair<std::string, std::string>> pairs;
  for (const SingleSiteDependency& each : outcome.single_site) pairs.insert({each.dependency, each.site});
  return pairs;
}

}  // namespace

Changes changes(const Outcome& before, const Outcome& after) {
  Collector all;
  verdicts(all, "verdict", before.verdict, after.verdict);
  verdicts(all, "recovery verdict", before.recovery_verdict, after.recovery_verdict);
  for (const auto& [name, was] : before.services) {
    const auto is = after.services.find(name);
    if (is == after.services.end() || was.observed == Impact::kUnknown ||
        is->second.observed == Impact::kUnknown)
      continue;
    all.add("service " + name, static_cast<double>(was.observed) - static_cast<double>(is->second.observed),
            observed_impact_name(was.observed), observed_impact_name(is->second.observed));
  }
  for (const auto& [name, was] : before.probes) {
    const auto is = after.probes.find(name);
    if (is == after.probes.end()) continue;
    all.ratios(name + " answered during the faults", was.during, is->second.during);
    all.ratios(name + " answered afterwards", was.after, is->second.after);
    all.times(name + " hurt until, after T0", hurt_until(before, was), hurt_until(after, is->second));
  }
  for (const OutcomeObjective& was : before.objectives)
    for (const OutcomeObjective& is : after.objectives)
      if (was.objective == is.objective && !was.censored && !is.censored)
        all.times("time to " + was.objective, was.achieved, is.achieved);
  const PredictionScore predicted = score(before), predicts = score(after);
  all.ratios("prediction, recall", predicted.recall, predicts.recall);
  all.ratios("prediction, precision", predicted.precision, predicts.precision);
  const auto stood = alone(before), stands = alone(after);
  for (const auto& each : stood)
    if (!stands.contains(each)) all.add(each.first, 1, "only in " + each.second, "in more than one site");
  for (const auto& each : stands)
    if (!stood.contains(each)) all.add(each.first, -1, "not in one site alone", "only in " + each.second);
  all.counts("packets leaked", leaked(before), leaked(after));
  all.counts("objects left behind", before.residue.size(), after.residue.size());
  return std::move(all).result();
}

}  // namespace blackstart::report
