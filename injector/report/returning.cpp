// SPDX-License-Identifier: Apache-2.0
#include "injector/report/returning.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "injector/report/text.h"

namespace blackstart::report {
namespace {

using State = OutcomeReturn::State;

std::string counted(const OutcomeFault::Processes& each) {
  std::vector<std::string> words;
  if (each.killed > 0) words.push_back(grouped(each.killed));
  if (each.frozen > 0) words.push_back(grouped(each.frozen) + " frozen");
  if (each.respawns_killed > 0) words.push_back("+ " + grouped(each.respawns_killed));
  return joined(words, " ");
}

bool was_killed(const OutcomeReturn& each) {
  return each.state != State::kWasDown && each.state != State::kLeft;
}

std::vector<std::string> in_state(const Outcome& outcome, State state) {
  std::vector<std::string> names;
  for (const OutcomeReturn& each : outcome.returns.instances)
    if (each.state == state) names.push_back(instance_name(each));
  return names;
}

}  // namespace

std::string first_effect(const OutcomeFault& fault) {
  return fault.processes.empty() ? "first packet hit"
         : fault.dropped > 0     ? "first effect"
                                 : "first process hit";
}

std::string first_effect(const Outcome& outcome) {
  UnixNs first = 0;
  std::set<std::string> effects;
  for (const OutcomeFault& fault : outcome.faults) {
    if (fault.first_effect == 0 || (first != 0 && fault.first_effect > first)) continue;
    if (fault.first_effect < first) effects.clear();
    first = fault.first_effect;
    effects.insert(first_effect(fault));
  }
  return effects.size() == 1 ? *effects.begin() : "first effect";
}

std::string nothing_hit(const Outcome& outcome) {
  const auto on_processes =
      static_cast<size_t>(std::count_if(outcome.faults.begin(), outcome.faults.end(),
                                        [](const OutcomeFault& fault) { return !fault.processes.empty(); }));
  if (on_processes == 0) return "No packet was hit";
  return on_processes == outcome.faults.size() ? "No process was hit" : "Nothing was hit";
}

std::string processes_text(const OutcomeFault& fault) {
  if (fault.processes.empty()) return "";
  const OutcomeFault::Processes all = processes_hit(fault);
  if (all.killed + all.frozen + all.respawns_killed == 0) return fault.id + " processes: none was hit";
  std::vector<std::string> words;
  if (all.killed > 0 || all.frozen == 0) words.push_back(grouped(all.killed) + " killed");
  if (all.frozen > 0) words.push_back(grouped(all.frozen) + " frozen");
  if (all.respawns_killed > 0) words.push_back(grouped(all.respawns_killed) + " more killed as they started");
  std::vector<std::string> services;
  for (const auto& [service, each] : fault.processes)
    if (each.killed + each.frozen + each.respawns_killed > 0)
      services.push_back((service.empty() ? "of no service" : service) + " " + counted(each));
  return fault.id + " processes: " + joined(words) + " (" + compact(services, 6) + ")";
}

std::string instance_name(const OutcomeReturn& instance) {
  return (instance.service.empty() ? "a process of no service" : instance.service) + " on " + instance.host;
}

std::vector<std::string> return_text(const Outcome& outcome) {
  size_t killed = 0, well = 0, unseen = 0;
  for (const OutcomeReturn& each : outcome.returns.instances) {
    if (!was_killed(each)) continue;
    ++killed;
    well += each.state == State::kWell ? 1 : 0;
    unseen += each.state == State::kUnseen ? 1 : 0;
  }
  if (killed == 0) return {};
  if (unseen == killed) return {plural(killed, "killed instance") + " not looked at since they were started"};
  std::vector<std::string> lines{std::to_string(well) + " of " + plural(killed, "killed instance") +
                                 " well again" +
                                 (unseen ? ", " + std::to_string(unseen) + " not looked at" : "")};
  if (const auto rate = outcome.returns.hosts_per_hour)
    lines[0] += ", " + grouped(static_cast<uint64_t>(std::llround(*rate))) + " hosts an hour (measured)";
  if (const auto fleet = outcome.returns.extrapolated_32000)
    lines.push_back("at that rate 32,000 hosts would take " +
                    format_duration(Duration(std::chrono::floor<std::chrono::minutes>(*fleet))) +
                    ": an extrapolation, not a measurement");
  return lines;
}

std::vector<std::string> return_findings(const Outcome& outcome) {
  std::vector<std::string> lines;
  for (const OutcomeReturn& each : outcome.returns.instances)
    if (each.state == State::kFailed)
      lines.push_back(instance_name(each) + " could not be started again" +
                      (each.why.empty() ? "" : ": " + each.why));
  for (const auto& cycle : outcome.returns.cycles)
    lines.push_back(joined(cycle) + " waited for each other to start, and none of them got well");
  if (const auto down = in_state(outcome, State::kDown); !down.empty())
    lines.push_back("not known to have been started again: " + compact(down, 4));
  if (const auto unwell = in_state(outcome, State::kStarted); !unwell.empty())
    lines.push_back("started and not seen well before the run ended: " + compact(unwell, 4));
  if (const auto unseen = in_state(outcome, State::kUnseen); !unseen.empty())
    lines.push_back("started, and the run ended before anybody looked: " + compact(unseen, 4));
  const OutcomeReturn* slowest = nullptr;
  for (const OutcomeReturn& each : outcome.returns.instances)
    if (const auto took = waited_for_people(each); took && (!slowest || *took > *waited_for_people(*slowest)))
      slowest = &each;
  if (slowest)
    lines.push_back("people took " + lasting(*waited_for_people(*slowest)) + " to let " +
                    instance_name(*slowest) + " come back");
  const auto impatient = std::count_if(outcome.returns.instances.begin(), outcome.returns.instances.end(),
                                       [](const OutcomeReturn& each) { return each.by == "patience"; });
  if (impatient > 0)
    lines.push_back("nobody said in time that " + plural(static_cast<uint64_t>(impatient), "instance") +
                    " may come back");
  return lines;
}

std::string cold_start_text(const OutcomeColdStart& each) {
  const std::string who = "a fresh " + each.service + " in " + each.site + " ";
  const std::string after = each.took ? " after " + lasting(*each.took) : "";
  const std::string want = each.died_for.empty() ? "" : " for want of " + each.died_for;
  if (each.state == "ready") return who + "was ready" + after;
  if (each.state == "died") return who + "died" + after + want;
  if (each.state == "late") return who + "was not ready" + after + want;
  return who + "was not started";
}

std::vector<std::string> cold_start_findings(const Outcome& outcome) {
  std::vector<std::string> lines;
  for (const OutcomeColdStart& each : outcome.cold_starts)
    if (each.state != "ready") lines.push_back(cold_start_text(each));
  return lines;
}

}  // namespace blackstart::report
