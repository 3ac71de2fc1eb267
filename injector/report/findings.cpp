// SPDX-License-Identifier: Apache-2.0
#include "injector/report/findings.h"

#include <algorithm>
#include <functional>
#include <iterator>

#include "injector/report/returning.h"
#include "injector/report/text.h"

namespace blackstart::report {
namespace {

// As kTimesOfARun.
constexpr const char* kPassed[] = {"noticed",   "acknowledged", "under command",   "decided",
                                   "mitigated", "recovered",    "restored in full"};
static_assert(std::size(kPassed) == std::size(kTimesOfARun));

// The steps of people between the first alarm and the decision.
bool between(const std::string& time) {
  return time == "acknowledge" || time == "command";
}

std::string in_brackets(const std::string& text) {
  return text.empty() ? "" : " (" + text + ")";
}

std::string lost_words(const OutcomeRecords& records, const std::string& noun) {
  if (records.acknowledged == 0) return "no record was acknowledged";
  const bool known = records.lost > 0 || records.unknown == 0;
  return (records.lost ? grouped(records.lost)
          : known      ? "none"
                       : "unknown how many") +
         " of " + grouped(records.acknowledged) + noun + " lost, " +
         (records.unknown ? grouped(records.unknown) + " unknown, " : "") + "RPO " +
         (records.rpo ? lasting(*records.rpo) : "unknown");
}

ComingBack row(const Outcome& outcome, const std::string& who, size_t well,
               const std::function<size_t(const OutcomeRecovery::Point&)>& count) {
  ComingBack out{who, well, false, "", {}};
  UnixNs since_when = 0;  // all of them, from here to the end
  for (const OutcomeRecovery::Point& point : outcome.recovery.curve) {
    const size_t now = count(point);
    if (out.curve.empty() || out.curve.back().count != now) out.curve.push_back({point.at, now});
    out.away = out.away || now < well;
    if (now < well)
      since_when = 0;
    else if (since_when == 0)
      since_when = point.at;
  }
  const std::string of = std::to_string(out.curve.back().count) + " of " + std::to_string(well) + " " + who;
  out.text = !outcome.recovery.looked_at
                 ? who + ": " + std::to_string(well) + " well before the cut, not looked at since"
             : !out.away       ? of + " there throughout"
             : since_when == 0 ? of + " back when the run ended"
                               : of + " back at " + since(from_zero(outcome, since_when));
  return out;
}

}  // namespace

std::string lost_text(const OutcomeRecords& records) {
  return lost_words(records, "");
}

std::string records_text(const std::string& probe, const OutcomeRecords& records) {
  return lost_words(records, " acknowledged records") + in_brackets(probe);
}

std::vector<std::string> data_lost(const Outcome& outcome) {
  std::vector<std::string> lines;
  for (const auto& [probe, records] : outcome.records)
    if (records.lost > 0 || records.unknown > 0) lines.push_back(records_text(probe, records));
  return lines;
}

std::string gray_text(const OutcomeGray& gray) {
  return gray.service + " passed its own checks while " + gray.journey + " failed for " +
         lasting(Duration(gray.to - gray.from));
}

std::vector<std::string> gray_failures(const Outcome& outcome) {
  std::vector<OutcomeGray> order = outcome.gray;
  std::stable_sort(order.begin(), order.end(),
                   [](const OutcomeGray& a, const OutcomeGray& b) { return a.to - a.from > b.to - b.from; });
  std::vector<std::string> lines;
  for (const OutcomeGray& each : order) lines.push_back(gray_text(each));
  return lines;
}

std::string answer_of(const OutcomePrecondition& condition) {
  return yes_no(condition.met, "held", "red") +
         (condition.overridden.empty() ? "" : ", overridden: " + condition.overridden);
}

std::vector<std::string> red_preconditions(const Outcome& outcome) {
  std::vector<std::string> lines;
  for (const OutcomePrecondition& each : outcome.preconditions)
    if (!each.met || !each.overridden.empty())
      lines.push_back(each.precondition + ": " + answer_of(each) +
                      (each.overridden.empty() ? in_brackets(each.answer) : ""));
  return lines;
}

std::optional<OutcomeTime> slowest(const Outcome& outcome, const std::string& time) {
  std::optional<OutcomeTime> worst;
  for (const OutcomeTime& each : outcome.times)
    if (each.time == time &&
        (!worst || each.took > worst->took || (each.took == worst->took && each.censored)))
      worst = each;
  return worst;
}

std::string times_text(const Outcome& outcome) {
  std::vector<std::string> words;
  for (const std::string time : kTimesOfARun)
    if (const auto took = slowest(outcome, time); took && !objective_of(outcome, *took) && !between(time))
      words.push_back(time + " " + lasting(took->took, took->censored) + in_brackets(took->journey));
  return joined(words);
}

std::vector<OutcomeMark> marks_beside_times(const Outcome& outcome) {
  std::vector<OutcomeMark> list;
  for (const OutcomeMark& mark : outcome.marks)
    if (std::none_of(outcome.times.begin(), outcome.times.end(), [&](const OutcomeTime& time) {
          return !between(time.time) && mark.mark.starts_with(time.time) &&
                 outcome.t0 + time.took.count() == mark.at;
        }))
      list.push_back(mark);
  return list;
}

std::string times_sentence(const Outcome& outcome) {
  std::vector<std::string> words;
  for (size_t i = 0; i < std::size(kTimesOfARun); ++i)
    if (const auto took = slowest(outcome, kTimesOfARun[i]); took && !between(took->time))
      words.push_back(took->censored
                          ? std::string("not seen ") + kPassed[i] + " (" + lasting(took->took, true) + ")"
                          : std::string(kPassed[i]) + " after " + lasting(took->took));
  return words.empty() ? "" : "From the " + first_effect(outcome) + ": " + joined(words) + ".";
}

const OutcomeObjective* objective_of(const Outcome& outcome, const OutcomeTime& time) {
  for (const OutcomeObjective& each : outcome.objectives)
    if (each.objective == time.time && each.clock != "respond") return &each;
  return nullptr;
}

std::vector<std::string> worst_findings(const Outcome& outcome) {
  constexpr size_t kMost = 3;  // of each kind
  std::vector<std::string> lines;
  for (const auto& kind : {data_lost(outcome), return_findings(outcome), cold_start_findings(outcome),
                           gray_failures(outcome), red_preconditions(outcome)}) {
    const size_t shown = kind.size() > kMost ? kMost - 1 : kind.size();
    lines.insert(lines.end(), kind.begin(), kind.begin() + static_cast<std::ptrdiff_t>(shown));
    if (shown < kind.size())
      lines.push_back("and " + std::to_string(kind.size() - shown) + " more such, in the report's files");
  }
  return lines;
}

std::string not_back_text(const Outcome& outcome) {
  std::vector<std::string> names;
  for (const OutcomeRecovery::Instance& each : outcome.recovery.not_back)
    names.push_back(each.service + (each.host.empty() ? "" : " on " + each.host) + in_brackets(each.site));
  return and_more(names, 5);
}

std::vector<ComingBack> coming_back(const Outcome& outcome) {
  const OutcomeRecovery& recovery = outcome.recovery;
  std::vector<ComingBack> list;
  if (recovery.curve.empty()) return list;
  if (recovery.services > 0)
    list.push_back(row(outcome, "services", recovery.services,
                       [](const OutcomeRecovery::Point& point) { return point.services; }));
  for (const auto& [site, well] : recovery.hosts)
    if (well > 0)
      list.push_back(
          row(outcome, "hosts of " + site, well, [&site = site](const OutcomeRecovery::Point& point) {
            const auto here = point.hosts.find(site);
            return here == point.hosts.end() ? size_t{0} : here->second;
          }));
  return list;
}

}  // namespace blackstart::report
