// SPDX-License-Identifier: Apache-2.0
// The sections on processes: how what was killed came back, and what would not start elsewhere.
#include <algorithm>

#include "injector/report/digest.h"
#include "injector/report/returning.h"
#include "injector/report/sections.h"
#include "injector/report/text.h"

namespace blackstart::report {
namespace {

using State = OutcomeReturn::State;

std::string state_text(const OutcomeReturn& each) {
  switch (each.state) {
    case State::kWell:
      return "✓ well";
    case State::kFailed:
      return "✗ FAILED" + (each.why.empty() ? "" : ": " + each.why);
    case State::kStarted:
      return "✗ not seen well";
    case State::kDown:
      return "? not known";
    case State::kWasDown:
      return each.service.empty() ? "nothing matched" : "was down before";
    case State::kLeft:
      return "left down" + (each.why.empty() ? "" : ": " + each.why);
    case State::kUnseen:
      return "? not looked at";
  }
  return "? not known";
}

std::string by_text(const OutcomeReturn& each) {
  const auto waited = waited_for_people(each);
  return (each.by.empty() && each.started != 0 ? "its agent" : each.by) +
         (waited ? " after " + lasting(*waited) : "");
}

std::string span_text(UnixNs from, UnixNs to) {
  return from == 0 || to == 0 ? "-" : lasting(Duration(to - from));
}

std::string sign_of(const OutcomeColdStart& each) {
  return each.state == "ready" ? "✓ " : each.state == "died" || each.state == "late" ? "✗ " : "? ";
}

void add_lines(const Outcome& outcome, Section& out) {
  for (const std::string& line : return_text(outcome)) out.lines.push_back(line);
  for (const std::string& line : return_findings(outcome)) out.lines.push_back(line);
}

}  // namespace

Section returns(const Outcome& outcome) {
  Section out{"The return of what was killed", {}, {}};
  if (outcome.returns.instances.empty()) return out;
  out.table.push_back({"stage", "service", "host", "killed", "started", "well", "took", "by", "now"});
  for (const OutcomeReturn& each : outcome.returns.instances)
    out.table.push_back({each.stage == 0 ? "-" : std::to_string(each.stage),
                         each.service.empty() ? "-" : each.service, each.host,
                         moment_text(outcome, each.killed), moment_text(outcome, each.started),
                         moment_text(outcome, each.well), span_text(each.started, each.well), by_text(each),
                         state_text(each)});
  out.lines.emplace_back("took: from its start until its checks passed, and kept passing");
  add_lines(outcome, out);
  return out;
}

Section returns_narrow(const Outcome& outcome) {
  constexpr size_t kMost = 12;
  Section out{"The return of what was killed", {}, {}};
  if (outcome.returns.instances.empty()) return out;
  out.table.push_back({"instance", "started", "took", "by", "now"});
  for (const OutcomeReturn& each : outcome.returns.instances) {
    if (out.table.size() > kMost) break;
    out.table.push_back({cell(instance_name(each), std::min<size_t>(30, width_of(instance_name(each)))),
                         moment_text(outcome, each.started), span_text(each.started, each.well), each.by,
                         state_text(each)});
  }
  if (outcome.returns.instances.size() > kMost)
    out.lines.push_back("and " + std::to_string(outcome.returns.instances.size() - kMost) +
                        " more, in the report's files");
  add_lines(outcome, out);
  return out;
}

Section cold_starts(const Outcome& outcome) {
  Section out{"Started where there was none", {}, {}};
  if (outcome.cold_starts.empty()) return out;
  out.table.push_back({"", "service", "on", "at", "answer", "last words"});
  for (const OutcomeColdStart& each : outcome.cold_starts)
    out.table.push_back({each.id, each.service, each.host + " (" + each.site + ")", since(each.at),
                         sign_of(each) + each.state + (each.took ? " after " + lasting(*each.took) : "") +
                             (each.died_for.empty() ? "" : ", for want of " + each.died_for),
                         each.last_words});
  return out;
}

Section cold_starts_narrow(const Outcome& outcome) {
  Section out{"Started where there was none", {}, {}};
  for (const OutcomeColdStart& each : outcome.cold_starts)
    out.lines.push_back(sign_of(each) + cold_start_text(each));
  return out;
}

Section who_is_who(const Outcome& outcome) {
  Section out{"Who is who", {}, {}};
  for (const auto& [role, names] : outcome.roles) out.lines.push_back(role + ": " + joined(names));
  if (!outcome.absent.empty()) out.lines.push_back("nobody could ask: " + joined(outcome.absent));
  return out;
}

}  // namespace blackstart::report
