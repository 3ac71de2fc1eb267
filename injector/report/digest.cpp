// SPDX-License-Identifier: Apache-2.0
#include "injector/report/digest.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <set>

#include "injector/record/score.h"
#include "injector/report/findings.h"
#include "injector/report/returning.h"
#include "injector/report/text.h"

namespace blackstart::report {
namespace {

using namespace std::chrono_literals;

constexpr size_t kMostChanges = 10;

bool weighted(const Outcome& outcome) {
  return std::any_of(outcome.probes.begin(), outcome.probes.end(),
                     [](const auto& probe) { return probe.second.weight > 0; });
}

double weight_of(const OutcomeProbe& probe, bool by_weight) {
  return by_weight ? probe.weight : 1;
}

// How long the faults lasted, from T0 to the end of the last.
Duration faulted(const Outcome& outcome) {
  UnixNs end = outcome.t0;
  for (const OutcomeFault& fault : outcome.faults) end = std::max(end, fault.end);
  return Duration(end - outcome.t0);
}

// From T0 to the end of the last failure; nullopt: nothing failed.
std::optional<Duration> hurt_until(const Outcome& outcome) {
  UnixNs last = 0;
  for (const auto& [name, probe] : outcome.probes) last = std::max(last, probe.impact_to);
  return from_zero(outcome, last);
}

std::string coming_back(const Outcome& outcome) {
  switch (outcome.recovery_verdict) {
    case Verdict::kPass: {
      const auto until = hurt_until(outcome);
      const std::string missing = not_back_text(outcome);
      if (!until) return missing.empty() ? "Nothing had to come back." : "Not back: " + missing + ".";
      const bool all = std::all_of(outcome.probes.begin(), outcome.probes.end(),
                                   [](const auto& probe) { return probe.second.after.has_value(); });
      return std::string(all ? "Every probe" : "What could be seen") + " answered again " + lasting(*until) +
             " after the " + first_effect(outcome) +
             (missing.empty() ? "." : "; not back when the run ended: " + missing + ".");
    }
    case Verdict::kFail:
      return "The system did not come back by itself once the faults were gone.";
    default:
      return "Whether it came back is not known.";
  }
}

std::string what_users_saw(const Outcome& outcome) {
  if (outcome.verdict == Verdict::kNone) return "The drill did not run: " + outcome.reason + ".";
  if (outcome.t0 == 0) return nothing_hit(outcome) + ", so this run says nothing about the system.";
  if (outcome.probes.empty()) return "Nobody asked on behalf of users, so what they saw is not known.";
  std::vector<std::string> lost, hurt, unknown;
  for (const auto& [name, probe] : outcome.probes) {
    if (!probe.during) {
      unknown.push_back(name);
    } else if (*probe.during < probe.before.value_or(1)) {
      const std::string length =
          probe.failed > Duration{0} ? " for " + lasting(probe.failed, probe.still_failing) : "";
      (*probe.during < 0.5 ? lost : hurt)
          .push_back(name + length + " (" + percent(probe.during) + " answered during the faults)");
    }
  }
  std::vector<std::string> parts;
  if (!lost.empty()) parts.push_back("Users lost " + joined(lost));
  if (!hurt.empty()) parts.push_back((lost.empty() ? "Users felt it in " : "felt it in ") + joined(hurt));
  if (parts.empty() && unknown.size() < outcome.probes.size())
    parts.push_back("For " + lasting(faulted(outcome)) + " users noticed nothing" +
                    (unknown.empty() ? "" : " in what could be seen"));
  if (!unknown.empty())
    parts.push_back((parts.empty() ? "What happened to " : "what happened to ") + joined(unknown) +
                    " is not known");
  return joined(parts, "; ") + ". " + coming_back(outcome);
}

Figure users(const Outcome& outcome) {
  return {"requests answered", percent(answered(outcome, &OutcomeProbe::during)),
          "during the faults; " + percent(answered(outcome, &OutcomeProbe::before)) + " before, " +
              percent(answered(outcome, &OutcomeProbe::after)) + " after"};
}

Figure services_hurt(const Outcome& outcome) {
  const auto hurt = static_cast<uint64_t>(
      std::count_if(outcome.services.begin(), outcome.services.end(),
                    [](const auto& service) { return impact_of_run(service.second) > Impact::kUnaffected; }));
  const PredictionScore judged = score(outcome);
  const size_t before = judged.hurt_before.size(), unknown = judged.unknown.size();
  return {"services hurt", grouped(hurt) + " of " + grouped(outcome.services.size() - before),
          (unknown ? plural(unknown, "service") + " unknown" : "all were looked at") +
              (before ? "; beside those hurt before: " + joined(judged.hurt_before) : "")};
}

// The worst of several probes' records.
Figure data(const Outcome& outcome) {
  uint64_t acknowledged = 0, lost = 0, unknown = 0;
  std::optional<Duration> rpo = Duration{0};
  for (const auto& [probe, records] : outcome.records) {
    acknowledged += records.acknowledged;
    lost += records.lost;
    unknown += records.unknown;
    rpo = rpo && records.rpo ? std::optional(std::max(*rpo, *records.rpo)) : std::nullopt;
  }
  const bool known = acknowledged > 0 && (lost > 0 || unknown == 0);
  return {"records lost", known ? grouped(lost) : "unknown",
          "of " + grouped(acknowledged) + " acknowledged, " +
              (unknown ? grouped(unknown) + " unknown, " : "") + "RPO " + (rpo ? lasting(*rpo) : "unknown")};
}

Figure prediction(const Outcome& outcome) {
  const PredictionScore judged = score(outcome);
  return {"predicted of what was hurt", percent(judged.recall),
          grouped(judged.missed.size()) + " missed, " + plural(judged.false_alarms.size(), "false alarm")};
}

Figure back(const Outcome& outcome) {
  const std::string missing = not_back_text(outcome);
  const std::string note =
      std::string("recovery: ") +
      (outcome.recovery_verdict == Verdict::kNone ? "not needed" : verdict_name(outcome.recovery_verdict)) +
      (missing.empty() ? "" : "; not back: " + missing);
  const auto until = hurt_until(outcome);
  if (!until) return {"all probes well after", outcome.t0 ? "no failure seen" : "unknown", note};
  // The last failure of a system that never came back is only where the watching stopped.
  const bool bound = outcome.recovery_verdict != Verdict::kPass;
  return {"all probes well after", lasting(*until, bound), note};
}

Figure injected(const Outcome& outcome) {
  uint64_t dropped = 0, leaked = 0;
  for (const OutcomeFault& fault : outcome.faults) {
    dropped += fault.dropped;
    leaked += fault.leaked;
  }
  return {"packets dropped", grouped(dropped), grouped(leaked) + " leaked through the cut"};
}

Figure killed(const Outcome& outcome) {
  OutcomeFault::Processes sum;
  for (const OutcomeFault& fault : outcome.faults) {
    const OutcomeFault::Processes hit = processes_hit(fault);
    sum.killed += hit.killed;
    sum.respawns_killed += hit.respawns_killed;
    sum.frozen += hit.frozen;
  }
  return {"processes killed", grouped(sum.killed),
          grouped(sum.frozen) + " frozen, " + grouped(sum.respawns_killed) + " killed as they started"};
}

Figure returned(const Outcome& outcome) {
  const auto lines = return_text(outcome);
  const auto rate = outcome.returns.hosts_per_hour;
  return {"hosts back an hour", rate ? grouped(static_cast<uint64_t>(std::llround(*rate))) : "unknown",
          joined(lines, "; ")};
}

Figure left_behind(const Outcome& outcome) {
  return {"residue", outcome.residue.empty() ? "none" : grouped(outcome.residue.size()),
          "left behind on the hosts"};
}

}  // namespace

std::string moment_text(const Outcome& outcome, UnixNs moment) {
  return moment == 0 ? "-" : since(from_zero(outcome, moment));
}

std::string verdict_word(const Outcome& outcome) {
  if (outcome.verdict == Verdict::kNone) return "NOT RUN";
  std::string word = verdict_name(outcome.verdict);
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::toupper(c); });
  if (outcome.expected_failure && outcome.verdict == Verdict::kFail && outcome.exit_code == kExitPass)
    word += " (expected)";
  return word;
}

