// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "injector/experiment/load.h"
#include "injector/experiment/select.h"
#include "tests/support/marked_yaml.h"
#include "tests/support/promise.h"

namespace blackstart {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string messenger() {
  return test::support_file("examples/messenger-lab.yaml");
}

std::string head(const std::string& topology = "") {
  return "apiVersion: blackstart/v1\nkind: Experiment\nmetadata: {name: e}\nspec:\n" +
         (topology.empty() ? "" : "  topology: " + topology + "\n");
}

// An experiment with this spec against the messenger.
tl::expected<LoadedExperiment, Problems> load_text(const std::string& spec) {
  return load_experiment("e.yaml", messenger(), [&](const std::string& path) -> Result<std::string> {
    if (path == "e.yaml") return head() + spec;
    std::ifstream in(path);
    return std::string(std::istreambuf_iterator<char>(in), {});
  });
}

tl::expected<LoadedExperiment, Problems> load_fault(const std::string& fault) {
  return load_text("  timeline: [{" + fault + "}]\n");
}

TEST(Experiment, EveryMistakeIsLocated) {
  const std::string path = test::support_file("mistakes/experiment.yaml");
  const auto loaded = load_experiment(path);
  ASSERT_FALSE(loaded);
  test::expect_exactly(test::read_marks(path), loaded.error());
}

TEST(Experiment, TheExampleLacksOnlyWhatThisVersionCannotDo) {
  const auto loaded = load_experiment(test::support_file("examples/pangyo-blackhole.yaml"), messenger());
  ASSERT_FALSE(loaded);
  std::vector<std::string> messages;
  for (const Problem& problem : loaded.error()) {
    EXPECT_EQ(problem.kind, Problem::Kind::kMissing) << problem.message;
    messages.push_back(problem.message);
  }
  EXPECT_THAT(messages, ElementsAre("storage-drop with operations is not available in this version"));
}

TEST(Experiment, ReadsEveryField) {
  const auto loaded = load_text(R"(
  steadyState:
    for: 7s
    probes:
      - {name: web, from: phone-1, every: 250ms, timeout: 2s, weight: 0.6, http: {url: "http://login.lab:8080/", status: 204, body: ok}}
      - {name: port, tcp: {host: login.lab, port: 8080}}
      - {name: names, dns: {name: login.lab, server: 198.18.1.53, record: AAAA}}
      - {name: run, command: ["true", -x, 5]}
      - {name: up, prometheus: {url: "http://ops:9090", query: "up{job='a'}", value: "> 99%"}}
  timeline:
    - {at: 1s, fault: site-blackhole, group: seongnam, share: 50%, direction: in, except: [anyang], for: 1m}
    - {at: 2s, gate: {probes: [web, port], successRatio: ">= 50%", over: 4s}}
    - {fault: partition, between: [seongnam, anyang], direction: out, for: 90s}
    - {at: 3s, fault: people-absent, who: [lead, expert]}
    - {at: 4s, fault: storage-drop, service: photo-store, for: 10s}
  hypothesis: [{probe: web, successRatio: "> 0.99", over: 6s, within: 20s}]
  guards: [{probe: port, successRatio: ">=1%", over: 9s, onMissing: ignore}, {unexpectedServices: "<= 2"}]
  objectives: {detect: 1m, recover: 4h, clock: respond, rpo: 0s}
  recovery: {order: [network, [cache, object-storage], ops], pace: 30/m, watch: 10s, within: 20s}
  limits: {hosts: 0.8, sites: 2, duration: 10m}
  onConductorLoss: hold
  lease: 20s
  controlPath: cut
  enforce: survivors
  unprotect: [198.18.0.0/24]
  expect: fail
)");
  ASSERT_TRUE(loaded) << loaded.error().front().at.text() << " " << loaded.error().front().message;
  const Experiment& e = loaded->experiment;
  EXPECT_EQ(e.steady_for, std::chrono::seconds(7));
  ASSERT_EQ(e.probes.size(), 5u);
  EXPECT_EQ(e.probes[0].from, "phone-1");
  EXPECT_EQ(e.probes[0].weight, 0.6);
  EXPECT_EQ(e.probes[0].probe.every_ns(), 250'000'000);
  EXPECT_EQ(e.probes[0].probe.http().status(), 204u);
  EXPECT_EQ(e.probes[0].probe.http().body(), "ok");
  EXPECT_EQ(e.probes[1].probe.timeout_ns(), 1'000'000'000);
  EXPECT_EQ(e.probes[1].probe.tcp().port(), 8080u);
  EXPECT_EQ(e.probes[2].probe.dns().record(), "AAAA");
  EXPECT_THAT(e.probes[3].probe.command().argv(), ElementsAre("true", "-x", "5"));
  const contract::PrometheusCheck& prometheus = e.probes[4].probe.prometheus();
  EXPECT_EQ(prometheus.url(), "http://ops:9090");
  EXPECT_EQ(prometheus.query(), "up{job='a'}");
  EXPECT_EQ(prometheus.op(), contract::COMPARISON_GREATER);
  EXPECT_EQ(prometheus.value(), 0.99);
  ASSERT_EQ(e.faults.size(), 4u);
  EXPECT_EQ(e.faults[0].selector.group, "seongnam");
  EXPECT_EQ(e.faults[0].selector.share, 0.5);
  EXPECT_EQ(e.faults[0].direction, SiteDirection::kIn);
  EXPECT_THAT(e.faults[0].except, ElementsAre("anyang"));
  EXPECT_EQ(e.faults[1].what, FaultKind::kPartition);
  EXPECT_THAT(e.faults[1].between, ElementsAre("seongnam", "anyang"));
  EXPECT_EQ(e.faults[2].what, FaultKind::kPeopleAbsent);
  EXPECT_THAT(e.faults[2].who, ElementsAre("lead", "expert"));
  EXPECT_EQ(e.faults[3].what, FaultKind::kStorageDrop);
  EXPECT_EQ(e.end(), std::chrono::seconds(90));
  ASSERT_EQ(e.gates.size(), 1u);
  EXPECT_EQ(e.gates[0].at, std::chrono::seconds(2));
  EXPECT_THAT(e.gates[0].probes, ElementsAre("web", "port"));
  EXPECT_TRUE(e.gates[0].success_ratio->holds(0.5));
  EXPECT_FALSE(e.gates[0].success_ratio->holds(0.49));
  EXPECT_EQ(e.hypothesis.at(0).within, std::chrono::seconds(20));
  EXPECT_FALSE(e.hypothesis.at(0).success_ratio->holds(0.99));
  EXPECT_EQ(e.guards.at(0).text, "port successRatio >=1% over 9s");
  EXPECT_EQ(e.guards.at(0).on_missing, Guard::OnMissing::kIgnore);
  EXPECT_TRUE(e.guards.at(1).unexpected_services->holds(2));
  EXPECT_FALSE(e.guards.at(1).unexpected_services->holds(3));
  EXPECT_EQ(e.objectives.recover, std::chrono::hours(4));
  EXPECT_EQ(e.objectives.clock, "respond");
  EXPECT_EQ(e.objectives.rpo, Duration(0));
  EXPECT_EQ(e.objectives.mtpd, std::nullopt);
  EXPECT_THAT(e.recovery.order, ElementsAre(ElementsAre("network"), ElementsAre("cache", "object-storage"),
                                            ElementsAre("ops")));
  EXPECT_EQ(e.recovery.pace_per_second, 0.5);
  EXPECT_EQ(e.recovery.watch, std::chrono::seconds(10));
  EXPECT_EQ(e.recovery.within, std::chrono::seconds(20));
  EXPECT_EQ(e.limits.hosts, 0.8);
  EXPECT_EQ(e.limits.sites, 2);
  EXPECT_EQ(e.limits.duration, std::chrono::minutes(10));
  EXPECT_EQ(e.on_conductor_loss, OnConductorLoss::kHold);
  EXPECT_EQ(e.lease, std::chrono::seconds(20));
  EXPECT_EQ(e.control_path, ControlPath::kCut);
  EXPECT_EQ(e.enforce, Enforce::kSurvivors);
  EXPECT_THAT(e.unprotect, ElementsAre("198.18.0.0/24"));
  EXPECT_EQ(e.expect, Expect::kFail);
}

TEST(Experiment, ReadsWhatDecidesWhetherADrillMayBeginGoOnAndWiden) {
  const auto loaded = load_experiment(test::support_file("examples/guarded.yaml"));
  ASSERT_TRUE(loaded) << loaded.error().front().at.text() << " " << loaded.error().front().message;
  const Experiment& e = loaded->experiment;

  ASSERT_EQ(e.preconditions.size(), 6u);
  EXPECT_EQ(e.preconditions[0].why, "Anyang can carry everybody");
  EXPECT_EQ(e.preconditions[0].text, "prometheus sum(capacity_free) >= 100");
  EXPECT_EQ(e.preconditions[0].check->from, "anyang-app-1");
  EXPECT_EQ(e.preconditions[0].check->probe.timeout_ns(), 2'000'000'000);
  EXPECT_EQ(e.preconditions[0].check->probe.prometheus().value(), 100);
  EXPECT_THAT(e.preconditions[1].check->probe.command().argv(),
              ElementsAre("/usr/bin/test", "-e", "/run/people"));
  EXPECT_EQ(e.preconditions[2].check->probe.tcp().port(), 8080u);
  EXPECT_FALSE(e.preconditions[5].check);
  EXPECT_EQ(e.preconditions[5].text, "login p95 < 300ms over 4s");
  EXPECT_EQ(e.no_incident->check->probe.prometheus().op(), contract::COMPARISON_EQUAL);

  EXPECT_EQ(e.windows.zone, "Asia/Seoul");
  EXPECT_EQ(e.windows.allowed.size(), 2u);
  EXPECT_EQ(e.windows.blocked.at(0).text, "2026-12-24..2026-12-26");

  ASSERT_EQ(e.gates.size(), 3u);
  EXPECT_EQ(e.gates[0].Demand::text(), "successRatio >= 99%, p99 < 1s over 5s");
  EXPECT_EQ(e.gates[1].Demand::text(), "p50 < 100ms over 5s");
  EXPECT_EQ(e.hypothesis.at(0).Demand::text(), "p50 < 100ms, p90 < 300ms, p95 < 400ms, p99 <= 1s over 5s");

  ASSERT_EQ(e.guards.size(), 6u);
  EXPECT_EQ(e.guards[0].text, "login successRatio >= 50% over 2s, 3 of 5");
  EXPECT_EQ(std::pair(e.guards[0].breaches, e.guards[0].windows), std::pair(3, 5));
  EXPECT_EQ(e.guards[1].on_missing, Guard::OnMissing::kIgnore);
  EXPECT_EQ(e.guards[1].over, std::chrono::seconds(10));
  EXPECT_TRUE(e.guards[3].leaked->holds(0));
  EXPECT_EQ(e.guards[4].agents_lost->value, 0.1);
  EXPECT_EQ(e.guards[5].query->from, "anyang-app-1");
  EXPECT_EQ(e.guards[5].query->probe.every_ns(), 500'000'000);
  EXPECT_EQ(e.guards[5].text, "prometheus min(up) >= 1, 2 of 3");
}

TEST(Experiment, EveryFaultOfTheLanguageIsUnderstood) {
  const std::vector<std::string> later{
      "fault: packet-loss, site: pangyo, probability: 5%, for: 1s",
      "fault: packet-loss, between: [pangyo, anyang], probability: 0.05, for: 1s",
      "fault: latency, service: login, delay: 100ms, jitter: 10ms, for: 1s",
      "fault: bandwidth, site: pangyo, rate: 512kbit, burst: 64KiB, for: 1s",
      "fault: packet-corrupt, site: pangyo, probability: 1%, for: 1s",
      "fault: flap, wraps: site-blackhole, site: pangyo, up: 2s, down: 1s, cycles: 3, for: 9s",
      "fault: dns-outage, names: [login.lab], manner: servfail, for: 1s",
      "fault: host-pressure, host: pangyo-app-1, cpu: 80%, memory: 0.5, disk: 10%, for: 1s",
      "fault: load-surge, command: [wrk, http://login.lab], for: 1s",
      "fault: storage-drop, service: photo-store, manner: slow-down, for: 1s",
      "fault: storage-drop, service: photo-store, share: 30%, for: 1s",
  };
  for (const std::string& fault : later) {
    const auto loaded = load_fault(fault);
    ASSERT_FALSE(loaded) << fault;
    EXPECT_EQ(loaded.error().size(), 1u) << fault << ": " << loaded.error().front().message;
    EXPECT_EQ(loaded.error().front().kind, Problem::Kind::kMissing)
        << fault << ": " << loaded.error().front().message;
    EXPECT_THAT(loaded.error().front().message, HasSubstr("not available in this version"));
  }
}

TEST(Experiment, FaultsOnPlacesAndProcessesTakeEverySelector) {
  for (const std::string fault :
       {"site-blackhole", "service-kill", "service-freeze", "site-power-loss", "host-power-loss"})
    for (const char* selector :
         {"host: pangyo-cache-1", "site: pangyo", "group: seongnam", "service: session-cache", "role: ops",
          "tier: 1", "labels: {rack: a1}", "site: pangyo, count: 1", "site: pangyo, share: 0.5",
          "site: pangyo, role: cache"}) {
      const auto loaded = load_fault("fault: " + fault + ", for: 1s, " + selector);
      EXPECT_TRUE(loaded) << fault << ", " << selector << ": " << loaded.error().front().message;
    }
}

TEST(Experiment, ReadsWhatAFaultDoesToProcessesAndWhoMakesItGood) {
  const auto loaded = load_text(R"(
  timeline:
    - {at: 1s, fault: service-kill, service: login, signal: TERM, holdDown: true, restore: command, command: [start, login], return: manual, for: 20s}
    - {fault: service-kill, host: pangyo-app-1, for: 20s,
       process: {exe: /usr/bin/redis-server, comm: redis-server, cmdline: "redis.*:6379", unit: redis.service, port: 6379, cgroup: system.slice, user: redis}}
    - {fault: service-freeze, role: cache, process: {port: 6379}, for: 20s}
    - {fault: site-power-loss, site: pangyo, return: manual, for: 20s}
    - {fault: host-power-loss, host: pangyo-app-1, return: paced, for: 20s}
    - {at: 2s, cold-start: {service: login, in: anyang, within: 5s}}
    - {cold-start: {service: login, in: anyang}}
  announce: {webhook: "http://chat.lab/drill", stdout: true}
  roles: {owner: Kim, observers: [Lee, Park], safety: Choi, commander: Jung}
)");
  ASSERT_TRUE(loaded) << loaded.error().front().at.text() << " " << loaded.error().front().message;
  const Experiment& e = loaded->experiment;
  ASSERT_EQ(e.faults.size(), 5u);
  EXPECT_EQ(e.faults[0].what, FaultKind::kServiceKill);
  EXPECT_EQ(e.faults[0].signal, SIGTERM);
  EXPECT_TRUE(e.faults[0].hold_down);
  EXPECT_EQ(e.faults[0].restore, contract::RESTORE_COMMAND);
  EXPECT_THAT(e.faults[0].command, ElementsAre("start", "login"));
  EXPECT_TRUE(e.faults[0].manual_return);
  EXPECT_FALSE(e.faults[0].process);
  EXPECT_EQ(e.faults[1].signal, SIGKILL);
  EXPECT_FALSE(e.faults[1].hold_down);
  EXPECT_EQ(e.faults[1].restore, contract::RESTORE_AUTO);
  EXPECT_FALSE(e.faults[1].manual_return);
  const contract::ProcessMatch& match = e.faults[1].process.value();
  EXPECT_EQ(match.exe() + " " + match.comm() + " " + match.cmdline() + " " + match.unit() + " " +
                match.cgroup() + " " + match.user(),
            "/usr/bin/redis-server redis-server redis.*:6379 redis.service system.slice redis");
  EXPECT_EQ(match.port(), 6379u);
  EXPECT_EQ(e.faults[2].what, FaultKind::kServiceFreeze);
  EXPECT_EQ(e.faults[2].process->port(), 6379u);
  EXPECT_EQ(e.faults[3].what, FaultKind::kPowerLoss);
  EXPECT_TRUE(e.faults[3].manual_return);
  EXPECT_EQ(e.faults[4].what, FaultKind::kPowerLoss);
  EXPECT_FALSE(e.faults[4].manual_return);
  ASSERT_EQ(e.cold_starts.size(), 2u);
  EXPECT_EQ(e.cold_starts[0].service + " in " + e.cold_starts[0].site, "login in anyang");
  EXPECT_EQ(std::pair(e.cold_starts[0].at, e.cold_starts[0].within),
            std::pair(Duration(std::chrono::seconds(2)), Duration(std::chrono::seconds(5))));
  EXPECT_EQ(std::pair(e.cold_starts[1].at, e.cold_starts[1].within),
            std::pair(Duration(0), Duration(std::chrono::seconds(15))));
  EXPECT_EQ(e.announce.webhook, "http://chat.lab/drill");
  EXPECT_TRUE(e.announce.print);
  EXPECT_THAT(e.roles.at("owner"), ElementsAre("Kim"));
  EXPECT_THAT(e.roles.at("observers"), ElementsAre("Lee", "Park"));
}

TEST(Experiment, AnOutsideSiteIsRefusedWithTheLineThatMarksIt) {
  proves("S12");
  const auto loaded = load_fault("fault: site-blackhole, site: users, for: 1s");
  ASSERT_FALSE(loaded);
  ASSERT_EQ(loaded.error().size(), 1u);
  EXPECT_EQ(loaded.error()[0].kind, Problem::Kind::kRefused);
  EXPECT_THAT(loaded.error()[0].message, HasSubstr("messenger-lab.yaml:9:"));
  // Cutting a site off from its users is no cut of the users.
  EXPECT_TRUE(load_fault("fault: partition, between: [pangyo, users], for: 1s"));
}

TEST(Experiment, PathsStartAtTheExperimentsFolder) {
  std::vector<std::string> opened;
  const auto loaded =
      load_experiment("drills/site/e.yaml", "", [&](const std::string& path) -> Result<std::string> {
        opened.push_back(path);
        if (path == "drills/site/e.yaml")
          return head("../labs/t.yaml") + "  timeline: [{fault: people-absent, who: lead}]\n";
        return std::string(
            "apiVersion: blackstart/v1\nkind: Topology\nmetadata: {name: t}\nspec: {sites: {a: {prefix: "
            "x}}}\n");
      });
  EXPECT_THAT(opened, ElementsAre("drills/site/e.yaml", "drills/labs/t.yaml"));
  ASSERT_FALSE(loaded);
  for (const Problem& problem : loaded.error()) EXPECT_EQ(problem.at.file, "drills/labs/t.yaml");
}

TEST(Experiment, ATopologyIsNeededAndMustBeOne) {
  const auto only = [](const std::string& text) -> ReadFile {
    return [text](const std::string& path) -> Result<std::string> {
      if (path == "e.yaml") return text;
      return fail(ErrorKind::kInvalid, "open", path, ENOENT);
    };
  };
  const std::string timeline = "  timeline: [{fault: people-absent, who: lead}]\n";
  auto loaded = load_experiment("e.yaml", "", only(head() + timeline));
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().at(0).hint, HasSubstr("--topology"));
  loaded = load_experiment("e.yaml", "", only(head("t.yaml") + timeline));
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().at(0).at.text(), "e.yaml:5:13");
  loaded = load_experiment("e.yaml", "", only(head("e.yaml") + timeline));
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().at(0).message, HasSubstr("kind: Topology is needed"));
}

