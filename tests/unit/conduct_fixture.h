// SPDX-License-Identifier: Apache-2.0
// A small experiment on simulated agents and simulated time, for tests of what the conductor decides.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "injector/conduct/conduct.h"
#include "tests/support/simulated_agents.h"

namespace blackstart {

using namespace std::chrono_literals;

class SilentObserver final : public RunObserver {
 public:
  void event(UnixNs, const std::string& type, const nlohmann::json& data) override {
    events.push_back(type);
    said.push_back(data);
  }
  void progress(const RunProgress& progress) override {
    phase = progress.phase;
    details.insert(progress.detail);
  }
  std::vector<std::string> events;
  std::vector<nlohmann::json> said;  // with each event
  std::string phase;
  std::set<std::string> details;  // of the progress line
};

inline ProbeSpec probe(const std::string& name) {
  ProbeSpec spec;
  spec.from = "phone-1";
  spec.weight = 1;
  spec.probe.set_name(name);
  spec.probe.set_every_ns(Duration(250ms).count());
  spec.probe.set_timeout_ns(Duration(1s).count());
  spec.probe.mutable_tcp()->set_host("login.lab");
  return spec;
}

// Pangyo with two hosts, Anyang with one, a phone outside; Pangyo goes dark for 20 s.
class ConductTest : public testing::Test {
 protected:
  ConductTest() {
    topology_.name = "small";
    topology_.sites["pangyo"] = {"pangyo", {}, "", false, {}};
    topology_.sites["anyang"] = {"anyang", {}, "", false, {}};
    topology_.sites["users"] = {"users", {}, "", true, {}};
    plan_.experiment = experiment_.name = "pangyo-blackhole";
    plan_.end = 20s;
    for (const auto& [host, site] : std::map<std::string, std::string>{
             {"pangyo-1", "pangyo"}, {"pangyo-2", "pangyo"}, {"anyang-1", "anyang"}, {"phone-1", "users"}}) {
      topology_.hosts[host] = {host, site, {}, {}, {}};
      const bool enforces = site != "users";
      contract::Order& order = plan_.orders[host];
      order.set_host(host);
      PlanTarget target{host, site, site == "pangyo", enforces, {}};
      if (enforces) {
        auto& fault = *order.add_faults();
        fault.set_id("f1");
        fault.set_kind("site-blackhole");
        fault.set_end_ns(Duration(20s).count());
        target.faults.push_back({"f1", "site-blackhole", "ebpf", 0s, 20s});
      }
      plan_.targets.push_back(target);
      agents_.hosts_seen[host];
    }
    FaultSpec fault;
    fault.kind = "site-blackhole";
    fault.duration = 20s;
    experiment_.faults.push_back(fault);
    experiment_.steady_for = 3s;
    experiment_.recovery.watch = 3s;
    experiment_.probes.push_back(probe("login"));
    Hypothesis hypothesis;
    hypothesis.probe = "login";
    hypothesis.success_ratio = {contract::COMPARISON_GREATER_EQUAL, 0.99, ">= 99%"};
    hypothesis.over = 2s;
    hypothesis.within = 10s;
    experiment_.hypothesis.push_back(hypothesis);
  }

  Outcome run() {
    ConductOptions options;
    options.run = "r1";
    options.window_override = override_;
    options.observer = &observer_;
    options.now = [this] { return agents_.now; };
    options.sleep = [this](Duration duration) { agents_.now += duration.count(); };
    options.said = [this](bool last) { return said_ ? said_(last) : std::vector<SaidMark>{}; };
    options.said_returns = [this](bool last) {
      return said_returns_ ? said_returns_(last) : std::vector<SaidReturn>{};
    };
    options.so_far = [this](const Outcome& so_far) { told_so_far_.push_back(so_far); };
    options.clock_set = [this] { return clock_set_ ? clock_set_() : Duration(0); };
    options.abort_requested = [this] { return abort_when_ ? abort_when_() : std::nullopt; };
    return conduct(plan_, experiment_, topology_, agents_, options);
  }
  bool dark() const {
    const auto& host = agents_.hosts_seen.at("pangyo-1");
    return host.armed && host.t0 != 0 && agents_.now >= host.t0;
  }
  bool nothing_armed() const {
    for (const auto& [name, host] : agents_.hosts_seen)
      if (host.armed) return false;
    return true;
  }

  Topology topology_;
  Experiment experiment_;
  Plan plan_;
  SimulatedAgents agents_;
  SilentObserver observer_;
  std::string override_;
  std::function<std::optional<std::string>()> abort_when_;
  std::function<Duration()> clock_set_;
  std::function<std::vector<SaidMark>(bool last)> said_;
  std::function<std::vector<SaidReturn>(bool last)> said_returns_;
  std::vector<Outcome> told_so_far_;
};

}  // namespace blackstart