std::string headline(const Outcome& outcome) {
  std::string text = what_users_saw(outcome);
  for (const std::string& lost : data_lost(outcome)) text += " Data: " + lost + ".";
  return text;
}

std::vector<Figure> figures(const Outcome& outcome) {
  if (outcome.verdict == Verdict::kNone) return {left_behind(outcome)};
  std::vector<Figure> list{users(outcome),      services_hurt(outcome), back(outcome),
                           prediction(outcome), left_behind(outcome),   injected(outcome)};
  if (!outcome.records.empty()) list.insert(list.begin() + 1, data(outcome));
  if (!return_text(outcome).empty()) list.insert(list.begin() + 3, returned(outcome));
  if (std::any_of(outcome.faults.begin(), outcome.faults.end(),
                  [](const OutcomeFault& fault) { return !fault.processes.empty(); }))
    list.push_back(killed(outcome));
  return list;
}

std::vector<std::string> advice(const Outcome& outcome) {
  std::vector<std::string> list;
  for (const OutcomePrecondition& each : outcome.preconditions)
    if (!each.met && each.overridden.empty())
      list.push_back("Before the next try, make this true: " + each.precondition +
                     (each.purpose.empty() ? "" : " (" + each.purpose + ")") +
                     (each.answer.empty() ? "." : "; it was red: " + each.answer + "."));
  for (const std::string& left : outcome.residue) list.push_back("Clean up what was left behind: " + left);
  if (outcome.recovery_verdict == Verdict::kFail)
    list.push_back(
        "Find what keeps the system down although the faults are gone: it needs a hand to come back.");
  for (const auto& [probe, records] : outcome.records) {
    if (records.lost > 0)
      list.push_back("Acknowledge a record only when it is safe in a second site: " +
                     records_text(probe, records) + ".");
    else if (records.unknown > 0)
      list.push_back("Find out whether data was lost: " + records_text(probe, records) + ".");
  }
  for (const OutcomeReturn& each : outcome.returns.instances)
    if (each.state == OutcomeReturn::State::kFailed)
      list.push_back("Start " + instance_name(each) + " by hand" +
                     (each.why.empty() ? "." : ": " + each.why + "."));
  std::vector<std::string> unseen;
  for (const OutcomeReturn& each : outcome.returns.instances)
    if (each.state == OutcomeReturn::State::kUnseen) unseen.push_back(instance_name(each));
  if (!unseen.empty())
    list.push_back("Look whether " + and_more(unseen, 5) + " got well: the run ended before anybody could.");
  for (const auto& cycle : outcome.returns.cycles)
    list.push_back("Let one of " + joined(cycle) + " start without the others: they wait for each other.");
  for (const OutcomeColdStart& each : outcome.cold_starts)
    if (!each.died_for.empty())
      list.push_back("Let " + each.service + " start without " + each.died_for + ", or give it one in " +
                     each.site + ": " + cold_start_text(each) + ".");
  for (const OutcomeGray& gray : outcome.gray)
    list.push_back("Let the health check of " + gray.service + " ask what users ask: " + gray_text(gray) +
                   ".");
  std::map<std::pair<std::string, std::string>, std::set<std::string>> alone;  // dependency, site → who died
  for (const SingleSiteDependency& each : outcome.single_site) {
    const auto service = outcome.services.find(each.service);
    if (service != outcome.services.end() && impact_of_run(service->second) > Impact::kUnaffected)
      alone[{each.dependency, each.site}].insert(each.service);
  }
  for (const auto& [where, who] : alone)
    list.push_back("Give " + where.first + " a second site: it stands only in " + where.second + ", and " +
                   joined({who.begin(), who.end()}) + " went with it.");
  const PredictionScore judged = score(outcome);
  if (!judged.missed.empty())
    list.push_back("Find out what " + joined(judged.missed) +
                   " really needs and declare it: nobody expected it to be hurt.");
  if (!judged.false_alarms.empty())
    list.push_back("Correct the needs declared for " + joined(judged.false_alarms) +
                   ": it was expected to be hurt and was not.");
  for (const OutcomeObjective& each : outcome.objectives) {
    if (met(each) == std::optional(false))
      list.push_back("Get " + each.objective + " below " + format_duration(each.target) + ": it took " +
                     achieved_text(each) + ".");
    else if (each.censored && !met(each))
      list.push_back("Run longer: " + each.objective + " within " + format_duration(each.target) +
                     " was not shown, only that it takes " + achieved_text(each) + ".");
  }
  for (const OutcomeFault& fault : outcome.faults)
    if (fault.leaked > 0)
      list.push_back("Repeat the drill: " + plural(fault.leaked, "packet") + " leaked through " + fault.id +
                     ".");
  std::vector<std::string> silent;
  for (const auto& [name, probe] : outcome.probes)
    if (outcome.t0 != 0 && !probe.during) silent.push_back(name);
  silent.insert(silent.end(), judged.unknown.begin(), judged.unknown.end());
  if (!silent.empty()) list.push_back("Make " + joined(silent) + " observable: nobody knows how it did.");
  return list;
}

