// SPDX-License-Identifier: Apache-2.0
// What decides whether a drill may begin, go on and widen, through the command line, with a real
// Prometheus in the lab and the conductor asking from its own place too.
#include <algorithm>

#include "tests/lab/own_lab.h"
#include "tests/support/promise.h"

namespace blackstart {
namespace {

constexpr const char* kPrometheus = "http://198.18.2.12:9090";

// Two sites; Prometheus in Anyang asks an agent of each for its metrics.
constexpr const char* kTwoRacks = R"(
apiVersion: blackstart/v1
kind: Topology
metadata: {name: guard-test}
spec:
  sites:
    pangyo: {prefixes: [198.18.1.0/24]}
    anyang: {prefixes: [198.18.2.0/24]}
    users:  {prefixes: [198.18.9.0/24], outside: true}
  hosts:
    pangyo-1: {site: pangyo, address: [198.18.1.11], labels: {rack: a}}
    pangyo-2: {site: pangyo, address: [198.18.1.12], labels: {rack: a}}
    pangyo-3: {site: pangyo, address: [198.18.1.13], labels: {rack: b}}
    anyang-1: {site: anyang, address: [198.18.2.11]}
    anyang-2: {site: anyang, address: [198.18.2.12]}
    phone-1:  {site: users,  address: [198.18.9.11]}
  services:
    news:
      role: app
      instances: [{host: pangyo-3, port: 8081}, {host: anyang-1, port: 8081}]
    monitoring:
      role: ops/monitoring
      instances: [{host: anyang-2, port: 9090}]
  lab:
    run:
      news:
        command: ["{bin}/sample-service", --name, news, --listen, "[::]:{port}"]
        user: nobody
        ready: {http: /healthz, within: 10s}
      monitoring:
        command: [/usr/bin/prometheus, "--config.file={dir}/prometheus.yml", "--storage.tsdb.path={dir}/data",
                  "--web.listen-address=:{port}", --log.level=warn]
        files: {prometheus.yml: prometheus.yml}
        user: prometheus
        ready: {http: /-/ready, within: 20s}
)";
constexpr const char* kScrapes = R"(
global: {scrape_interval: 500ms, scrape_timeout: 400ms}
scrape_configs:
  - job_name: agents
    static_configs: [{targets: ["198.18.1.11:9464", "198.18.2.11:9464"]}]
)";
constexpr const char* kHead = R"(
apiVersion: blackstart/v1
kind: Experiment
metadata: {name: guarded}
spec:
  steadyState:
    for: 1s
    probes:
      - {name: near, from: phone-1, every: 200ms, timeout: 900ms, http: {url: "http://198.18.2.11:8081/"}}
      - {name: far, from: phone-1, every: 200ms, timeout: 900ms, http: {url: "http://198.18.1.13:8081/"}}
  recovery: {watch: 1s}
  limits: {sites: 1, hosts: 100%}
)";

class GuardTest : public OwnLab {
 protected:
  static void SetUpTestSuite() {
    need({"/usr/bin/prometheus"});
    lab_up(kTwoRacks, {{"prometheus.yml", kScrapes}});
  }

  CommandResult run(const std::string& rest, const std::vector<std::string>& more = {}) {
    return run_command(command(saved(kHead + rest), kTopology, more));
  }
  // The events of this type in the log of a run.
  static std::vector<json> events(const json& outcome, const std::string& type) {
    std::ifstream log(outcome["log"]["file"].get<std::string>());
    std::vector<json> found;
    for (std::string line; std::getline(log, line);)
      if (json event = json::parse(line); event["type"] == type) found.push_back(std::move(event));
    return found;
  }
  static bool armed(const json& outcome) {
    const json& phases = outcome["phases"];
    return std::any_of(phases.begin(), phases.end(),
                       [](const json& phase) { return phase["phase"] == "arm"; });
  }
};

// What a real Prometheus says of the cut ends it, and everything is healthy in less than five seconds.
TEST_F(GuardTest, APrometheusQueryAbortsTheRun) {
  const auto result = run(replaced(R"(
  timeline: [{at: 0s, fault: site-blackhole, site: pangyo, for: 60s}]
  guards:
    - {prometheus: {url: "PROMETHEUS", query: min(up), value: ">= 1"}, from: anyang-2, every: 200ms}
)",
                                   "PROMETHEUS", kPrometheus));
  const json outcome = parsed(result);
  EXPECT_EQ(result.exit_code, 2) << result.out << result.err;
  ASSERT_TRUE(outcome["guards"][0]["breached"].get<bool>()) << result.out;
  EXPECT_GT(outcome["faults"][0]["packets"]["dropped"], 0);
  const auto breached = events(outcome, "guard"), reverted = events(outcome, "revert");
  ASSERT_EQ(breached.size(), 1u);
  ASSERT_EQ(reverted.size(), 1u);
  EXPECT_NE(breached[0]["data"]["why"].get<std::string>().find("value 0"), std::string::npos) << breached[0];
  const double took = (reverted[0]["unix_ns"].get<double>() - breached[0]["unix_ns"].get<double>()) / 1e9;
  RecordProperty("breach_to_revert_ms", static_cast<int>(took * 1000));
  RecordProperty("fired_to_breach_s", outcome["guards"][0]["at"].dump());
  EXPECT_LT(took, 5);
  EXPECT_EQ(outcome["recoveryVerdict"], "pass");
}

