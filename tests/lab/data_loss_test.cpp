// SPDX-License-Identifier: Apache-2.0
// A Redis pair with asynchronous replication, cut between its sites: the replica is promoted, the old primary
// goes on acknowledging, and what it acknowledged since is lost. How much is known from the databases
// themselves.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "tests/support/command.h"

namespace blackstart {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
namespace fs = std::filesystem;

const std::string kBin = BLACKSTART_BINARY_DIR "/bin/";
constexpr const char* kLab = "data-loss-test";
const fs::path kFolder = fs::temp_directory_path() / "blackstart-data-loss-test";

// The replica's own script promotes it once its primary has been out of reach for a while.
constexpr const char* kTopology = R"(
apiVersion: blackstart/v1
kind: Topology
metadata: {name: data-loss-test}
spec:
  sites:
    pangyo: {prefixes: [198.18.1.0/24]}
    anyang: {prefixes: [198.18.2.0/24]}
    users:  {prefixes: [198.18.9.0/24], outside: true}
  hosts:
    pangyo-db-1: {site: pangyo, address: [198.18.1.11]}
    anyang-db-1: {site: anyang, address: [198.18.2.11]}
    phone-1:     {site: users,  address: [198.18.9.11]}
  services:
    primary:
      role: database
      instances: [{host: pangyo-db-1, port: 6379}]
    replica:
      role: database
      instances: [{host: anyang-db-1, port: 6379}]
  lab:
    run:
      primary:
        command: [/usr/bin/redis-server, --port, "{port}", --bind, "*", --protected-mode, "no", --dir, "{dir}",
                  --save, "", --repl-ping-replica-period, "1", --repl-diskless-sync-delay, "0"]
        user: redis
        ready: {tcp: 6379, within: 10s}
      replica:
        command: [/bin/sh, "{dir}/replica.sh"]
        files: {replica.sh: replica.sh}
        user: redis
        ready: {tcp: 6379, within: 10s}
)";
constexpr const char* kReplica = R"sh(
redis-server --port 6379 --bind '*' --protected-mode no --dir "$(dirname "$0")" --save '' \
  --repl-timeout 2 --replicaof 198.18.1.11 6379 &
link() { redis-cli -h 127.0.0.1 info replication | grep -o 'master_link_status:[a-z]*'; }
until [ "$(link)" = master_link_status:up ]; do sleep 0.1; done
until [ "$(link)" = master_link_status:down ]; do sleep 0.1; done
redis-cli -h 127.0.0.1 replicaof no one
wait
)sh";
constexpr const char* kExperiment = R"(
apiVersion: blackstart/v1
kind: Experiment
metadata: {name: async-replica-loss, summary: What a promoted asynchronous replica never heard of}
spec:
  steadyState:
    for: 1s
    probes:
      - {name: primary, from: phone-1, every: 200ms, tcp: {host: 198.18.1.11, port: 6379}}
      - {name: replica, from: phone-1, every: 200ms, tcp: {host: 198.18.2.11, port: 6379}}
  records:
    - name: ledger
      from: phone-1
      every: 100ms
      write: [redis-cli, -e, -h, 198.18.1.11, set, "ledger/{run}/{n}", "{n}"]
      read: [sh, -c, 'found=$(redis-cli -e -h 198.18.2.11 exists ledger/{run}/{n}) || exit 2; [ "$found" = 1 ]']
  timeline: [{at: 0s, fault: partition, between: [pangyo, anyang], for: 6s}]
  objectives: {rpo: 1s}
  recovery: {watch: 2s}
)";

class DataLoss : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (geteuid() != 0) GTEST_SKIP() << "needs root for network namespaces";
    if (access("/usr/bin/redis-server", X_OK) != 0)
      GTEST_SKIP() << "redis is not installed (Debian: redis-server)";
    fs::create_directories(kFolder);
    std::ofstream(kFolder / "topology.yaml") << kTopology;
    std::ofstream(kFolder / "replica.sh") << kReplica;
    std::ofstream(kFolder / "experiment.yaml") << kExperiment;
    const auto up = run_command({kBin + "blackstart", "lab", "up", kFolder / "topology.yaml"}, 60s);
    ASSERT_EQ(up.exit_code, 0) << up.err;
    lab_is_ours_ = true;
  }
  static void TearDownTestSuite() {
    fs::remove_all(kFolder);
    if (!std::exchange(lab_is_ours_, false)) return;
    EXPECT_EQ(run_command({kBin + "blackstart", "lab", "down", kLab}, 30s).exit_code, 0);
  }

  // The numbers below `end` of the records of a run that this database has.
  static std::set<uint64_t> numbers_at(const std::string& host, const std::string& run, uint64_t end) {
    const std::string prefix = "ledger/" + run + "/";
    std::istringstream keys(run_command({kBin + "blackstart", "lab", "exec", "--lab", kLab, host, "redis-cli",
                                         "--raw", "keys", prefix + "*"},
                                        10s)
                                .out);
    std::set<uint64_t> numbers;
    for (std::string key; keys >> key;)
      if (const uint64_t number = std::stoull(key.substr(prefix.size())); number < end)
        numbers.insert(number);
    return numbers;
  }

  static inline bool lab_is_ours_ = false;
};

TEST_F(DataLoss, WhatAPromotedReplicaNeverHeardOfIsCountedToTheRecord) {
  const auto result =
      run_command({kBin + "blackstart", "run", kFolder / "experiment.yaml", "--topology",
                   kFolder / "topology.yaml", "--state", kFolder, "--output", "json", "--yes"},
                  120s);
  const json outcome = json::parse(result.out, nullptr, false);
  ASSERT_TRUE(outcome.is_object()) << result.out << result.err;
  ASSERT_TRUE(outcome["records"].contains("ledger")) << result.out << result.err;
  const json& ledger = outcome["records"]["ledger"];
  EXPECT_EQ(ledger["unknown"], 0) << ledger;

  const uint64_t asked = ledger["asked"];
  const auto written = numbers_at("pangyo-db-1", outcome["run"], asked);
  const auto kept = numbers_at("anyang-db-1", outcome["run"], asked);
  std::set<uint64_t> lost;
  std::set_difference(written.begin(), written.end(), kept.begin(), kept.end(),
                      std::inserter(lost, lost.end()));
  EXPECT_EQ(ledger["acknowledged"], written.size()) << ledger;
  EXPECT_EQ(ledger["lost"], lost.size()) << ledger;
  EXPECT_GT(kept.size(), 0u);
  ASSERT_GT(lost.size(), 20u);
  std::printf("%zu records acknowledged, %zu kept, %zu lost; told: %s\n", written.size(), kept.size(),
              lost.size(), ledger.dump().c_str());

  const double span = static_cast<double>(*lost.rbegin() - *lost.begin() + 1) * 0.1;
  EXPECT_NEAR(ledger["rpo"], span, 0.01);
  const json& objectives = outcome["objectives"];
  const auto rpo = std::find_if(objectives.begin(), objectives.end(),
                                [](const json& each) { return each["objective"] == "rpo"; });
  ASSERT_NE(rpo, objectives.end()) << objectives;
  EXPECT_EQ((*rpo)["achieved"], ledger["rpo"]);
  EXPECT_GT((*rpo)["achieved"], (*rpo)["target"]);
}

}  // namespace
}  // namespace blackstart