TEST(Comparison, ReadsNumbersSharesAndDurations) {
  EXPECT_EQ(parse_comparison(">= 99%")->value, 0.99);
  EXPECT_EQ(parse_comparison("< 500ms")->value, 0.5);
  EXPECT_EQ(parse_comparison("<=2")->op, contract::COMPARISON_LESS_EQUAL);
  EXPECT_TRUE(parse_comparison("= 3")->holds(3));
  for (const char* bad : {"", "99%", ">", "> x", "=> 1", "> 1 2"}) EXPECT_FALSE(parse_comparison(bad)) << bad;
}

TEST(Select, ServicesByPlaceAndHostsByService) {
  const auto topology = load_topology(messenger());
  ASSERT_TRUE(topology);
  const auto names = [](const auto& found) {
    std::string text;
    for (const auto* one : found) text += (text.empty() ? "" : " ") + one->name;
    return text;
  };
  EXPECT_EQ(names(matching_hosts({.site = "pangyo"}, *topology)), "pangyo-app-1 pangyo-cache-1");
  EXPECT_EQ(names(matching_hosts({.service = "login"}, *topology)), "anyang-app-1 pangyo-app-1");
  EXPECT_EQ(names(matching_hosts({.group = "seongnam", .service = "login"}, *topology)), "pangyo-app-1");
  EXPECT_EQ(names(matching_hosts({}, *topology)), "");
  EXPECT_EQ(names(matching_services({.site = "pangyo"}, *topology)), "deploy login session-cache");
  EXPECT_EQ(names(matching_services({.role = "object-storage"}, *topology)), "photo-store");
  EXPECT_EQ(names(sites_of_side("seongnam", *topology)), "pangyo");
}

}  // namespace
}  // namespace blackstart
