// SPDX-License-Identifier: Apache-2.0
// The shop whose retries keep its orders down, and the same shop with a budget for them: what a recovery
// verdict is for.
#include <set>

#include "tests/lab/own_lab.h"

namespace blackstart {
namespace {

class Metastable : public OwnLab {
 protected:
  // What the shipped drill says of the shipped lab, changed as the test says.
  CommandResult drill(const std::string& from, const std::string& to) {
    const std::string text = shipped_topology("metastable");
    EXPECT_NE(text.find(from), std::string::npos);
    lab_up(replaced(text, from, to));
    const auto result =
        run_command(command(BLACKSTART_SOURCE_DIR "/experiments/return/metastable-retry-storm-ci.yaml"));
    lab_down();
    return result;
  }

  // The times that the run was too short to see.
  static std::set<std::string> censored_of(const json& outcome) {
    std::set<std::string> censored;
    for (const json& time : outcome["times"])
      if (time["censored"]) censored.insert(time["time"]);
    return censored;
  }
};

TEST_F(Metastable, RetriesKeepTheServiceDownThoughNothingIsCutAnyMore) {
  const auto result = drill("--retries, \"4\"", "--retries, \"4\"");
  const json outcome = parsed(result);
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
  const json outcome = parsed(result);
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  EXPECT_EQ(outcome["recoveryVerdict"], "pass");
  EXPECT_LT(outcome["probes"]["order"]["during"], 0.3);
  EXPECT_EQ(censored_of(outcome), std::set<std::string>{"mitigate"}) << "nothing helps while it is cut";
}

}  // namespace
}  // namespace blackstart
