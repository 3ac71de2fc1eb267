// SPDX-License-Identifier: Apache-2.0
// Agents that answer at once, on a clock the test moves: for the conductor's decisions, not for what
// agents do.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agents/channel/channel.h"
#include "agents/contract/units.h"
#include "agents/contract/wire.h"

namespace blackstart {

class SimulatedAgents final : public Channel {
 public:
  // What the test decides.
  std::function<bool(const std::string& probe)> probe_succeeds = [](const std::string&) { return true; };
  std::set<std::string> silent, cannot_arm, cannot_fire, cannot_revert, lapsed, mute_probes;
  std::map<std::string, std::string> held_by;
  Duration answer_takes{0};
  Duration first_packet{0};  // how long after its start a fault hits its first packet
  Duration straggler{0};     // how long after its deadline a fault hits its last packet
  uint64_t dropped_per_host = 100, leaked_per_host = 0;

  // What the test looks at.
  struct Host {
    contract::Order order;
    bool armed = false;
    UnixNs t0 = 0;
    int64_t horizon = 0;
    int arms = 0, fires = 0, reverts = 0, stops = 0;
    std::vector<contract::Probe> probes;
    std::map<std::string, uint64_t> sequence;
    UnixNs probes_since = 0;
  };
  std::map<std::string, Host> hosts_seen;
  UnixNs now = 1'700'000'000LL * 1'000'000'000;

  Result<std::vector<std::string>> hosts() override {
    std::vector<std::string> names;
    for (const auto& [name, host] : hosts_seen) names.push_back(name);
    return names;
  }

  std::map<std::string, Result<contract::Reply>> call_all(
      const std::map<std::string, contract::Request>& requests, std::chrono::milliseconds) override {
    std::map<std::string, Result<contract::Reply>> replies;
    for (const auto& [host, request] : requests) replies.emplace(host, answer(host, request));
    return replies;
  }

  [[nodiscard]] int total(int Host::*counter) const {
    int sum = 0;
    for (const auto& [name, host] : hosts_seen) sum += host.*counter;
    return sum;
  }

 private:
  Result<contract::Reply> answer(const std::string& name, const contract::Request& request) {
    if (silent.contains(name)) return fail(ErrorKind::kUnreachable, "ask the agent of", name);
    Host& host = hosts_seen[name];
    contract::Reply reply;
    if (request.has_arm()) {
      if (cannot_arm.contains(name)) return fail(ErrorKind::kMissing, "arm", name, EPERM);
      ++host.arms;
      host.armed = true;
      host.order = request.arm().order();
    } else if (request.has_fire()) {
      if (cannot_fire.contains(name))
        return fail(ErrorKind::kUnreachable, "ask the agent of", name, ETIMEDOUT);
      ++host.fires;
      host.t0 = request.fire().t0_unix_ns();
      host.horizon = request.fire().horizon_ns();
    } else if (request.has_revert()) {
      ++host.reverts;
      if (cannot_revert.contains(name)) return fail(ErrorKind::kStranded, "revert", name);
      host.armed = false;
    } else if (request.has_start_probes()) {
      host.probes.assign(request.start_probes().probes().begin(), request.start_probes().probes().end());
      host.probes_since = now;
      host.sequence.clear();
    } else if (request.has_stop_probes()) {
      host.probes.clear();
      ++host.stops;
    } else if (request.has_collect()) {
      host.horizon = std::max(host.horizon, request.collect().horizon_ns());
      for (const contract::Probe& probe : host.probes) add_samples(host, probe, reply);
    }
    // A host that is free again tells only its own conductor what it saw.
    if (request.has_collect() || request.has_revert() || host.armed)
      fill(name, host, *reply.mutable_report());
    reply.mutable_report()->set_host(name);
    if (const auto held = held_by.find(name); held != held_by.end())
      reply.mutable_report()->set_run(held->second);
    return reply;
  }

  void add_samples(Host& host, const contract::Probe& probe, contract::Reply& reply) {
    if (mute_probes.contains(probe.name())) return;
    for (uint64_t& next = host.sequence[probe.name()];; ++next) {
      const UnixNs due = host.probes_since + static_cast<int64_t>(next) * probe.every_ns();
      if (due > now) return;
      contract::Sample& sample = *reply.add_samples();
      sample.set_probe(probe.name());
      sample.set_sequence(next);
      sample.set_scheduled_unix_ns(due);
      const bool well = probe_succeeds(probe.name());
      sample.set_duration_ns(answer_takes.count());
      sample.set_outcome(well ? contract::Sample::SUCCESS : contract::Sample::FAILURE);
      if (!well) sample.set_reason("timeout");
    }
  }

  void fill(const std::string& name, const Host& host, contract::HostReport& report) const {
    report.set_host(name);
    report.set_run(host.order.run());
    report.set_armed(host.armed && !lapsed.contains(name));
    if (lapsed.contains(name)) report.set_note("lease");
    if (host.t0 == 0 || now < host.t0) return;
    report.set_t0_unix_ns(host.t0);
    report.set_fired_unix_ns(host.t0);
    for (const auto& fault : host.order.faults()) {
      if (fault.start_ns() >= host.horizon || now < host.t0 + fault.start_ns()) continue;
      auto& own = *report.add_faults();
      own.set_id(fault.id());
      own.set_kind(fault.kind());
      own.set_end_unix_ns(host.t0 + fault.end_ns());
      if (dropped_per_host == 0) continue;
      own.set_first_unix_ns(host.t0 + fault.start_ns() + first_packet.count());
      own.set_last_unix_ns(std::min(now, host.t0 + fault.end_ns() + straggler.count()));
      auto& count = *own.add_packets();
      count.set_verdict("drop");
      count.set_packets(dropped_per_host);
      if (leaked_per_host == 0) continue;
      auto& leak = *report.add_leaks();
      leak.set_fault(fault.id());
      leak.set_packets(leaked_per_host);
    }
  }
};

}  // namespace blackstart
