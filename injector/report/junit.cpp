// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "injector/record/score.h"
#include "injector/report/digest.h"
#include "injector/report/findings.h"
#include "injector/report/markup.h"
#include "injector/report/outcome_report.h"
#include "injector/report/returning.h"
#include "injector/report/text.h"

namespace blackstart::report {
namespace {

enum class Answer { kHeld, kFailed, kUnknown, kNotAsked };

struct Case {
  std::string part, name;  // part: run hypothesis gate guard recovery residue
  Answer answer = Answer::kHeld;
  std::string message;
};

Answer answer_of(std::optional<bool> met) {
  return !met ? Answer::kUnknown : *met ? Answer::kHeld : Answer::kFailed;
}

Answer answer_of_run(int exit_code) {
  switch (exit_code) {
    case kExitPass:
      return Answer::kHeld;
    case kExitFail:
    case kExitAborted:
    case kExitStranded:
      return Answer::kFailed;
    default:
      return Answer::kUnknown;
  }
}

std::vector<Case> cases_of(const Outcome& outcome) {
  // What was never put to the test is no finding of its own: the case of the run says why.
  const bool ran = outcome.verdict != Verdict::kNone && outcome.t0 != 0;
  const auto asked = [&](Answer answer) { return ran ? answer : Answer::kNotAsked; };
  std::vector<Case> cases{{"run", "exit code " + std::to_string(outcome.exit_code),
                           answer_of_run(outcome.exit_code), verdict_line(outcome)}};
  for (const OutcomeHypothesis& each : outcome.hypothesis)
    cases.push_back({"hypothesis", each.text, asked(answer_of(each.met)),
                     each.met ? "not met while the faults lasted" : "no data to judge it"});
  for (const OutcomeGate& each : outcome.gates)
    cases.push_back(
        {"gate", each.gate, !each.passed ? Answer::kNotAsked : answer_of(each.passed),
         each.passed ? "not passed: what stands behind it did not fire" : "the run ended before it"});
  for (const OutcomeGuard& each : outcome.guards)
    cases.push_back({"guard", each.guard, each.breached ? Answer::kFailed : asked(Answer::kHeld), each.why});
  const bool judged = outcome.recovery_verdict != Verdict::kNone;
  cases.push_back({"recovery", "the steady state returns and stays",
                   !judged                                      ? Answer::kNotAsked
                   : outcome.recovery_verdict == Verdict::kPass ? Answer::kHeld
                   : outcome.recovery_verdict == Verdict::kFail ? Answer::kFailed
                                                                : Answer::kUnknown,
                   "recovery verdict: " + std::string(verdict_name(outcome.recovery_verdict))});
  cases.push_back({"residue", "nothing is left behind",
                   outcome.residue.empty() ? Answer::kHeld : Answer::kFailed, joined(outcome.residue, "; ")});
  return cases;
}

const char* element_of(Answer answer, bool red) {
  switch (answer) {
    case Answer::kFailed:
      return red ? "failure" : "skipped";
    case Answer::kUnknown:
      return red ? "error" : "skipped";
    case Answer::kNotAsked:
      return "skipped";
    case Answer::kHeld:
      break;
  }
  return nullptr;
}

std::string decimal(double seconds) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.3f", seconds);
  return buffer;
}

// XML normalises a line break in an attribute to a blank: so do we.
std::string attribute(const std::string& name, const std::string& value) {
  std::string text = escaped(value);
  std::replace(text.begin(), text.end(), '\n', ' ');
  return " " + name + "=\"" + text + "\"";
}

}  // namespace

