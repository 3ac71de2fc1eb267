// SPDX-License-Identifier: Apache-2.0
#include "injector/conduct/returns.h"

#include <algorithm>
#include <cmath>

#include "injector/plan/returning.h"

namespace blackstart {
namespace {

constexpr Duration kTellAgain = std::chrono::seconds(5);  // an agent that did not hear it, or not act on it

bool any_in(const std::vector<OutcomeReturn>& ways, OutcomeReturn::State state) {
  return std::any_of(ways.begin(), ways.end(), [&](const OutcomeReturn& way) { return way.state == state; });
}

// Nothing killed it, or nobody can or has to start it: there is nothing to wait for.
bool settled(const std::vector<OutcomeReturn>& ways) {
  return !any_in(ways, OutcomeReturn::State::kDown) && !any_in(ways, OutcomeReturn::State::kStarted);
}

std::string in_words(const Returns::Coming& each) {
  return each.instance.service + " on " + each.instance.host;
}

}  // namespace

Returns::Returns(const Plan& plan, const Recovery& recovery) : plan_(plan), patience_(recovery.within) {
  if (recovery.pace_per_second && *recovery.pace_per_second > 0)
    interval_ = Duration(std::llround(1e9 / *recovery.pace_per_second));
  for (const PlanStage& stage : plan.stages) {
    ++stages_;
    for (const PlanReturn& each : stage.instances)
      coming_.push_back({each, stages_, step_of_return(plan, each), "", "", 0, 0, 0, false});
  }
}

void Returns::say(const SaidReturn& said) {
  for (Coming& each : coming_) {
    if (!each.instance.manual || each.asked != 0 || !each.by.empty() || !goes_by(each.instance, said.what))
      continue;
    each.asked = said.at;
    each.asked_by = said.by;
  }
}

std::string Returns::name_of(size_t stage) const {
  const PlanStage& planned = plan_.stages[stage - 1];
  std::string roles;
  for (const std::string& role : planned.roles) roles += (roles.empty() ? "" : ", ") + role;
  return "stage " + std::to_string(stage) + " of " + std::to_string(stages_) + " (" +
         (roles.empty() ? "the rest" : roles) + ")";
}

std::string Returns::where() const {
  if (stage_ == 0 || over()) return "";
  size_t all = 0, sent = 0;
  for (const Coming& each : coming_) {
    if (each.stage != stage_) continue;
    ++all;
    sent += each.sent != 0 ? 1 : 0;
  }
  return name_of(stage_) + ": " + std::to_string(sent) + " of " + std::to_string(all) + " on its way";
}

void Returns::begin(size_t stage, UnixNs now, Step& out) {
  stage_ = stage;
  began_ = last_start_ = now;
  if (over()) return;
  for (Coming& each : coming_)
    if (each.stage == stage_) each.due = now;
  out.began.push_back(name_of(stage_));
}

void Returns::lose_patience_with_people(UnixNs now, Step& out) {
  if (now - began_ <= patience_.count()) return;
  std::vector<std::string> names;
  for (Coming& each : coming_) {
    if (each.stage != stage_ || !each.instance.manual || each.asked != 0 || !each.by.empty()) continue;
    each.by = "patience";
    names.push_back(in_words(each));
  }
  if (!names.empty())
    out.told.push_back(name_of(stage_) + ": nobody said within " + format_duration(patience_) + " that " +
                       several(names) + " may come back; the conductor started what was left");
}

void Returns::start_what_is_due(UnixNs now, const Reports& reports, const ImpactWatch::Checks& checks,
                                Step& out) {
  std::set<std::string> steps;  // taken in this call
  bool waiting = false;         // for the pace
  for (Coming& each : coming_) {
    if (each.stage != stage_) continue;
    const bool may = !each.instance.manual || each.asked != 0 || !each.by.empty();
    if (!may || (each.sent != 0 && now - each.sent < kTellAgain.count())) continue;
    if (!any_in(ways_back(reports, each.instance.host, each.instance.service, checks),
                OutcomeReturn::State::kDown))
      continue;
    if (each.sent == 0 && !steps.contains(each.step)) {
      if (interval_.count() > 0 && next_ > now) {
        waiting = true;
        continue;
      }
      steps.insert(each.step);
      next_ += interval_.count();
    }
    if (each.by.empty()) each.by = each.instance.manual ? each.asked_by : "pace";
    if (each.sent == 0) last_start_ = now;
    each.sent = now;
    out.start[each.instance.host].push_back(each.instance.service);
  }
  if (!waiting) next_ = std::max(next_, now);  // what was not used is not saved up
}

void Returns::see_who_waits(const Reports& reports, const ImpactWatch::Checks& checks) {
  ReturnWait wait{over() ? "" : name_of(stage_), {}, began_ + patience_.count()};
  for (const Coming& each : coming_)
    if (each.stage == stage_ && each.instance.manual && each.asked == 0 && each.by.empty() &&
        any_in(ways_back(reports, each.instance.host, each.instance.service, checks),
               OutcomeReturn::State::kDown))
      wait.instances.push_back(each.instance);
  wait_ = wait.instances.empty() ? std::nullopt : std::optional(std::move(wait));
}

Returns::Step Returns::step(UnixNs now, const Reports& reports, const ImpactWatch::Checks& checks) {
  Step out;
  if (stage_ == 0) {
    next_ = now;
    begin(1, now, out);
  }
  while (!over()) {
    lose_patience_with_people(now, out);
    start_what_is_due(now, reports, checks, out);
    std::vector<std::string> unwell;
    bool held = false;  // by people or by the pace
    for (const Coming& each : coming_) {
      if (each.stage != stage_) continue;
      const auto ways = ways_back(reports, each.instance.host, each.instance.service, checks);
      if (settled(ways)) continue;
      if (any_in(ways, OutcomeReturn::State::kDown) && each.sent == 0) held = true;
      unwell.push_back(in_words(each));
    }
    if (!unwell.empty() && (held || now - last_start_ <= patience_.count())) break;
    for (Coming& each : coming_)
      if (each.stage == stage_ && each.sent != 0 &&
          !settled(ways_back(reports, each.instance.host, each.instance.service, checks)))
        each.given_up = true;
    if (!unwell.empty())
      out.told.push_back(
          name_of(stage_) + ": " + several(unwell) + " " + (unwell.size() == 1 ? "was" : "were") +
          " not well " + format_duration(patience_) + " after the last start; " +
          (stage_ == stages_ ? "the run went on without " + std::string(unwell.size() == 1 ? "it" : "them")
                             : "the next stage began all the same"));
    begin(stage_ + 1, now, out);
  }
  see_who_waits(reports, checks);
  return out;
}

std::string in_words(const ReturnWait& wait, UnixNs t0) {
  const auto until = std::chrono::ceil<std::chrono::seconds>(Duration(wait.until - t0));
  return wait.text() + "; until T0 + " + format_duration(until) + " at the latest";
}

}  // namespace blackstart
