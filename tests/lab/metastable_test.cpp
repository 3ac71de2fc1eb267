// SPDX-License-Identifier: Apache-2.0
// The shop whose retries keep its orders down, and the same shop with a budget for them: what a recovery
// verdict is for.
#include <set>

#include "tests/lab/run_fixture.h"

namespace blackstart {
namespace {

// One lab at a time, under a name of the test's own.
class Metastable : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root for network namespaces";
    char name[] = "/tmp/blackstart-metastable-XXXXXX";
    folder_ = mkdtemp(name);
  }
  void TearDown() override {
    if (up_) {
      EXPECT_EQ(run_command({kBin + "blackstart", "lab", "down", kLab}).exit_code, 0);
    }
    if (!folder_.empty()) fs::remove_all(folder_);
  }
  // The outcome of the shipped drill on the shipped lab, changed as the test says.
  CommandResult drill(const std::string& from, const std::string& to) {
    const std::string topology = folder_ + "/lab.yaml";
    const std::string text = read_text(BLACKSTART_SOURCE_DIR "/experiments/labs/metastable.yaml");
    EXPECT_NE(text.find(from), std::string::npos);
    std::ofstream(topology) << replaced(replaced(text, "name: metastable,", "name: " + kLab + ","), from, to);
    const auto up = run_command({kBin + "blackstart", "lab", "up", topology});
    EXPECT_EQ(up.exit_code, 0) << up.err;
    up_ = up.exit_code == 0;
    return run_command({kBin + "blackstart", "run",
                        BLACKSTART_SOURCE_DIR "/experiments/return/metastable-retry-storm-ci.yaml",
                        "--topology", topology, "--yes", "--state", folder_, "--output", "json"},
                       180s);
  }

  // The times that the run was too short to see.
  static std::set<std::string> censored_of(const json& outcome) {
    std::set<std::string> censored;
    for (const json& time : outcome["times"])
      if (time["censored"]) censored.insert(time["time"]);
    return censored;
  }

  std::string folder_;
  bool up_ = false;
};

TEST_F(Metastable, RetriesKeepTheServiceDownThoughNothingIsCutAnyMore) {
  const auto result = drill("--retries, \"4\"", "--retries, \"4\"");
  const json outcome = json::parse(result.out, nullptr, false);
  ASSERT_TRUE(outcome.is_object()) << result.out << result.err;
  EXPECT_EQ(result.exit_code, 1) << result.out;
  EXPECT_EQ(outcome["recoveryVerdict"], "fail");
  EXPECT_NE(outcome["reason"].get<std::string>().find("metastable: still bad"), std::string::npos)
      << outcome["reason"];
  EXPECT_TRUE(outcome["residue"].empty());
  EXPECT_EQ(outcome["probes"]["order"]["before"], 1.0);
  EXPECT_LT(outcome["probes"]["order"]["after"], 0.5);
  // Its health check asks for no work.
  ASSERT_EQ(outcome["gray"].size(), 1u) << outcome["gray"];
  EXPECT_EQ(outcome["gray"][0]["service"], "orders");
  EXPECT_EQ(outcome["gray"][0]["journey"], "order");
  EXPECT_GE(outcome["gray"][0]["from"], 11) << "while it is cut its check fails too";
  EXPECT_EQ(censored_of(outcome), (std::set<std::string>{"mitigate", "recover", "full-restore"}));
}

TEST_F(Metastable, ABudgetForRetriesLetsItComeBack) {
  const auto result = drill("--retries, \"4\"", "--retries, \"4\", --retry-budget, \"0.1\"");
  const json outcome = json::parse(result.out, nullptr, false);
  ASSERT_TRUE(outcome.is_object()) << result.out << result.err;
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  EXPECT_EQ(outcome["recoveryVerdict"], "pass");
  EXPECT_LT(outcome["probes"]["order"]["during"], 0.3);
  EXPECT_EQ(censored_of(outcome), std::set<std::string>{"mitigate"}) << "nothing helps while it is cut";
}

}  // namespace
}  // namespace blackstart
