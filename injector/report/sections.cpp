// SPDX-License-Identifier: Apache-2.0
#include "injector/report/sections.h"

#include <algorithm>

#include "injector/record/score.h"
#include "injector/record/yardsticks.h"
#include "injector/report/digest.h"
#include "injector/report/findings.h"
#include "injector/report/outcome_report.h"
#include "injector/report/returning.h"
#include "injector/report/text.h"

namespace blackstart::report {
namespace {

std::string mark(const OutcomeService& service) {
  switch (agreement(service)) {
    case Agreement::kAgrees:
      return "✓ as predicted";
    case Agreement::kWorse:
      return "✗ worse than predicted";
    case Agreement::kMilder:
      return "≈ milder than predicted";
    case Agreement::kMissed:
      return "✗ not predicted";
    case Agreement::kFalseAlarm:
      return "✗ false alarm";
    case Agreement::kHurtBefore:
      return "was " + std::string(observed_impact_name(service.before)) + " before";
    case Agreement::kUnknown:
      break;
  }
  return "? unknown";
}

std::string or_unknown(const std::string& text) {
  return text.empty() ? "unknown" : text;
}

std::string objective_name(const OutcomeObjective& objective) {
  return objective.objective + (objective.clock == "respond" ? ", until somebody has it" : "");
}

std::string prediction_text(const Outcome& outcome) {
  const PredictionScore scored = score(outcome);
  return "precision " + percent(scored.precision) + ", recall " + percent(scored.recall);
}

std::string hurt_until(const Outcome& outcome, const OutcomeProbe& probe) {
  return probe.still_failing ? "still failing" : moment_text(outcome, probe.impact_to);
}

std::string failures_of(const OutcomeProbe& probe) {
  std::string failures = grouped(probe.failures) + " of " + grouped(probe.attempts);
  if (probe.missed) failures += ", " + grouped(probe.missed) + " missed";
  return failures;
}

}  // namespace

Section what_happened(const Outcome& outcome) {
  Section out{"What happened", {}, {}};
  if (!outcome.summary.empty()) out.lines.push_back(outcome.summary);
  out.lines.push_back(outcome.t0
                          ? "T0 " + rfc3339(outcome.t0) +
                                (outcome.apply_skew
                                     ? ", agents fired within " +
                                           std::string(*outcome.apply_skew < std::chrono::milliseconds(1)
                                                           ? "1ms"
                                                           : format_duration(*outcome.apply_skew))
                                     : "")
                          : nothing_hit(outcome) + ": there is no T0.");
  if (outcome.faults.empty()) return out;
  out.table.push_back({"fault", "kind", "hosts", "from", "to", "dropped", "leaked", "let pass"});
  for (const OutcomeFault& fault : outcome.faults)
    out.table.push_back({fault.id, fault.kind, std::to_string(fault.hosts.size()),
                         fault.first_effect ? moment_text(outcome, fault.first_effect) : "never",
                         fault.first_effect ? moment_text(outcome, fault.end) : "-",
                         fault.processes.empty() || fault.dropped > 0 ? plural(fault.dropped, "packet") : "-",
                         grouped(fault.leaked), grouped(fault.protected_packets)});
  for (const OutcomeFault& fault : outcome.faults)
    if (const std::string text = processes_text(fault); !text.empty()) out.lines.push_back(text);
  return out;
}

Section services(const Outcome& outcome) {
  Section out{"Services: predicted and observed",
              {},
              {{"service", "predicted", "observed", "", "because"}},
              Picture::kMatrix};
  if (outcome.services.empty()) return {out.title, {}, {}};
  std::vector<const std::pair<const std::string, OutcomeService>*> order;
  std::vector<std::string> fine;
  for (const auto& each : outcome.services) {
    const bool quiet =
        each.second.observed == Impact::kUnaffected && agreement(each.second) == Agreement::kAgrees;
    if (quiet)
      fine.push_back(each.first);
    else
      order.push_back(&each);
  }
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return std::max(a->second.observed, a->second.predicted.impact) >
           std::max(b->second.observed, b->second.predicted.impact);
  });
  for (const auto* each : order) {
    const OutcomeService& service = each->second;
    // The last reason is the cause.
    const std::string because = service.predicted.because.empty() ? "" : service.predicted.because.back();
    out.table.push_back({each->first, impact_name(service.predicted.impact),
                         observed_impact_name(service.observed), mark(service), because});
  }
  if (order.empty()) out.table.clear();
  if (!fine.empty()) out.lines.push_back("ok, as predicted: " + joined(fine));
  out.lines.push_back("prediction: " + prediction_text(outcome));
  return out;
}

Section services_narrow(const Outcome& outcome) {
  Section out = services(outcome);
  out.title += " (" + prediction_text(outcome) + ")";
  if (!out.lines.empty()) out.lines.pop_back();
  for (auto& row : out.table) row.pop_back();
  return out;
}