TEST_F(GuardTest, AQueryWithoutDataIsABreach) {
  proves("S15");
  // Prometheus goes dark with the fault, so that nobody answers the query any more.
  const auto result = run(replaced(R"(
  timeline: [{at: 0s, fault: site-blackhole, host: anyang-2, for: 60s}]
  guards:
    - {prometheus: {url: "PROMETHEUS", query: vector(1), value: ">= 1"}, from: phone-1, every: 500ms, breaches: 2 of 3}
)",
                                   "PROMETHEUS", kPrometheus));
  EXPECT_EQ(result.exit_code, 2) << result.out << result.err;
  EXPECT_NE(parsed(result)["guards"][0]["why"].get<std::string>().find("no data"), std::string::npos)
      << result.out;
}

TEST_F(GuardTest, RedPreconditionsTouchNothing) {
  proves("S6");
  const std::string timeline = "  timeline: [{at: 0s, fault: site-blackhole, site: pangyo, for: 1s}]\n";
  const std::string well = replaced(R"(
  requires:
    - {why: everything is up, from: anyang-2, prometheus: {url: "PROMETHEUS", query: min(up), value: "= 1"}}
    - {why: the conductor may, command: [/bin/true]}
  noIncident: {from: anyang-2, prometheus: {url: "PROMETHEUS", query: count(ALERTS) or vector(0), value: "= 0"}}
)",
                                    "PROMETHEUS", kPrometheus);
  const auto passed = run(timeline + well);
  EXPECT_EQ(passed.exit_code, 0) << passed.out << passed.err;
  EXPECT_EQ(events(parsed(passed), "precondition").size(), 3u);

  for (const auto& [from, to] :
       std::map<std::string, std::string>{{"min(up), value: \"= 1\"", "min(up), value: \"= 2\""},
                                          {"/bin/true", "/bin/false"},
                                          {"vector(0)", "vector(3)"}}) {
    const auto refused = run(timeline + replaced(well, from, to));
    const json outcome = parsed(refused);
    EXPECT_EQ(refused.exit_code, 6) << to << refused.out << refused.err;
    EXPECT_FALSE(armed(outcome));
    const auto told = events(outcome, "precondition");
    EXPECT_EQ(told.size(), 3u);
    EXPECT_EQ(std::count_if(told.begin(), told.end(),
                            [](const json& event) { return !event["data"]["met"].get<bool>(); }),
              1);
    ASSERT_EQ(outcome["preconditions"].size(), told.size());
    for (size_t i = 0; i < told.size(); ++i) {
      EXPECT_EQ(outcome["preconditions"][i]["precondition"], told[i]["data"]["precondition"]);
      EXPECT_EQ(outcome["preconditions"][i]["met"], told[i]["data"]["met"]);
    }
  }
}

TEST_F(GuardTest, AClosedWindowIsForAPersonToOverride) {
  proves("S6");
  const std::string closed = R"(
  timeline: [{at: 0s, fault: site-blackhole, site: pangyo, for: 1s}]
  windows: {zone: Asia/Seoul, allowed: [2020-01-01]}
)";
  const auto refused = run(closed);
  EXPECT_EQ(refused.exit_code, 6) << refused.out << refused.err;
  EXPECT_FALSE(armed(parsed(refused)));
  EXPECT_EQ(run(closed, {"--ci", "--override-window", "why"}).exit_code, 4);
  const auto overridden = run(closed, {"--override-window", "a rehearsal"});
  EXPECT_EQ(overridden.exit_code, 0) << overridden.out << overridden.err;
  EXPECT_EQ(events(parsed(overridden), "window").at(0)["data"]["override"], "a rehearsal");
  EXPECT_EQ(parsed(overridden)["preconditions"][0]["overridden"], "a rehearsal");
}

// host → share → rack → site: the third gate sees the news of rack b fail, and the site stays up.
TEST_F(GuardTest, AFailedGateStopsWidening) {
  const auto result = run(R"(
  timeline:
    - {at: 0s, fault: site-blackhole, host: pangyo-1, for: 12s}
    - {at: 2s, gate: {probes: [near, far], successRatio: ">= 99%", latency: {p99: "< 800ms"}, over: 1s}}
    - {at: 2s, fault: site-blackhole, site: pangyo, labels: {rack: a}, share: 10%, for: 10s}
    - {at: 4s, gate: {probes: [near, far], successRatio: ">= 99%", over: 1s}}
    - {at: 4s, fault: site-blackhole, labels: {rack: b}, for: 8s}
    - {at: 7s, gate: {probes: [near, far], successRatio: ">= 99%", over: 1s}}
    - {at: 7s, fault: site-blackhole, site: pangyo, for: 5s}
)");
  const json outcome = parsed(result);
  ASSERT_EQ(outcome["gates"].size(), 3u);
  EXPECT_EQ(outcome["gates"][0]["passed"], true) << outcome["gates"];
  EXPECT_EQ(outcome["gates"][1]["passed"], true) << outcome["gates"];
  EXPECT_EQ(outcome["gates"][2]["passed"], false) << outcome["gates"];
  for (const json& fault : outcome["faults"]) EXPECT_NE(fault["id"], "f4") << fault;
  EXPECT_TRUE(outcome["residue"].empty());
}

}  // namespace
}  // namespace blackstart