std::string junit_text(const Outcome& outcome) {
  const bool red = outcome.exit_code != kExitPass;
  const std::string class_prefix = "blackstart." + outcome.experiment + ".";
  std::string body;
  int failures = 0, errors = 0, skipped = 0, tests = 0;
  for (const Case& each : cases_of(outcome)) {
    ++tests;
    body += "    <testcase" + attribute("classname", class_prefix + each.part) + attribute("name", each.name);
    const char* element = element_of(each.answer, red);
    if (!element) {
      body += "/>\n";
      continue;
    }
    const std::string kind = element;
    failures += kind == "failure";
    errors += kind == "error";
    skipped += kind == "skipped";
    const std::string message = each.message.empty() ? "not put to the test" : each.message;
    body += ">\n      <" + kind + attribute("message", message) + attribute("type", each.part) +
            "/>\n    </testcase>\n";
  }
  const double took = outcome.phases.empty()
                          ? 0
                          : seconds(Duration(outcome.phases.back().end - outcome.phases.front().start));
  const std::string counts =
      attribute("tests", std::to_string(tests)) + attribute("failures", std::to_string(failures)) +
      attribute("errors", std::to_string(errors)) + attribute("time", decimal(std::max(0.0, took)));
  std::string properties;
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"run", outcome.run},
                                                        {"topology", outcome.topology},
                                                        {"verdict", verdict_word(outcome)},
                                                        {"planHash", outcome.hash},
                                                        {"logHead", outcome.log_head}})
    properties += "      <property" + attribute("name", name) + attribute("value", value) + "/>\n";
  for (const Figure& figure : figures(outcome))
    properties += "      <property" + attribute("name", figure.label) +
                  attribute("value", figure.value + " (" + figure.note + ")") + "/>\n";
  for (const OutcomeGray& each : outcome.gray)
    properties +=
        "      <property" + attribute("name", "gray failure") + attribute("value", gray_text(each)) + "/>\n";
  std::string systems;
  for (const OutcomePrecondition& each : outcome.preconditions)
    systems += "precondition " + each.precondition + (each.answer.empty() ? "" : " (" + each.answer + ")") +
               ": " + answer_of(each) + "\n";
  for (const OutcomeFault& fault : outcome.faults)
    systems += fault.id + " " + fault.kind + ": " + plural(fault.dropped, "packet") + " dropped, " +
               grouped(fault.leaked) + " leaked\n";
  for (const auto& [name, probe] : outcome.probes)
    systems +=
        name + ": " + percent(probe.before) + " before, " + percent(probe.during) + " during, " +
        percent(probe.after) + " after; " + grouped(probe.failures) + " of " + grouped(probe.attempts) +
        " failed, " + grouped(probe.missed) + " missed" +
        (probe.failed > Duration{0} ? ", down for " + lasting(probe.failed, probe.still_failing) : "") +
        (probe.still_failing ? ", still failing when the run ended" : "") + "\n";
  for (const auto& [name, service] : outcome.services)
    systems +=
        name + ": predicted " + impact_name(service.predicted.impact) + ", observed " +
        observed_impact_name(service.observed) +
        (hurt_before(service) ? std::string(", was ") + observed_impact_name(service.before) + " before"
                              : "") +
        "\n";
  for (const OutcomeObjective& each : outcome.objectives)
    systems += each.objective + " within " + format_duration(each.target) + ": " + achieved_text(each) + "\n";
  for (const OutcomeTime& each : outcome.times)
    systems += each.time + (each.journey.empty() ? "" : " " + each.journey) + ": " +
               lasting(each.took, each.censored) + "\n";
  for (const auto& [probe, each] : outcome.records) systems += records_text(probe, each) + "\n";
  for (const OutcomeFault& fault : outcome.faults)
    if (const std::string text = processes_text(fault); !text.empty()) systems += text + "\n";
  for (const OutcomeReturn& each : outcome.returns.instances)
    systems += "return " + instance_name(each) + ": " + return_state_name(each.state) +
               (each.started ? ", started " + since(from_zero(outcome, each.started)) : "") +
               (each.by.empty() ? "" : " by " + each.by) + "\n";
  for (const std::string& line : return_text(outcome)) systems += line + "\n";
  for (const std::string& line : return_findings(outcome)) systems += line + "\n";
  for (const OutcomeColdStart& each : outcome.cold_starts)
    systems += "cold start: " + cold_start_text(each) + "\n";
  if (!outcome.absent.empty()) systems += "absent: " + joined(outcome.absent) + "\n";
  for (const std::string& line : gray_failures(outcome)) systems += "gray: " + line + "\n";
  for (const ComingBack& each : coming_back(outcome)) systems += each.text + "\n";
  if (!outcome.recovery.looked_at) systems += std::string(kNotLookedAt) + "\n";
  if (const std::string names = not_back_text(outcome); !names.empty())
    systems += "not back: " + names + "\n";
  for (const OutcomeMark& each : outcome.marks)
    systems += "mark " + each.mark + ": " + since(from_zero(outcome, each.at)) + "\n";
  for (const std::string& line : left_and_changed(outcome)) systems += line + "\n";

  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" + attribute("name", "blackstart") +
         counts + ">\n  <testsuite" + attribute("name", outcome.experiment) + counts +
         attribute("skipped", std::to_string(skipped)) +
         (outcome.phases.empty() ? "" : attribute("timestamp", rfc3339(outcome.phases.front().start))) +
         ">\n    <properties>\n" + properties + "    </properties>\n" + body + "    <system-out>" +
         escaped(systems) + "</system-out>\n  </testsuite>\n</testsuites>\n";
}

}  // namespace blackstart::report