Section probes(const Outcome& outcome) {
  Section out{"Probes", {}, {}};
  if (outcome.probes.empty()) return out;
  out.table.push_back(
      {"probe", "from", "before", "during", "after", "hurt from", "until", "failures", "last reason"});
  for (const auto& [name, probe] : outcome.probes)
    out.table.push_back({name, probe.from.empty() ? "here" : probe.from, percent(probe.before),
                         percent(probe.during), percent(probe.after), moment_text(outcome, probe.impact_from),
                         hurt_until(outcome, probe), failures_of(probe), probe.last_reason});
  return out;
}

Section probes_narrow(const Outcome& outcome) {
  Section out{"Probes", {}, {}};
  if (outcome.probes.empty()) return out;
  out.table.push_back({"probe", "before", "during", "after", "hurt until", "failures"});
  for (const auto& [name, probe] : outcome.probes)
    out.table.push_back({name, percent(probe.before), percent(probe.during), percent(probe.after),
                         hurt_until(outcome, probe),
                         failures_of(probe) + (probe.failures ? " (" + probe.last_reason + ")" : "")});
  return out;
}

Section judged(const Outcome& outcome) {
  Section out{"Hypothesis, gates and guards", {}, {}};
  const auto row = [&](const char* what, const std::string& text, const std::string& answer,
                       std::optional<Duration> at) {
    out.table.push_back({what, answer + (at ? " at " + since(at) : ""), text});
  };
  for (const OutcomeHypothesis& each : outcome.hypothesis)
    row("hypothesis", each.text, yes_no(each.met, "met", "NOT met"), each.at);
  for (const OutcomeGate& each : outcome.gates)
    row("gate", each.gate, yes_no(each.passed, "passed", "NOT passed"), each.at);
  const bool tested = outcome.verdict != Verdict::kNone && outcome.t0 != 0;
  for (const OutcomeGuard& each : outcome.guards)
    row("guard", each.guard + (each.why.empty() ? "" : " (" + each.why + ")"),
        yes_no(each.breached || tested ? std::optional(!each.breached) : std::nullopt, "held", "BREACHED"),
        each.at);
  if (!out.table.empty()) out.table.insert(out.table.begin(), {"what", "answer", "asked"});
  return out;
}

Section judged_narrow(const Outcome& outcome) {
  Section out = judged(outcome);
  out.title = "Hypothesis, gates, guards and objectives";
  if (!out.table.empty()) out.table.erase(out.table.begin());
  for (const OutcomeObjective& each : outcome.objectives)
    out.table.push_back(
        {"objective", yes_no(met(each), "met", "NOT met"),
         objective_name(each) + " within " + lasting(each.target) + ": " + achieved_text(each)});
  if (const std::string times = times_text(outcome); !times.empty()) out.lines.push_back("times: " + times);
  std::vector<std::string> marked;
  for (const OutcomeMark& each : marks_beside_times(outcome))
    marked.push_back(each.mark + " " + moment_text(outcome, each.at));
  if (!marked.empty()) out.lines.push_back("marks: " + joined(marked));
  std::vector<std::string> back;
  for (const ComingBack& each : coming_back(outcome))
    if (each.away) back.push_back(each.text);
  if (!outcome.recovery.looked_at) back = {kNotLookedAt};
  if (!back.empty()) out.lines.push_back(joined(back, "; "));
  if (const std::string names = not_back_text(outcome); !names.empty())
    out.lines.push_back("not back: " + names);
  return out;
}

Section objectives(const Outcome& outcome) {
  Section out{"Objectives", {}, {}};
  if (outcome.objectives.empty()) return out;
  out.picture = Picture::kObjectives;
  out.table.push_back({"objective", "within", "took", "answer"});
  for (const OutcomeObjective& each : outcome.objectives)
    out.table.push_back({objective_name(each), lasting(each.target), achieved_text(each),
                         yes_no(met(each), "met", "NOT met")});
  std::vector<std::string> others;
  for (const Yardstick& yardstick : yardsticks())
    others.push_back(format_duration(yardstick.length) + " " + yardstick.name);
  out.lines.push_back("beside it: " + joined(others, " · "));
  if (std::any_of(outcome.objectives.begin(), outcome.objectives.end(),
                  [](const OutcomeObjective& each) { return each.censored; }))
    out.lines.emplace_back(kBoundMeans);
  return out;
}

Section marks(const Outcome& outcome) {
  Section out{"Marks of people", {}, {}};
  if (outcome.marks.empty()) return out;
  out.table.push_back({"mark", "after T0", "at", "by", "note"});
  for (const OutcomeMark& each : outcome.marks)
    out.table.push_back({each.mark, moment_text(outcome, each.at), rfc3339(each.at), each.source, each.note});
  return out;
}

