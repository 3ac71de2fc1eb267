// SPDX-License-Identifier: Apache-2.0
// What can happen to a host while an agent holds a fault on it.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "agents/kernel/boot_id.h"
#include "agents/kernel/features.h"
#include "agents/runtime/journal.h"
#include "agents/runtime/restart_pace.h"
#include "tests/crash/crash_fixture.h"

namespace blackstart {
namespace {

using namespace test;
namespace fs = std::filesystem;
using testing::HasSubstr;

class EitherAttachment : public CrashTest, public testing::WithParamInterface<contract::Attachment> {
 protected:
  void SetUp() override {
    static const Feature tcx = probe_tcx();
    if (GetParam() == kTcx && !tcx.available) GTEST_SKIP() << tcx.reason;
    CrashTest::SetUp();
  }
};

TEST_P(EitherAttachment, ADeadAgentIsAHealthyHost) {
  proves("S2,S8");
  arm_and_fire(60s, GetParam());
  ::kill(processes().agent, SIGKILL);
  const auto healed = until_healthy(2000ms);
  ASSERT_TRUE(healed);
  EXPECT_LE(*healed, patience(kNetworkHeals));
  EXPECT_TRUE(whole_within(kRestHeals)) << log();
  EXPECT_TRUE(journal_empty());
  EXPECT_EQ(inventory(), before_);
  EXPECT_FALSE(hello().value().report().armed());
  arm_and_fire(60s, GetParam());  // and the next one obeys as the first did
  EXPECT_TRUE(revert());
}

TEST_P(EitherAttachment, ADeadSentinelIsReplacedWhileTheFaultGoesOn) {
  proves("S2");
  arm_and_fire(60s, GetParam());
  ::kill(processes().sentinel, SIGKILL);
  EXPECT_TRUE(whole_within(kRestHeals));
  EXPECT_FALSE(healthy());
  // The new one knows the deadline and the duty of the old.
  ::kill(processes().agent, SIGKILL);
  EXPECT_TRUE(until_healthy(kNetworkHeals));
  EXPECT_TRUE(whole_within(kRestHeals));
}

TEST_P(EitherAttachment, AStoppedAgentIsKilledAtItsDeadline) {
  proves("S1");
  const pid_t agent = processes().agent;
  arm_and_fire(600ms, GetParam());
  const auto fired = std::chrono::steady_clock::now();
  ::kill(agent, SIGSTOP);
  const auto healed = until_healthy(2000ms);
  ASSERT_TRUE(healed);
  EXPECT_LE(std::chrono::steady_clock::now() - fired, patience(700ms)) << "the datapath itself ends it";
  // 100 ms for the last packets to be counted, 250 ms of patience, and what a busy machine takes.
  EXPECT_TRUE(until(600ms, [&] { return processes().agent != agent; })) << "the sentinel ends the agent";
  EXPECT_THAT(log(), HasSubstr("did not revert at its deadline"));
  EXPECT_TRUE(whole_within(kRestHeals));
}

TEST_P(EitherAttachment, BothDeadMeansHealthyAndTheNextStartReaps) {
  proves("S2,S8,S10");
  arm_and_fire(60s, GetParam());
  kill_both();
  EXPECT_TRUE(until_healthy(kNetworkHeals));
  EXPECT_EQ(journal_empty(), false);
  start();
  EXPECT_TRUE(whole_within(2000ms));
  EXPECT_TRUE(journal_empty());
  EXPECT_EQ(inventory(), before_);
}

TEST_P(EitherAttachment, SigtermRevertsInGoodOrder) {
  proves("S7");
  arm_and_fire(60s, GetParam());
  ::kill(processes().agent, SIGTERM);
  EXPECT_TRUE(until_healthy(kRestHeals));
  EXPECT_TRUE(until(kRestHeals, [this] { return all_gone(); })) << "the sentinel goes with it";
  EXPECT_THAT(log(), testing::Not(HasSubstr("died")));
}

// The metrics server ends slowly; the fault does not wait for it.
TEST_P(EitherAttachment, SigtermRevertsBeforeTheMetricsGo) {
  proves("S7");
  end();
  start({}, {"--metrics-listen", "127.0.0.1:9464"});
  ASSERT_TRUE(wait_until_it_answers()) << log();
  arm_and_fire(60s, GetParam());
  ::kill(processes().agent, SIGTERM);
  EXPECT_TRUE(until_healthy(500ms));
  EXPECT_TRUE(until(4000ms, [this] { return all_gone(); }));
}

TEST_P(EitherAttachment, StoppingTheServiceSignalsBoth) {
  proves("S7,S8");
  for (const int signal : {SIGTERM, SIGHUP}) {  // systemd; a terminal that is closed
    if (all_gone()) start();
    ASSERT_TRUE(wait_until_it_answers());
    arm_and_fire(60s, GetParam());
    const AgentProcesses now = processes();
    ::kill(now.sentinel, signal);
    ::kill(now.agent, signal);
    EXPECT_TRUE(until_healthy(kRestHeals));
    EXPECT_TRUE(until(kRestHeals, [this] { return all_gone(); }));
    EXPECT_TRUE(journal_empty()) << "signal " << signal;
  }
}

INSTANTIATE_TEST_SUITE_P(Agent, EitherAttachment, testing::Values(kTcx, kClsact),
                         [](const auto& which) { return which.param == kTcx ? "tcx" : "clsact"; });

TEST_F(CrashTest, SystemdEndsTheRestOfADeadService) {
  proves("S2");
  arm_and_fire(60s);
  const AgentProcesses now = processes();
  ::kill(now.agent, SIGKILL);
  ::kill(now.sentinel, SIGTERM);
  EXPECT_TRUE(until(kRestHeals, [this] { return all_gone(); })) << "it reaps and does not become the agent";
  EXPECT_TRUE(journal_empty());
  EXPECT_EQ(inventory(), before_);
}

TEST_F(CrashTest, ASentinelToldToGoAloneIsReplaced) {
  const pid_t sentinel = processes().sentinel;
  ::kill(sentinel, SIGTERM);
  EXPECT_TRUE(until(7000ms, [&] {
    const AgentProcesses now = processes();
    return now.sentinel != 0 && now.sentinel != sentinel;
  }));
  EXPECT_TRUE(whole_within(kRestHeals));
}

TEST_F(CrashTest, AConductorThatIsGoneDoesNotExtendAFault) {
  proves("S3");
  contract::Order leased = order(60s, kClsact);
  leased.set_hold(false);
  leased.set_lease_ns(Duration(1s).count());
  ASSERT_TRUE(arm(leased));
  ASSERT_TRUE(fire());
  ASSERT_TRUE(until(200ms, [] { return !healthy(); }));
  fs::remove(path("h.sock"));  // nobody can say another word
  const auto healed = until_healthy(3000ms);
  ASSERT_TRUE(healed);
  EXPECT_LE(*healed, patience(1100ms));
  EXPECT_TRUE(until(kRestHeals, [this] { return journal_empty(); }));
}

TEST_F(CrashTest, InterfacesComeAndGoWhileArmed) {
  proves("S2,S8");
  arm_and_fire(60s);
  NetnsSandbox::run("ip link add late0 type veth peer name late1");
  EXPECT_TRUE(until(kRestHeals, [&] { return journal().find("late0") != std::string::npos; }))
      << "what is done to it is written down too";
  EXPECT_TRUE(until(kRestHeals, [] {
    return shell("tc qdisc show dev late0").second.find("clsact") != std::string::npos;
  }));
  NetnsSandbox::run("ip link add late2 type veth peer name late3");
  EXPECT_TRUE(until(kRestHeals, [&] { return journal().find("late3") != std::string::npos; }));
  NetnsSandbox::run("ip link del late0");
  ::kill(processes().agent, SIGKILL);
  EXPECT_TRUE(until_healthy(kNetworkHeals));
  EXPECT_TRUE(whole_within(kRestHeals));
  EXPECT_EQ(shell("tc qdisc show dev late2").second.find("clsact"), std::string::npos);
  NetnsSandbox::run("ip link del late2");
}

TEST_F(CrashTest, AnotherBootForgetsWhatWentWithTheLast) {
  proves("S4");
  arm_and_fire(60s);
  kill_both();
  // What a reboot would have taken away.
  NetnsSandbox::run("tc qdisc del dev eth0 clsact");
  std::ofstream(path("boot")) << "another-boot\n";
  start({}, {"--boot-id-file", path("boot")});
  EXPECT_TRUE(whole_within(2000ms));
  EXPECT_TRUE(journal_empty());
  EXPECT_THAT(log(), HasSubstr("went with its boot"));
  const auto report = hello();
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->report().armed()) << "nothing is armed again";
  EXPECT_EQ(report->report().boot_id(), "another-boot");
  EXPECT_TRUE(healthy());
}

TEST_F(CrashTest, AJournalTornAtAnyLengthIsReaped) {
  proves("S2,S10");
  arm_and_fire(60s);
  kill_both();
  const std::string whole = journal();
  ASSERT_GT(whole.size(), 100u);
  for (size_t length = 0; length <= whole.size(); length += emulated() ? 29 : 1) {
    std::ofstream(state() + "/journal", std::ios::binary) << whole.substr(0, length);
    const auto [code, said] = reap_by_hand();
    ASSERT_EQ(code, 0) << "cut at " << length << ": " << said;
    ASSERT_TRUE(journal_empty()) << length;
  }
  EXPECT_EQ(inventory(), before_);
}

TEST_F(CrashTest, ReapingByHand) {
  proves("S8,S9");
  arm_and_fire(60s);
  const auto [refused, why] = reap_by_hand();
  EXPECT_EQ(refused, 6);
  EXPECT_THAT(why, HasSubstr("an agent is alive"));
  EXPECT_FALSE(healthy()) << "it touched nothing";
  kill_both();
  const auto [code, said] = reap_by_hand();
  EXPECT_EQ(code, 0) << said;
  EXPECT_THAT(said, HasSubstr("removed clsact qdisc of eth0"));
  EXPECT_EQ(inventory(), before_);
  EXPECT_THAT(reap_by_hand().second, HasSubstr("nothing was left"));
}

TEST_F(CrashTest, ReapingFromAnotherNamespaceForgetsNothing) {
  proves("S8");
  arm_and_fire(60s);
  kill_both();
  {
    const auto elsewhere = sandbox_->enter("router");
    const auto [code, said] = reap_by_hand();
    EXPECT_EQ(code, 6) << said;
    EXPECT_THAT(said, HasSubstr("ip netns exec " + sandbox_->netns("here") + " blackstart-agent reap"));
  }
  EXPECT_FALSE(journal_empty());
  EXPECT_EQ(reap_by_hand().first, 0);
  EXPECT_EQ(inventory(), before_);
  // What stood in a namespace that is gone went with it.
  {
    const auto folder = StateFolder::claim(state());
    ASSERT_TRUE(folder);
    const auto journal = Journal::open(*folder, {boot_id(), 1});
    ASSERT_TRUE((*journal)->begin("gone"));
    contract::Step step;
    step.mutable_clsact_qdisc()->set_interface("eth0");
    ASSERT_TRUE((*journal)->record(step));
  }
  EXPECT_THAT(stranded(), testing::IsEmpty());
  EXPECT_EQ(reap_by_hand().first, 0);
}

TEST_F(CrashTest, TheInventoryKnowsWhatOnlyTheJournalKnows) {
  proves("S8");
  arm_and_fire(60s);
  EXPECT_THAT(shell(std::string(BLACKSTART_AGENT_UNDER_TEST) + " inventory --state " + state()).second,
              HasSubstr("held by the agent that is alive on it"));
  kill_both();
  for (const char* hook : {"ingress", "egress"})
    NetnsSandbox::run("tc filter del dev eth0 " + std::string(hook));
  EXPECT_THAT(stranded(),
              testing::ElementsAre("journal " + state() + "; ip netns exec " + sandbox_->netns("here") +
                                   " blackstart-agent reap --state " + state()));
  EXPECT_EQ(reap_by_hand().first, 0);
}

TEST_F(CrashTest, SomebodyElsesQdiscStays) {
  proves("S9");
  end();
  NetnsSandbox::run("tc qdisc add dev eth0 clsact");
  start({"BLACKSTART_STOP_AT=step_recorded.clsact_qdisc:" + path("marker")});
  ASSERT_TRUE(wait_until_it_answers());
  (void)arm(order(60s, kClsact));
  kill_both();
  EXPECT_EQ(reap_by_hand().first, 0);
  EXPECT_THAT(shell("tc qdisc show dev eth0").second, HasSubstr("clsact"));
  NetnsSandbox::run("tc qdisc del dev eth0 clsact");
}

TEST_F(CrashTest, OneAgentInANetworkNamespace) {
  proves("S2,S9");
  arm_and_fire(60s);
  const std::string other = " --state " + path("other");
  const std::string program = BLACKSTART_AGENT_UNDER_TEST;
  for (const std::string& command :
       {program + " reap" + other, program + " --lab --host h --socket " + path("i.sock") + other})
    EXPECT_THAT(shell(command).second,
                HasSubstr("an agent is alive in it, process " + std::to_string(processes().agent)));
  EXPECT_FALSE(healthy()) << "the fault goes on";
}

TEST_F(CrashTest, ASentinelThatCannotClaimTheFolderSaysSo) {
  fs::permissions(state(), fs::perms::all);
  const AgentProcesses now = processes();
  ::kill(now.agent, SIGKILL);
  int status = 0;
  ASSERT_TRUE(until(2000ms, [&] { return ::waitpid(now.sentinel, &status, WNOHANG) == now.sentinel; }));
  EXPECT_NE(WEXITSTATUS(status), 0) << "nobody else is the agent";
  EXPECT_THAT(log(), HasSubstr("others may write to it"));
  fs::permissions(state(), fs::perms::owner_all);
}

// What the agent was told when it started is what its sentinels know, whatever the file says by then.
TEST_F(CrashTest, ASentinelNeedsNoConfiguration) {
  end();
  std::ofstream(path("agent.yaml")) << "apiVersion: blackstart/v1\nkind: Agent\nmetadata: {name: h}\nspec:\n"
                                       "  accept: {prefixes: [198.18.2.0/24, \"fd00:18:2::/64\"], "
                                       "faults: [site-blackhole], longest: 2m}\n";
  fs::permissions(path("agent.yaml"), fs::perms::owner_read);
  start({}, {"--config", path("agent.yaml")});
  ASSERT_TRUE(wait_until_it_answers()) << log();
  std::ofstream(path("agent.yaml")) << "broken";
  const AgentProcesses now = processes();
  ::kill(now.sentinel, SIGKILL);
  EXPECT_TRUE(whole_within(kRestHeals)) << log();
  EXPECT_EQ(processes().agent, now.agent);
}

TEST_F(CrashTest, AFileStopsEverything) {
  proves("S7");
  for (const char* file : {"abort", "lever"}) {
    arm_and_fire(60s);
    fs::create_directories(path("stop"));  // its folder was not there before either
    std::ofstream(path(std::string("stop/") + file)) << "{}";
    const auto healed = until_healthy(3000ms);
    ASSERT_TRUE(healed);
    EXPECT_LE(*healed, patience(kRestHeals));
    const auto refused = arm(order(60s, kClsact));
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().hint, HasSubstr(file));
    fs::remove_all(path("stop"));
  }
}

TEST_F(CrashTest, AgentsThatKeepDyingAreNotAStorm) {
  for (size_t i = 0; i < RestartPace::kAtOnce; ++i) {
    ::kill(processes().agent, SIGKILL);
    ASSERT_TRUE(whole_within(2000ms)) << i;
  }
  ::kill(processes().agent, SIGKILL);
  if (!emulated()) {
    EXPECT_FALSE(whole_within(3000ms)) << "now there is a pause";
  }
  EXPECT_TRUE(whole_within(4000ms)) << log();
}

}  // namespace
}  // namespace blackstart