std::vector<std::string> left_and_changed(const Outcome& outcome) {
  std::vector<std::string> lines;
  if (outcome.residue.empty()) lines.emplace_back("residue: none");
  for (const std::string& left : outcome.residue) lines.push_back("RESIDUE: " + left);
  const std::string others = "changed meanwhile (not ours): ";
  const size_t shown = std::min(outcome.changes.size(), kMostChanges);
  for (size_t i = 0; i < shown; ++i) {
    const OutcomeChange& each = outcome.changes[i];
    lines.push_back(others + each.host + ": " + each.kind + " " + each.object + " " + each.change +
                    (each.detail.empty() ? "" : " (" + each.detail + ")"));
  }
  if (shown < outcome.changes.size())
    lines.push_back(others + std::to_string(outcome.changes.size() - shown) + " more");
  return lines;
}

std::optional<double> answered(const Outcome& outcome, std::optional<double> OutcomeProbe::*ratio) {
  const bool by_weight = weighted(outcome);
  double sum = 0, weights = 0;
  for (const auto& [name, probe] : outcome.probes) {
    const double weight = weight_of(probe, by_weight);
    if (weight == 0) continue;
    if (!(probe.*ratio)) return std::nullopt;
    sum += weight * *(probe.*ratio);
    weights += weight;
  }
  if (weights == 0) return std::nullopt;
  return sum / weights;
}

