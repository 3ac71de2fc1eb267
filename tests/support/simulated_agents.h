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
  using Instance = std::pair<std::string, std::string>;  // host, service
  std::set<Instance> cannot_start, was_down;
  std::map<std::string, contract::ColdStartReport> cold_starts;  // by id; reported once their time has come

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
    bool lifted = false;
    UnixNs heard = 0;             // the conductor's last word
    Duration longest_silence{0};  // while it was armed and had fired
    std::string note;
    std::map<std::string, contract::DownReport> down;     // by service
    std::vector<std::pair<UnixNs, std::string>> returns;  // what was started when, by name; "": the rest
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

  // Not one that a fault killed and nobody started since.
  [[nodiscard]] bool runs(const std::string& host, const std::string& service) {
    Host& its = hosts_seen[host];
    kill_what_is_due(host, its);
    const auto down = its.down.find(service);
    return down == its.down.end() || down->second.state() == contract::DownReport::STARTED;
  }
  // When an instance was started again; 0: it was not.
  [[nodiscard]] UnixNs started(const std::string& host, const std::string& service) const {
    const auto& down = hosts_seen.at(host).down;
    const auto its = down.find(service);
    return its == down.end() ? 0 : its->second.started_unix_ns();
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
      host.lifted = false;
      host.t0 = 0;
      host.note.clear();
      host.down.clear();
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
      kill_what_is_due(name, host);
      if (request.revert().keep_down() && anything_down(host)) {
        host.lifted = true;
      } else if (host.armed) {
        host.note = host.lifted ? "end" : request.revert().reason();
        host.armed = host.lifted = false;
        if (!start_again(name, host, {})) return fail(ErrorKind::kStranded, "start again on", name);
      }
    } else if (request.has_return_services()) {
      const auto& names = request.return_services().services();
      if (!host.lifted || names.empty()) return fail(ErrorKind::kRefused, "start again on", name);
      if (!start_again(name, host, {names.begin(), names.end()}))
        return fail(ErrorKind::kStranded, "start again on", name);
    } else if (request.has_start_probes()) {
      host.probes.assign(request.start_probes().probes().begin(), request.start_probes().probes().end());
      host.probes_since = now;
      host.sequence.clear();
    } else if (request.has_stop_probes()) {
      host.probes.clear();
      ++host.stops;
    } else if (request.has_collect()) {
      if (host.armed && host.heard > host.t0 && host.t0 != 0)
        host.longest_silence = std::max(host.longest_silence, Duration(now - host.heard));
      host.heard = now;
      host.horizon = std::max(host.horizon, request.collect().horizon_ns());
      for (const contract::Probe& probe : host.probes) add_samples(host, probe, reply);
    }
    // A host that is free again tells only its own conductor what it saw.
    if (request.has_collect() || request.has_revert() || request.has_return_services() || host.armed)
      fill(name, host, *reply.mutable_report());
    reply.mutable_report()->set_host(name);
    if (const auto held = held_by.find(name); held != held_by.end())
      reply.mutable_report()->set_run(held->second);
    return reply;
  }

  static bool anything_down(const Host& host) {
    return std::any_of(host.down.begin(), host.down.end(),
                       [](const auto& each) { return each.second.state() == contract::DownReport::DOWN; });
  }

  void kill_what_is_due(const std::string& name, Host& host) const {
    if (!host.armed || host.lifted || host.t0 == 0) return;
    for (const auto& fault : host.order.faults()) {
      if (!fault.has_process() || fault.start_ns() >= host.horizon || now < host.t0 + fault.start_ns())
        continue;
      for (const auto& target : fault.process().targets()) {
        auto [down, first] = host.down.try_emplace(target.service());
        if (!first) continue;
        down->second.set_fault(fault.id());
        down->second.set_service(target.service());
        const bool was = was_down.contains({name, target.service()});
        down->second.set_state(was ? contract::DownReport::WAS_DOWN : contract::DownReport::DOWN);
        if (!was) down->second.set_killed_unix_ns(host.t0 + fault.start_ns());
      }
    }
  }

  // Of these services, or of all; false: one could not be.
  bool start_again(const std::string& name, Host& host, const std::set<std::string>& services) const {
    bool all = true;
    for (auto& [service, down] : host.down) {
      if ((!services.empty() && !services.contains(service)) ||
          down.state() == contract::DownReport::STARTED || down.state() == contract::DownReport::WAS_DOWN)
        continue;
      host.returns.emplace_back(now, service);
      if (cannot_start.contains({name, service})) {
        down.set_state(contract::DownReport::FAILED);
        down.set_why("no such file");
        all = false;
        continue;
      }
      down.set_state(contract::DownReport::STARTED);
      down.set_started_unix_ns(now);
    }
    return all;
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

  void fill(const std::string& name, Host& host, contract::HostReport& report) const {
    kill_what_is_due(name, host);
    report.set_note(host.note);
    report.set_lifted(host.lifted);
    for (const auto& [service, down] : host.down) *report.add_down() = down;
    report.set_host(name);
    report.set_run(host.order.run());
    report.set_armed(host.armed && !lapsed.contains(name));
    if (lapsed.contains(name)) report.set_note("lease");
    if (host.t0 == 0 || now < host.t0) return;
    report.set_t0_unix_ns(host.t0);
    report.set_fired_unix_ns(host.t0);
    for (const auto& planned : host.order.cold_starts())
      if (const auto said = cold_starts.find(planned.id());
          said != cold_starts.end() && now >= host.t0 + planned.start_ns())
        *report.add_cold_starts() = said->second;
    for (const auto& fault : host.order.faults()) {
      if (fault.start_ns() >= host.horizon || now < host.t0 + fault.start_ns()) continue;
      auto& own = *report.add_faults();
      own.set_id(fault.id());
      own.set_kind(fault.kind());
      own.set_start_unix_ns(host.t0 + fault.start_ns());
      own.set_end_unix_ns(host.t0 + fault.end_ns());
      for (const auto& [service, down] : host.down) {
        if (down.fault() != fault.id() || down.state() == contract::DownReport::WAS_DOWN) continue;
        auto& count = *own.add_processes();
        count.set_service(service);
        count.set_killed(1);
      }
      if (dropped_per_host == 0 || (fault.has_process() && fault.rules().empty())) continue;
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
