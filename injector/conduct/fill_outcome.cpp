// SPDX-License-Identifier: Apache-2.0
#include "injector/conduct/fill_outcome.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace blackstart {
namespace {

using PairKey =
    std::tuple<std::string, std::string, std::string, std::string>;  // src, dst, direction, verdict

void first_at(UnixNs moment, OutcomeFault& fault) {
  if (moment != 0 && (fault.first_effect == 0 || moment < fault.first_effect)) fault.first_effect = moment;
}

void add_fault_report(const contract::FaultReport& report, OutcomeFault& fault,
                      std::map<PairKey, OutcomeFault::Pair>& pairs) {
  // Of a fault on packets and processes: the engine its pairs are named by.
  if (!report.engine().empty() && (fault.engine.empty() || report.packets_size() > 0))
    fault.engine = report.engine();
  first_at(report.first_unix_ns(), fault);
  fault.last_effect = std::max(fault.last_effect, report.last_unix_ns());
  for (const auto& count : report.packets()) {
    const std::string direction = count.direction() == contract::DIRECTION_EGRESS ? "egress" : "ingress";
    auto& pair = pairs[{count.src_site(), count.dst_site(), direction, count.verdict()}];
    pair.src_site = count.src_site();
    pair.dst_site = count.dst_site();
    pair.direction = direction;
    pair.verdict = count.verdict();
    pair.packets += count.packets();
    pair.bytes += count.bytes();
    if (count.verdict() == "drop") {
      fault.dropped += count.packets();
      fault.bytes += count.bytes();
    } else {
      fault.protected_packets += count.packets();
    }
  }
}

// The first process hit: as it was killed; where nobody noted the moment, when the fault was in force.
void add_processes(const contract::FaultReport& own, const contract::HostReport& host, OutcomeFault& fault) {
  uint64_t hit = 0;
  for (const contract::ProcessCount& count : own.processes()) {
    OutcomeFault::Processes& sum = fault.processes[count.service()];
    sum.killed += count.killed();
    sum.respawns_killed += count.respawns_killed();
    sum.frozen += count.frozen();
    hit += count.killed() + count.frozen();
  }
  if (hit == 0) return;
  UnixNs killed = 0;
  for (const contract::DownReport& down : host.down())
    if (down.fault() == fault.id && down.killed_unix_ns() != 0 &&
        (killed == 0 || down.killed_unix_ns() < killed))
      killed = down.killed_unix_ns();
  first_at(killed != 0 ? killed : own.start_unix_ns(), fault);
}

void add_leak(const contract::LeakReport& report, OutcomeFault& fault,
              std::map<PairKey, OutcomeFault::Pair>& pairs) {
  fault.leaked += report.packets();
  auto& pair = pairs[{report.src_site(), report.dst_site(), "ingress", "leak"}];
  pair.src_site = report.src_site();
  pair.dst_site = report.dst_site();
  pair.direction = "ingress";
  pair.verdict = "leak";
  pair.packets += report.packets();
}

// The hosts the fault is about; where it takes nobody away (a partition), all that carry it out.
std::vector<std::string> hosts_with(const Plan& plan, const std::string& fault) {
  std::vector<std::string> hosts, enforcing;
  for (const PlanTarget& target : plan.targets) {
    if (!std::any_of(target.faults.begin(), target.faults.end(),
                     [&](const auto& own) { return own.id == fault; }))
      continue;
    enforcing.push_back(target.host);
    if (target.target) hosts.push_back(target.host);
  }
  if (hosts.empty()) return enforcing;
  return hosts;
}

// Every fault of the plan once, in the order of the experiment.
std::map<std::string, PlanTargetFault> faults_of(const Plan& plan) {
  std::map<std::string, PlanTargetFault> faults;
  for (const PlanTarget& target : plan.targets)
    for (const PlanTargetFault& fault : target.faults) faults.emplace(fault.id, fault);
  return faults;
}

// The services whose processes the plan aims it at; none: it is about packets alone.
std::map<std::string, OutcomeFault::Processes> processes_of(const Plan& plan, const std::string& fault) {
  std::map<std::string, OutcomeFault::Processes> processes;
  for (const auto& [host, order] : plan.orders)
    for (const contract::Fault& own : order.faults()) {
      if (own.id() != fault || !own.has_process()) continue;
      if (own.process().targets().empty()) processes[""];
      for (const contract::ProcessTarget& target : own.process().targets()) processes[target.service()];
    }
  return processes;
}

}  // namespace