Section timeline(const Outcome& outcome, bool absolute) {
  struct Entry {
    UnixNs at;
    std::string what;
  };
  std::vector<Entry> entries;
  const UnixNs zero = zero_of(outcome);
  for (const OutcomePhase& phase : outcome.phases) entries.push_back({phase.start, "phase: " + phase.phase});
  if (!outcome.phases.empty() && outcome.phases.back().end != 0)
    entries.push_back({outcome.phases.back().end, "the run is over"});
  for (const OutcomeFault& fault : outcome.faults) {
    if (fault.first_effect)
      entries.push_back({fault.first_effect, fault.id + " " + fault.kind + ": " + first_effect(fault)});
    if (fault.end)
      entries.push_back({fault.end, fault.id + " " + fault.kind +
                                        (fault.first_effect ? ": over" : ": over, and it hit nothing")});
  }
  for (const auto& [name, probe] : outcome.probes) {
    if (probe.impact_from) entries.push_back({probe.impact_from, name + ": first failure under the faults"});
    if (probe.impact_to)
      entries.push_back({probe.impact_to, name + (probe.still_failing ? ": still failing when the run ended"
                                                                      : ": last failure is over")});
  }
  for (const OutcomeGray& each : outcome.gray) entries.push_back({each.from, "gray: " + gray_text(each)});
  for (const OutcomeGate& gate : outcome.gates)
    if (gate.at)
      entries.push_back({zero + gate.at->count(),
                         "gate " + yes_no(gate.passed, "passed", "NOT passed") + ": " + gate.gate});
  for (const OutcomeGuard& guard : outcome.guards)
    if (guard.breached && guard.at)
      entries.push_back({zero + guard.at->count(), "guard ✗ BREACHED: " + guard.guard});
  for (const OutcomeMark& each : outcome.marks) entries.push_back({each.at, "mark: " + each.mark});
  std::map<std::pair<UnixNs, std::string>, std::vector<std::string>> let_back;  // a word each
  for (const OutcomeReturn& each : outcome.returns.instances) {
    if (each.asked && each.manual) let_back[{each.asked, each.by}].push_back(instance_name(each));
    if (each.started) entries.push_back({each.started, instance_name(each) + ": started again"});
    if (each.well) entries.push_back({each.well, instance_name(each) + ": well"});
  }
  for (const auto& [word, names] : let_back)
    entries.push_back({word.first, compact(names, 4) + " may come back, says " + word.second});
  for (const OutcomeColdStart& each : outcome.cold_starts)
    if (each.at && each.took)
      entries.push_back({zero + each.at->count() + each.took->count(), cold_start_text(each)});
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.at < b.at; });

  Section out{"Timeline", {}, {}, Picture::kTimeline};
  if (entries.empty()) return {"Timeline", {}, {}};
  out.table.push_back(absolute ? std::vector<std::string>{"time (UTC)", "after T0", "what"}
                               : std::vector<std::string>{"after T0", "what"});
  for (const Entry& entry : entries) {
    const std::string after = moment_text(outcome, entry.at);
    out.table.push_back(absolute ? std::vector<std::string>{rfc3339(entry.at), after, entry.what}
                                 : std::vector<std::string>{after, entry.what});
  }
  return out;
}

Section recovery(const Outcome& outcome) {
  Section out{"Recovery", {}, {}};
  const std::vector<ComingBack> back = coming_back(outcome);
  if (outcome.t0 == 0 || (outcome.probes.empty() && back.empty())) return out;
  out.picture = Picture::kRecovery;
  out.lines.push_back(std::string("verdict of its own: ") + (outcome.recovery_verdict == Verdict::kNone
                                                                 ? "not needed"
                                                                 : verdict_name(outcome.recovery_verdict)));
  for (const auto& [name, probe] : outcome.probes)
    if (probe.impact_to)
      out.lines.push_back(name + (probe.still_failing ? " was still failing when the run ended"
                                                      : " answered without a failure from " +
                                                            moment_text(outcome, probe.impact_to) + " on"));
  for (const ComingBack& each : back) out.lines.push_back(each.text);
  if (!outcome.recovery.looked_at) out.lines.emplace_back(kNotLookedAt);
  if (const std::string names = not_back_text(outcome); !names.empty())
    out.lines.push_back("not back when the run ended: " + names);
  return out;
}

Section single_sites(const Outcome& outcome) {
  Section out{"Stands in one site alone", {}, {}};
  if (outcome.single_site.empty()) return out;
  out.table.push_back({"service", "needs", "only in", "evidence"});
  for (const SingleSiteDependency& each : outcome.single_site)
    out.table.push_back({each.service, each.dependency, each.site, each.evidence});
  return out;
}

