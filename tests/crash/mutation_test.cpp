// SPDX-License-Identifier: Apache-2.0
// Each mechanism switched off makes the check that it stands for fail. The same check passes with the
// mechanism on, so it is the mechanism that makes the difference.
#include <signal.h>

#include "tests/crash/agent_under_test.h"

namespace blackstart {
namespace {

using namespace test;

class Mutation : public AgentUnderTest, public testing::WithParamInterface<const char*> {
 protected:
  // A stopped agent cannot keep a fault behind its end.
  bool deadline() {
    arm_and_fire(400ms);
    ::kill(processes().agent, SIGSTOP);
    ::kill(processes().sentinel, SIGSTOP);
    const bool held = until_healthy(600ms).has_value();
    for (const pid_t pid : processes().all) ::kill(pid, SIGCONT);
    return held;
  }
  // A dead agent leaves nothing, and another stands there a second later.
  bool sentinel() {
    arm_and_fire(60s);
    ::kill(processes().agent, SIGKILL);
    return until(kRestHeals,
                 [this] {
                   reap_children();
                   return whole();
                 })
               .has_value() &&
           journal_empty() && inventory() == before_;
  }
  // What two dead processes left goes at the next start.
  bool reaper(const std::vector<std::string>& environment) {
    arm_and_fire(60s);
    for (const pid_t pid : processes().all) ::kill(pid, SIGKILL);
    (void)until(kRestHeals, [this] { return all_gone(); });
    start(environment);
    EXPECT_TRUE(wait_until_it_answers());
    return journal_empty() && inventory() == before_;
  }
  // Protected traffic passes.
  bool protect() {
    contract::Order guarded = order(60s, contract::ATTACHMENT_CLSACT);
    *guarded.mutable_protection()->add_ports() = port(kEchoPort);
    EXPECT_TRUE(arm(guarded));
    EXPECT_TRUE(fire());
    std::this_thread::sleep_for(20ms);
    const bool passed = healthy();
    EXPECT_TRUE(revert());
    return passed;
  }
  bool holds(const std::string& mechanism, const std::vector<std::string>& environment) {
    start(environment);
    EXPECT_TRUE(wait_until_it_answers()) << log();
    if (mechanism == "deadline") return deadline();
    if (mechanism == "sentinel") return sentinel();
    if (mechanism == "reaper") return reaper(environment);
    return protect();
  }
};

TEST_P(Mutation, TheCheckPassesWithTheMechanism) {
  EXPECT_TRUE(holds(GetParam(), {}));
}

TEST_P(Mutation, AndFailsWithoutIt) {
  proves("S1,S2,S5");
  EXPECT_FALSE(holds(GetParam(), {std::string("BLACKSTART_MUTATE=") + GetParam()}));
  end();
  start();  // whole again, it reaps
  EXPECT_TRUE(wait_until_it_answers());
}

INSTANTIATE_TEST_SUITE_P(Of, Mutation, testing::Values("deadline", "sentinel", "reaper", "protect"),
                         [](const auto& which) { return which.param; });

}  // namespace
}  // namespace blackstart
