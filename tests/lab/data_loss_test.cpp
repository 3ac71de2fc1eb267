// SPDX-License-Identifier: Apache-2.0
// Databases in pairs, cut between their sites: the replica is promoted, and what the old primary
// acknowledged in the meantime is lost, or not. How much is known from the databases themselves.
#include <algorithm>
#include <set>
#include <sstream>

#include "agents/contract/units.h"
#include "tests/lab/own_lab.h"

namespace blackstart {
namespace {

// The replica's own script promotes it once its primary has been out of reach for a while.
constexpr const char* kPair = R"(
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

const std::string kPostgres = "/usr/lib/postgresql/15/bin/";

using Numbers = std::set<uint64_t>;

// Which records of a run stand where, in the end.
struct Truth {
  Numbers old_primary, primary;
};

// What the run says of `ledger`, written once every `period`, is what the databases say: every record in
// either was acknowledged, and those that the primary has not are lost.
void expect_told(const json& outcome, Truth truth, Duration period) {
  ASSERT_TRUE(outcome["records"].contains("ledger")) << outcome;
  const json& ledger = outcome["records"]["ledger"];
  // Those that were written after the last one that is judged do not count.
  for (Numbers* numbers : {&truth.old_primary, &truth.primary})
    numbers->erase(numbers->lower_bound(ledger["asked"]), numbers->end());
  Numbers written = truth.primary, lost;
  written.insert(truth.old_primary.begin(), truth.old_primary.end());
  std::set_difference(written.begin(), written.end(), truth.primary.begin(), truth.primary.end(),
                      std::inserter(lost, lost.end()));
  std::printf("%zu records written, %zu kept, %zu lost; told: %s\n", written.size(), truth.primary.size(),
              lost.size(), ledger.dump().c_str());
  EXPECT_EQ(ledger["unknown"], 0);
  EXPECT_EQ(ledger["acknowledged"], written.size());
  EXPECT_EQ(ledger["lost"], lost.size());
  EXPECT_GT(truth.primary.size(), 0u);
  ASSERT_FALSE(lost.empty());

  EXPECT_NEAR(ledger["rpo"], seconds(period) * static_cast<double>(*lost.rbegin() - *lost.begin() + 1), 0.01);
  const json& objectives = outcome["objectives"];
  const auto rpo = std::find_if(objectives.begin(), objectives.end(),
                                [](const json& each) { return each["objective"] == "rpo"; });
  ASSERT_NE(rpo, objectives.end()) << objectives;
  EXPECT_EQ((*rpo)["achieved"], ledger["rpo"]);
  EXPECT_GT((*rpo)["achieved"], (*rpo)["target"]);
}

class RedisPair : public OwnLab {
 protected:
  static void SetUpTestSuite() {
    need({"/usr/bin/redis-server"});
    lab_up(kPair, {{"replica.sh", kReplica}});
  }

  // The numbers of a run's records that this database has.
  static Numbers numbers_at(const std::string& host, const std::string& run) {
    const std::string prefix = "ledger/" + run + "/";
    std::istringstream keys(on(host, {"redis-cli", "--raw", "keys", prefix + "*"}).out);
    Numbers numbers;
    for (std::string key; keys >> key;) numbers.insert(std::stoull(key.substr(prefix.size())));
    return numbers;
  }
};

// The old primary goes on for as long as the cut lasts: its writer knows no other.
TEST_F(RedisPair, WhatAPromotedReplicaNeverHeardOfIsCountedToTheRecord) {
  const json outcome = parsed(run_command(command(saved(kExperiment))));
  const std::string run = outcome["run"];
  expect_told(outcome, {numbers_at("pangyo-db-1", run), numbers_at("anyang-db-1", run)}, 100ms);
  EXPECT_GT(outcome["records"]["ledger"]["lost"], 20);
}

// The lab and the drill that ship.
class PostgresPair : public OwnLab {
 protected:
  static void SetUpTestSuite() { need({kPostgres + "postgres"}); }
  void TearDown() override {
    lab_down();
    OwnLab::TearDown();
  }

  // `options` are further words of the first server's command.
  json drill(const std::string& options = "") {
    const std::string shipped = shipped_topology("postgres-pair"), last = "anyang-db-1]";
    EXPECT_NE(shipped.find(last), std::string::npos);
    lab_up(replaced(shipped, last, "anyang-db-1" + options + "]"),
           {{"postgres-pair/node.sh", read_text(kLabs / "postgres-pair/node.sh")}});
    const auto begin = std::chrono::steady_clock::now();
    const auto result =
        run_command(command(BLACKSTART_SOURCE_DIR "/experiments/parts/async-replica-loss-ci.yaml"));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 60s);
    EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
    json outcome = parsed(result);
    EXPECT_TRUE(outcome["residue"].empty()) << outcome["residue"];
    return outcome;
  }
  static CommandResult sql(const std::string& host, const std::string& statement) {
    return on(host, {kPostgres + "psql", "-XqAt", "-h", "127.0.0.1", "-U", "postgres", "-c", statement});
  }
  static Numbers numbers_at(const std::string& host, const std::string& run) {
    std::istringstream rows(sql(host, "select n from records where run = '" + run + "'").out);
    return {std::istream_iterator<uint64_t>(rows), {}};
  }
};

TEST_F(PostgresPair, EveryPaymentIsTakenAndWhatTheStandbyNeverHeardOfIsLost) {
  const json outcome = drill();
  const std::string run = outcome["run"];
  expect_told(outcome, {numbers_at("pangyo-db-1", run), numbers_at("anyang-db-1", run)}, 250ms);
  EXPECT_GT(outcome["records"]["ledger"]["lost"], 4);
  // Both take connections again, and one of them takes writes.
  EXPECT_NE(sql("pangyo-db-1", "insert into payments default values").exit_code, 0);
  EXPECT_EQ(sql("anyang-db-1", "insert into payments default values").exit_code, 0);
}

TEST_F(PostgresPair, ASynchronousPairLosesNothingAndLetsPeopleWait) {
  const json outcome = drill(", -c, synchronous_standby_names=*, -c, synchronous_commit=remote_apply");
  const json& ledger = outcome["records"]["ledger"];
  const Numbers kept = numbers_at("anyang-db-1", outcome["run"]);
  EXPECT_EQ(ledger["unknown"], 0) << ledger;
  EXPECT_EQ(ledger["lost"], 0) << ledger;
  EXPECT_EQ(ledger["rpo"], 0) << ledger;
  EXPECT_GT(ledger["acknowledged"], 20) << ledger;
  EXPECT_LT(ledger["acknowledged"].get<uint64_t>() + 4, ledger["asked"].get<uint64_t>()) << ledger;
  EXPECT_LE(ledger["acknowledged"], kept.size()) << ledger;
  EXPECT_LT(outcome["probes"]["pay"]["during"], 1);
}

}  // namespace
}  // namespace blackstart