Section limits(const Outcome& outcome) {
  Section out{"What this run does not say", {}, {}};
  for (const std::string& note : outcome.notes) out.lines.push_back("note: " + note);
  for (const std::string& warning : outcome.warnings) out.lines.push_back("warning: " + warning);
  for (const std::string& blind : outcome.blind) out.lines.push_back("not seen: " + blind);
  for (const Untouched& each : outcome.untouched)
    out.lines.push_back("not touched: " + each.what + " (" + each.why + ")");
  return out;
}

Section evidence(const Outcome& outcome) {
  Section out{"Afterwards", left_and_changed(outcome), {}};
  if (!outcome.log_file.empty()) out.lines.push_back("log: " + outcome.log_file);
  out.lines.push_back("log head: " + or_unknown(outcome.log_head));
  out.lines.push_back("plan hash: " + or_unknown(outcome.hash));
  std::vector<std::string> versions;
  for (const auto& [what, version] : outcome.versions) versions.push_back(what + " " + version);
  if (!versions.empty()) out.lines.push_back("versions: " + joined(versions));
  return out;
}

Section evidence_narrow(const Outcome& outcome) {
  Section out{"Afterwards", {}, {}};
  std::vector<std::string> alone;
  for (const SingleSiteDependency& each : outcome.single_site) {
    const std::string what = each.dependency + " (" + each.site + ")";
    if (std::find(alone.begin(), alone.end(), what) == alone.end()) alone.push_back(what);
  }
  if (!alone.empty()) out.lines.push_back("stands in one site alone: " + joined(alone));
  if (!outcome.absent.empty()) out.lines.push_back("nobody could ask: " + joined(outcome.absent));
  for (const std::string& note : outcome.notes) out.lines.push_back("note: " + note);
  for (const std::string& line : left_and_changed(outcome)) out.lines.push_back(line);
  out.lines.push_back("log head: " + or_unknown(outcome.log_head));
  return out;
}

Section identity(const Outcome& outcome) {
  Section out{"Identification", {}, {{"item", "value"}}};
  const auto row = [&](const std::string& item, const std::string& value) {
    out.table.push_back({item, or_unknown(value)});
  };
  const auto at = [](UnixNs moment) { return moment == 0 ? std::string() : rfc3339(moment); };
  row("run", outcome.run);
  row("experiment", outcome.experiment);
  row("what it does", outcome.summary);
  row("topology", outcome.topology);
  row("verdict", verdict_word(outcome) + ": " + outcome.reason);
  row("recovery verdict",
      outcome.recovery_verdict == Verdict::kNone ? "not needed" : verdict_name(outcome.recovery_verdict));
  row("exit code", std::to_string(outcome.exit_code));
  row("started (UTC)", outcome.phases.empty() ? "" : at(outcome.phases.front().start));
  row(first_effect(outcome) + ", T0 (UTC)", outcome.t0 ? rfc3339(outcome.t0) : "never");
  row("ended (UTC)", outcome.phases.empty() ? "" : at(outcome.phases.back().end));
  for (const auto& [what, version] : outcome.versions) row("version of " + what, version);
  row("SHA-256 of the plan", outcome.hash);
  row("head of the event log's hash chain", outcome.log_head);
  row("event log", outcome.log_file);
  return out;
}

Section scope(const Outcome& outcome) {
  Section out{"Scope", {}, {}};
  if (outcome.faults.empty()) return {"Scope", {"no fault was injected"}, {}};
  out.table.push_back({"fault", "kind", "engine", "hosts"});
  for (const OutcomeFault& fault : outcome.faults)
    out.table.push_back({fault.id, fault.kind, or_unknown(fault.engine), compact(fault.hosts)});
  return out;
}

Section people(const Outcome& outcome) {
  Section out = marks(outcome);
  if (out.table.empty()) out.lines.push_back("nobody recorded a mark");
  return out;
}

Section key_figures(const Outcome& outcome, size_t most) {
  Section out{"In short", {headline(outcome)}, {{"figure", "value", ""}}, Picture::kFigures};
  for (const Figure& figure : figures(outcome)) {
    if (out.table.size() > most) break;
    out.table.push_back({figure.label, figure.value, figure.note});
  }
  return out;
}

Section in_a_sentence(const Outcome& outcome, size_t most) {
  Section out = key_figures(outcome, most);
  if (const std::string took = times_sentence(outcome); !took.empty()) out.lines.push_back(took);
  return out;
}

Section what_to_do(const Outcome& outcome) {
  Section out{"What to do", advice(outcome), {}};
  if (out.lines.empty())
    out.lines.push_back("Nothing follows from this run; repeat it when the system has changed.");
  return out;
}

Section sign_off() {
  return {
      "Sign-off",
      {},
      {{"role", "name", "date", "signature"}, {"drill owner", "", "", ""}, {"safety officer", "", "", ""}}};
}

}  // namespace blackstart::report
