// SPDX-License-Identifier: Apache-2.0
#include "injector/report/changes.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "injector/record/score.h"
#include "injector/report/findings.h"
#include "injector/report/returning.h"
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
    add(what, seconds(*before - *after), lasting(*before), lasting(*after));
  }

  // A lower bound is worth something where the other time is on its far side.
  void times(const std::string& what, const OutcomeTime& before, const OutcomeTime& after) {
    const Duration gain = before.took - after.took;
    const bool unclear = (before.censored && gain <= Duration{0}) || (after.censored && gain >= Duration{0});
    if (unclear || std::chrono::abs(gain) <= kNoise) return;
    add(what, seconds(gain), lasting(before.took, before.censored), lasting(after.took, after.censored));
  }

  // Records nobody could say anything of may be lost too: a change is one whatever became of them.
  void lost(const std::string& what, const OutcomeRecords& before, const OutcomeRecords& after) {
    const auto words = [](const OutcomeRecords& records) {
      return grouped(records.lost) +
             (records.unknown ? " (" + grouped(records.unknown) + " unknown)" : std::string());
    };
    if (before.acknowledged == 0 || after.acknowledged == 0) return;
    if (after.lost + after.unknown < before.lost) add(what, 1, words(before), words(after));
    if (before.lost + before.unknown < after.lost) add(what, -1, words(before), words(after));
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

using GrayPair = std::pair<std::string, std::string>;  // service, journey

// How long each pair was gray.
std::map<GrayPair, Duration> gray(const Outcome& outcome) {
  std::map<GrayPair, Duration> pairs;
  for (const OutcomeGray& each : outcome.gray)
    pairs[{each.service, each.journey}] += Duration(each.to - each.from);
  return pairs;
}

// nullopt: nobody looked at one of the two.
std::optional<Duration> gray_time(const Outcome& outcome, const GrayPair& pair) {
  const std::map<GrayPair, Duration> known = gray(outcome);
  if (const auto found = known.find(pair); found != known.end()) return found->second;
  const auto service = outcome.services.find(pair.first);
  const auto probe = outcome.probes.find(pair.second);
  const bool seen = service != outcome.services.end() && service->second.observed != Impact::kUnknown &&
                    probe != outcome.probes.end() && probe->second.during;
  return seen ? std::optional(Duration{0}) : std::nullopt;
}

void gray_failures(Collector& all, const Outcome& before, const Outcome& after) {
  std::map<GrayPair, Duration> pairs = gray(before);
  pairs.merge(gray(after));
  for (const auto& [pair, longest] : pairs)
    all.times(pair.first + " passed its checks while " + pair.second + " failed", gray_time(before, pair),
              gray_time(after, pair));
}

// What both runs killed, by host and service; what both started where there was none.
void returns(Collector& all, const Outcome& before, const Outcome& after) {
  for (const OutcomeReturn& was : before.returns.instances)
    for (const OutcomeReturn& is : after.returns.instances) {
      if (was.host != is.host || was.service != is.service || !was.started || !is.started) continue;
      const auto took = [](const OutcomeReturn& each) {
        return each.well ? std::optional(Duration(each.well - each.started)) : std::nullopt;
      };
      if (was.well && is.well)
        all.times(instance_name(was) + " well after its start", took(was), took(is));
      else if ((was.well || is.well) && was.state != OutcomeReturn::State::kUnseen &&
               is.state != OutcomeReturn::State::kUnseen)
        all.add(instance_name(was), is.well ? 1 : -1, was.well ? "came back" : "did not get well",
                is.well ? "came back" : "did not get well");
    }
  if (const auto was = before.returns.hosts_per_hour, is = after.returns.hosts_per_hour; was && is)
    all.add("hosts back an hour", std::abs(*is - *was) < 0.05 * *was ? 0 : *is - *was,
            grouped(static_cast<uint64_t>(std::llround(*was))),
            grouped(static_cast<uint64_t>(std::llround(*is))));
  for (const OutcomeColdStart& was : before.cold_starts)
    for (const OutcomeColdStart& is : after.cold_starts)
      if (was.service == is.service && was.site == is.site)
        all.add("a fresh " + was.service + " in " + was.site,
                static_cast<double>(is.state == "ready") - static_cast<double>(was.state == "ready"),
                was.state + (was.died_for.empty() ? "" : " for want of " + was.died_for),
                is.state + (is.died_for.empty() ? "" : " for want of " + is.died_for));
}

const OutcomeTime* time_like(const OutcomeTime& wanted, const Outcome& outcome) {
  const auto found = std::find_if(outcome.times.begin(), outcome.times.end(), [&](const OutcomeTime& each) {
    return each.time == wanted.time && each.journey == wanted.journey;
  });
  return found == outcome.times.end() ? nullptr : &*found;
}

// Whether more is known than the objective says: each journey's time, each probe's records.
bool told_apart(const Outcome& outcome, const std::string& objective) {
  return (objective == "rpo" && !outcome.records.empty()) ||
         std::any_of(outcome.times.begin(), outcome.times.end(),
                     [&](const OutcomeTime& each) { return each.time == objective; });
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
    if (is == after.services.end() || impact_of_run(was) == Impact::kUnknown ||
        impact_of_run(is->second) == Impact::kUnknown)
      continue;
    all.add("service " + name, static_cast<double>(was.observed) - static_cast<double>(is->second.observed),
            observed_impact_name(was.observed), observed_impact_name(is->second.observed));
  }
  for (const auto& [name, was] : before.probes) {
    const auto is = after.probes.find(name);
    if (is == after.probes.end()) continue;
    all.ratios(name + " answered during the faults", was.during, is->second.during);
    all.ratios(name + " answered afterwards", was.after, is->second.after);
    const OutcomeTime recover{"recover", name, Duration{0}, false};
    if (!time_like(recover, before) ||
        !time_like(recover, after))  // which say the same, and whether it lasted
      all.times(name + " hurt until, after T0", hurt_until(before, was), hurt_until(after, is->second));
  }
  for (const OutcomeTime& was : before.times)
    if (const OutcomeTime* is = time_like(was, after))
      all.times("time to " + was.time + (was.journey.empty() ? "" : ", " + was.journey), was, *is);
  for (const OutcomeObjective& was : before.objectives)
    for (const OutcomeObjective& is : after.objectives)
      if (was.objective == is.objective && was.clock == is.clock && was.achieved && is.achieved &&
          !(told_apart(before, was.objective) && told_apart(after, was.objective)))
        all.times("time to " + was.objective, {was.objective, "", *was.achieved, was.censored},
                  {is.objective, "", *is.achieved, is.censored});
  for (const auto& [name, was] : before.records)
    if (const auto is = after.records.find(name); is != after.records.end()) {
      all.lost("records lost, " + name, was, is->second);
      all.times("RPO, " + name, was.rpo, is->second.rpo);
    }
  returns(all, before, after);
  gray_failures(all, before, after);
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
