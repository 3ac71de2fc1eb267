// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>

#include "injector/record/score.h"
#include "injector/report/outcome_report.h"
#include "injector/report/text.h"

namespace blackstart::report {
namespace {

const char* mark(Agreement agreement) {
  switch (agreement) {
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
    case Agreement::kUnknown:
      break;
  }
  return "? unknown";
}

std::string yes_no(std::optional<bool> met, const char* yes, const char* no) {
  return !met ? "unknown" : *met ? yes : no;
}

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
                          : "No packet was hit: there is no T0.");
  if (outcome.faults.empty()) return out;
  out.table.push_back({"fault", "kind", "hosts", "from", "to", "dropped", "leaked", "let pass"});
  for (const OutcomeFault& fault : outcome.faults)
    out.table.push_back({fault.id, fault.kind, std::to_string(fault.hosts.size()),
                         fault.first_effect ? since(from_zero(outcome, fault.first_effect)) : "never",
                         since(from_zero(outcome, fault.end)), plural(fault.dropped, "packet"),
                         grouped(fault.leaked), grouped(fault.protected_packets)});
  return out;
}

Section services(const Outcome& outcome) {
  Section out{"Services: predicted and observed", {}, {{"service", "predicted", "observed", "", "because"}}};
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
                         observed_impact_name(service.observed), mark(agreement(service)), because});
  }
  if (order.empty()) out.table.clear();
  if (!fine.empty()) out.lines.push_back("ok, as predicted: " + joined(fine));
  const PredictionScore judged = score(outcome);
  out.lines.push_back("prediction: precision " + percent(judged.precision) + ", recall " +
                      percent(judged.recall));
  return out;
}

Section probes(const Outcome& outcome) {
  Section out{"Probes", {}, {}};
  if (outcome.probes.empty()) return out;
  out.table.push_back(
      {"probe", "from", "before", "during", "after", "hurt from", "until", "failures", "last reason"});
  for (const auto& [name, probe] : outcome.probes) {
    std::string failures = grouped(probe.failures) + " of " + grouped(probe.attempts);
    if (probe.missed) failures += ", " + grouped(probe.missed) + " missed";
    out.table.push_back(
        {name, probe.from.empty() ? "here" : probe.from, percent(probe.before), percent(probe.during),
         percent(probe.after), probe.impact_from ? since(from_zero(outcome, probe.impact_from)) : "-",
         probe.impact_to ? since(from_zero(outcome, probe.impact_to)) : "-", failures, probe.last_reason});
  }
  return out;
}

Section judged(const Outcome& outcome) {
  Section out{"Hypothesis, gates, guards and objectives", {}, {}};
  const auto row = [&](const char* what, const std::string& text, const std::string& answer,
                       std::optional<Duration> at) {
    out.table.push_back({what, answer + (at ? " at " + since(at) : ""), text});
  };
  for (const OutcomeHypothesis& each : outcome.hypothesis)
    row("hypothesis", each.text, yes_no(each.met, "met", "NOT met"), each.at);
  for (const OutcomeGate& each : outcome.gates)
    row("gate", each.gate, yes_no(each.passed, "passed", "NOT passed"), each.at);
  for (const OutcomeGuard& each : outcome.guards)
    row("guard", each.guard + (each.why.empty() ? "" : " (" + each.why + ")"),
        each.breached ? "BREACHED" : "held", each.at);
  for (const OutcomeObjective& each : outcome.objectives) {
    const std::string took =
        each.achieved ? (each.censored ? "≥ " : "") + format_duration(*each.achieved) : "unknown";
    row("objective", each.objective + " within " + format_duration(each.target), took, std::nullopt);
  }
  for (const OutcomeMark& each : outcome.marks)
    row("mark", each.mark, since(from_zero(outcome, each.at)), std::nullopt);
  if (!out.table.empty()) out.table.insert(out.table.begin(), {"what", "answer", "asked"});
  return out;
}

// The JSON report has all of them.
constexpr size_t kMostChanges = 10;

void add_changes(const Outcome& outcome, std::vector<std::string>& lines) {
  for (size_t i = 0; i < std::min(outcome.changes.size(), kMostChanges); ++i) {
    const OutcomeChange& each = outcome.changes[i];
    lines.push_back("changed meanwhile (not ours): " + each.host + ": " + each.kind + " " + each.object +
                    " " + each.change + (each.detail.empty() ? "" : " (" + each.detail + ")"));
  }
  if (outcome.changes.size() > kMostChanges)
    lines.push_back("changed meanwhile (not ours): " + std::to_string(outcome.changes.size() - kMostChanges) +
                    " more");
}

Section aftermath(const Outcome& outcome) {
  Section out{"Afterwards", {}, {}};
  for (const SingleSiteDependency& each : outcome.single_site)
    out.lines.push_back(each.service + " needs " + each.dependency + ", which stands only in " + each.site +
                        " (" + each.evidence + ")");
  for (const std::string& note : outcome.notes) out.lines.push_back("note: " + note);
  if (outcome.residue.empty()) out.lines.push_back("residue: none");
  for (const std::string& left : outcome.residue) out.lines.push_back("RESIDUE: " + left);
  add_changes(outcome, out.lines);
  if (!outcome.log_file.empty()) out.lines.push_back("log: " + outcome.log_file);
  out.lines.push_back("log head: " + (outcome.log_head.empty() ? "unknown" : outcome.log_head));
  out.lines.push_back("plan hash: " + (outcome.hash.empty() ? "unknown" : outcome.hash));
  return out;
}

}  // namespace

std::string verdict_line(const Outcome& outcome) {
  std::string verdict = verdict_name(outcome.verdict);
  std::transform(verdict.begin(), verdict.end(), verdict.begin(),
                 [](unsigned char c) { return std::toupper(c); });
  if (outcome.expected_failure && outcome.verdict == Verdict::kFail && outcome.exit_code == kExitPass)
    verdict += " (expected)";
  return verdict + ": " + outcome.experiment + (outcome.topology.empty() ? "" : " on " + outcome.topology) +
         ": " + outcome.reason + " (recovery " +
         (outcome.recovery_verdict == Verdict::kNone ? "not needed"
                                                     : verdict_name(outcome.recovery_verdict)) +
         ", exit code " + std::to_string(outcome.exit_code) + ")";
}

std::vector<Section> sections(const Outcome& outcome) {
  std::vector<Section> list{what_happened(outcome), services(outcome), probes(outcome), judged(outcome),
                            aftermath(outcome)};
  std::erase_if(list, [](const Section& section) { return section.lines.empty() && section.table.empty(); });
  return list;
}

}  // namespace blackstart::report