void fill_faults(const Plan& plan, const std::map<std::string, contract::HostReport>& reports,
                 const RunTimes& times, Duration horizon, const std::string& reverted_by, Outcome& outcome) {
  outcome.fired = times.fired;
  if (times.fired == 0) return;
  for (const auto& [id, planned] : faults_of(plan)) {
    OutcomeFault fault;
    fault.id = id;
    fault.kind = planned.kind;
    fault.hosts = hosts_with(plan, id);
    if (planned.start >= horizon) {
      outcome.notes.push_back(id + " " + planned.kind +
                              " did not fire: it stands behind a gate that did not pass");
      continue;
    }
    const UnixNs over = times.reverted == 0 ? times.ended : times.reverted;
    if (times.fired + planned.start.count() >= over) {
      outcome.notes.push_back(id + " " + planned.kind + " did not fire: the run ended before its time came");
      continue;
    }
    fault.processes = processes_of(plan, id);
    std::map<PairKey, OutcomeFault::Pair> pairs;
    for (const auto& [host, report] : reports) {
      for (const auto& own : report.faults()) {
        if (own.id() != id) continue;
        add_fault_report(own, fault, pairs);
        add_processes(own, report, fault);
      }
      for (const auto& leak : report.leaks())
        if (leak.fault() == id) add_leak(leak, fault, pairs);
    }
    for (auto& [key, pair] : pairs) fault.pairs.push_back(std::move(pair));
    const UnixNs deadline = times.fired + planned.end.count();
    fault.end = std::min(deadline, over);
    // Where only processes were hit: one that was killed a little late was.
    if (fault.last_effect == 0) fault.end = std::max(fault.end, fault.first_effect);
    if (!reverted_by.empty()) fault.ended_by = deadline <= over ? "end" : reverted_by;
    if (fault.first_effect != 0 && (outcome.t0 == 0 || fault.first_effect < outcome.t0))
      outcome.t0 = fault.first_effect;
    outcome.faults.push_back(std::move(fault));
  }

  UnixNs first = std::numeric_limits<UnixNs>::max(), last = 0;
  for (const auto& [host, report] : reports) {
    if (report.fired_unix_ns() == 0 || report.faults().empty()) continue;
    first = std::min(first, report.fired_unix_ns());
    last = std::max(last, report.fired_unix_ns());
  }
  if (last != 0) outcome.apply_skew = Duration(last - first);
}

void fill_series(const Histories& histories, const RunTimes& times, Outcome& outcome) {
  constexpr int64_t kSecond = std::chrono::nanoseconds(std::chrono::seconds(1)).count();
  const UnixNs from = times.steady_start != 0 ? times.steady_start : times.fired;
  if (from == 0 || times.ended <= from) return;
  const int64_t step = ((times.ended - from) / ((kMostSpans - 2) * kSecond) + 1) * kSecond;
  const UnixNs origin = times.fired != 0 ? times.fired : from;
  outcome.series_step = Duration(step);
  for (auto& [name, probe] : outcome.probes) {
    const auto history = histories.find(name);
    if (history == histories.end()) continue;
    std::map<UnixNs, OutcomeSpan> spans;
    for (const ProbeHistory::Sample& sample : history->second.samples()) {
      if (sample.outcome != contract::Sample::SUCCESS && sample.outcome != contract::Sample::FAILURE)
        continue;
      if (sample.scheduled < from || sample.scheduled > times.ended) continue;
      const int64_t away = sample.scheduled - origin;
      const int64_t index = away / step - (away % step < 0 ? 1 : 0);
      OutcomeSpan& span = spans[origin + index * step];
      ++span.attempts;
      if (sample.outcome == contract::Sample::FAILURE) ++span.failures;
    }
    for (auto& [at, span] : spans) {
      span.at = at;
      probe.series.push_back(span);
    }
  }
}

}  // namespace blackstart
