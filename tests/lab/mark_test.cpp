// SPDX-License-Identifier: Apache-2.0
// People say what they know while a run lasts: into its record, and never after that is closed.
#include <algorithm>
#include <map>

#include "tests/lab/run_fixture.h"
#include "tests/support/promise.h"

namespace blackstart {
namespace {

class MarkTest : public RunTest {
 protected:
  CommandResult mark(const std::vector<std::string>& words) const {
    std::vector<std::string> argv{kBin + "blackstart", "mark"};
    argv.insert(argv.end(), words.begin(), words.end());
    argv.insert(argv.end(), {"--state", folder_});
    return run_command(argv, 10s);
  }
};

TEST_F(MarkTest, GoesIntoTheRecordWhileTheRunLastsAndIsRefusedAfterIt) {
  proves("S14");
  const auto path = experiment(R"(
  timeline: [{at: 0s, fault: site-blackhole, site: pangyo, for: 6s}]
  objectives: {detect: 1m, mitigate: 20m, recover: 4h}
  hypothesis: [{probe: login, successRatio: ">= 99%", over: 1s, within: 4s}]
)");
  RunningCommand running(command(path));
  ASSERT_TRUE(wait_dark());
  const std::string run = live_run();
  ASSERT_FALSE(run.empty());
  EXPECT_EQ(mark({"detected", "--run", run, "--note", "phones \"ring\""}).exit_code, 0);
  EXPECT_EQ(mark({"detectd", "--run", run}).exit_code, 4);
  EXPECT_EQ(mark({"coffee", "--custom", "--run", run}).exit_code, 0);
  const json outcome = parsed(running.wait());

  ASSERT_EQ(outcome["marks"].size(), 2u) << outcome["marks"];
  EXPECT_EQ(outcome["marks"][0]["mark"], "detected");
  EXPECT_EQ(outcome["marks"][0]["note"], "phones \"ring\"");
  EXPECT_GT(outcome["marks"][0]["at"], 0);
  const std::string events = read_text(folder_ + "/runs/" + run + "/events.jsonl");
  EXPECT_NE(events.find("coffee"), std::string::npos);
  std::map<std::string, json> times;
  for (const json& time : outcome["times"])
    times[time["time"].get<std::string>() + time["journey"].get<std::string>()] = time;
  EXPECT_EQ(times["detect"]["took"], outcome["marks"][0]["at"]);
  EXPECT_FALSE(times["detect"]["censored"].get<bool>());
  EXPECT_TRUE(times["decide"]["censored"].get<bool>()) << "somebody spoke, and not of this";
  EXPECT_TRUE(times["mitigatelogin"]["censored"].get<bool>()) << "login has but one cache";
  EXPECT_FALSE(times["recoverlogin"]["censored"].get<bool>());
  EXPECT_GT(times["recoverlogin"]["took"], 5);
  EXPECT_EQ(
      outcome["objectives"][2]["achieved"].get<double>(),
      std::max(times["recoverlogin"]["took"].get<double>(), times["recovernews"]["took"].get<double>()));
  EXPECT_GE(times["full-restore"]["took"], times["recoverlogin"]["took"]);

  const auto late = mark({"recovered", "--run", run});
  EXPECT_EQ(late.exit_code, 6);
  EXPECT_NE(late.err.find("its record is closed"), std::string::npos) << late.err;
  EXPECT_EQ(mark({"recovered", "--run", "20200101T000000Z-0000"}).exit_code, 4);
  EXPECT_EQ(run_command({kBin + "blackstart", "report", run, "--verify", "--state", folder_}).exit_code, 0);
}

}  // namespace
}  // namespace blackstart
