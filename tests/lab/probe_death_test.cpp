// SPDX-License-Identifier: Apache-2.0
// The agent that asks is killed in the middle of a run. What it did not see stays unknown: the drill is
// aborted where a guard says so, else inconclusive, and never passes.
#include "tests/lab/run_fixture.h"

#include <signal.h>

#include <chrono>

#include "agents/channel/embedded/embedded_channel.h"
#include "injector/lab/paths.h"
#include "tests/support/promise.h"

namespace blackstart {
namespace {

class ProbeDeath : public RunTest {
 protected:
  static constexpr const char* kAsker = "phone-1";

  // Of the agent now; 0: none answers.
  static pid_t agent() {
    EmbeddedChannel channel(lab::Paths::of(kLab).agents());
    contract::Request hello;
    hello.mutable_hello();
    const auto reply = channel.call_all({{kAsker, hello}}, 2s).at(kAsker);
    return reply ? static_cast<pid_t>(reply->report().pid()) : 0;
  }
  // Runs the drill and kills the asker as soon as the cut is felt; the lab is put back as it was.
  json killed_midway(const std::string& rest) {
    RunningCommand run(command(experiment(rest)));
    EXPECT_TRUE(wait_dark());
    const pid_t asker = agent();
    EXPECT_GT(asker, 0);
    if (asker > 0) kill(asker, SIGKILL);
    json outcome = parsed(run.wait());
    for (int i = 0; i < 30 && agent() == 0; ++i) std::this_thread::sleep_for(100ms);
    if (agent() == 0) {
      EXPECT_EQ(run_command({kBin + "blackstart", "lab", "down", kLab}, 30s).exit_code, 0);
      EXPECT_EQ(run_command({kBin + "blackstart", "lab", "up", kTopology}, 60s).exit_code, 0);
    }
    return outcome;
  }
  static const json& of_asker(const json& outcome) { return outcome["probes"]["news"]; }
};

// News stands in both sites and the cut takes one: everything the phone saw before it fell silent was good.
constexpr const char* kCut = "  timeline: [{at: 0s, fault: site-blackhole, site: pangyo, for: 12s}]\n";

TEST_F(ProbeDeath, AGuardThatHearsNothingIsBreached) {
  proves("S15");
  const json outcome = killed_midway(std::string(kCut) + R"(
  guards:
    - {probe: news, successRatio: ">= 0%", over: 2s, onMissing: breach}
    - {agentsLost: "<= 100%"}
)");
  EXPECT_EQ(outcome["verdict"], "aborted") << outcome.dump(1);
  EXPECT_EQ(outcome["exitCode"], 2);
  EXPECT_TRUE(outcome["guards"][0]["breached"].get<bool>()) << outcome["guards"].dump(1);
  EXPECT_FALSE(outcome["guards"][1]["breached"].get<bool>());
}

TEST_F(ProbeDeath, WithoutAGuardTheVerdictIsInconclusive) {
  proves("S15");
  const json outcome = killed_midway(std::string(kCut) + R"(
  guards:
    - {probe: news, successRatio: ">= 0%", over: 2s, onMissing: ignore}
    - {agentsLost: "<= 100%"}
  hypothesis: [{probe: news, successRatio: ">= 0%", over: 1s, within: 11s}]
)");
  EXPECT_EQ(outcome["verdict"], "inconclusive") << outcome.dump(1);
  EXPECT_EQ(outcome["exitCode"], 3);
  EXPECT_NE(outcome["recoveryVerdict"], "pass");
  EXPECT_TRUE(outcome["hypothesis"][0]["met"].is_null()) << outcome["hypothesis"].dump(1);
  // Whether or not somebody started the agent again, nobody filled the gap: the last answer is from the
  // time before it died, and there is nothing to say of the time after the cut.
  EXPECT_TRUE(of_asker(outcome)["after"].is_null()) << of_asker(outcome).dump(1);
  EXPECT_LT(of_asker(outcome)["attempts"].get<int>(), 12s / 200ms) << of_asker(outcome).dump(1);
}

}  // namespace
}  // namespace blackstart