std::vector<AnsweredAt> answered_over_time(const Outcome& outcome) {
  const bool by_weight = weighted(outcome);
  struct Sum {
    double ratio = 0, weights = 0;
    size_t probes = 0;
  };
  std::map<UnixNs, Sum> sums;
  size_t asked = 0;
  for (const auto& [name, probe] : outcome.probes) {
    const double weight = weight_of(probe, by_weight);
    if (weight == 0) continue;
    ++asked;
    for (const OutcomeSpan& span : probe.series) {
      Sum& sum = sums[span.at];
      sum.ratio +=
          weight * static_cast<double>(span.attempts - span.failures) / static_cast<double>(span.attempts);
      sum.weights += weight;
      ++sum.probes;
    }
  }
  std::vector<AnsweredAt> out;
  for (const auto& [at, sum] : sums)
    if (sum.probes == asked) out.push_back({at, sum.ratio / sum.weights});
  return out;
}

std::optional<bool> met(const OutcomeObjective& objective) {
  if (!objective.achieved) return std::nullopt;
  if (*objective.achieved > objective.target) return false;
  if (objective.censored) return std::nullopt;
  return true;
}

std::string achieved_text(const OutcomeObjective& objective) {
  if (!objective.achieved) return "unknown";
  return lasting(*objective.achieved, objective.censored);
}

}  // namespace blackstart::report
