// SPDX-License-Identifier: Apache-2.0
// Faults on processes by a real agent.
// BLACKSTART_HOLD_SECONDS says how long supervisors try (5).
#include <sys/stat.h>

#include "tests/netns/process_fixture.h"
#include "tests/support/promise.h"

namespace blackstart {
namespace {

using namespace test;
using contract::DownReport;
using testing::HasSubstr;

TEST_F(ProcessFaults, AServiceIsKilledWholeAndStartedAgainByTheKeeper) {
  (void)start_tool({"tree"});
  ASSERT_TRUE(until(2000ms, [this] { return running("tool") == 3; })) << running("tool");
  arm_and_fire(order(ProcessFault::KILL, target("tool"), 10s));
  EXPECT_TRUE(until(500ms, [this] { return running("tool") == 0; })) << "child and daemon too";
  auto report = collect();
  ASSERT_EQ(report.faults_size(), 1);
  EXPECT_EQ(report.faults(0).state(), contract::FAULT_FIRING);
  EXPECT_EQ(report.faults(0).engine(), "cgroup.kill");
  ASSERT_EQ(report.faults(0).processes_size(), 1);
  EXPECT_EQ(report.faults(0).processes(0).killed(), 3u);
  ASSERT_EQ(report.down_size(), 1);
  EXPECT_EQ(report.down(0).state(), DownReport::DOWN);
  EXPECT_THAT(keeper_->asked(), testing::IsEmpty());

  const auto lifted = revert(true);
  ASSERT_TRUE(lifted) << lifted.error().message();
  EXPECT_TRUE(lifted->report().lifted());
  EXPECT_EQ(lifted->report().faults(0).state(), contract::FAULT_REVERTED);
  EXPECT_EQ(running("tool"), 0u) << "it waits to be brought back";
  contract::Request back;
  back.mutable_return_services()->set_run("test-run");
  back.mutable_return_services()->add_services("tool");
  const auto returned = ask(back);
  ASSERT_TRUE(returned) << returned.error().message();
  EXPECT_EQ(returned->report().down(0).state(), DownReport::STARTED);
  EXPECT_THAT(keeper_->asked(), testing::ElementsAre("here tool"));
  EXPECT_TRUE(until(500ms, [this] { return running("tool") == 1; }));
  const auto ended = revert();
  ASSERT_TRUE(ended) << ended.error().message();
  EXPECT_FALSE(ended->report().armed());
  EXPECT_EQ(keeper_->asked().size(), 1u) << "once is enough";
}

// A shell that starts it every 10 ms, and runit.
class Supervised : public ProcessFaults, public testing::WithParamInterface<const char*> {
 protected:
  void supervise() {
    const std::string by = GetParam();
    if (by == "loop") {
      (void)start_in(services("tool"), {"sh", "-c", "while :; do \"$@\"; sleep 0.01; done", "sh", tool(),
                                        path("acts"), "stay"});
      return;
    }
    fs::create_directories(folder_ / "sv");
    std::ofstream(folder_ / "sv/run") << "#!/bin/sh\nexec " << tool() << " " << path("acts") << " stay\n";
    fs::permissions(folder_ / "sv/run", fs::perms::all);
    (void)start_in(services("tool"), {"runsv", folder_ / "sv"});
  }
};

TEST_P(Supervised, NotOneInstructionRunsWhileItIsHeldDown) {
  proves("S1");
  const char* asked = std::getenv("BLACKSTART_HOLD_SECONDS");
  const bool loop = std::string(GetParam()) == "loop";
  const std::chrono::seconds lasts(asked ? std::atoi(asked) : loop ? 5 : 2);  // runit tries once a second
  supervise();
  ASSERT_TRUE(until(3000ms, [this] { return acts() == 1; }));
  fs::copy_file(tool(), folder_ / "other/tool");
  const pid_t stand_in = start_in(services("other"), {folder_ / "other/tool", path("others"), "stay"});

  arm_and_fire(held_down(target("tool", tool()), lasts));
  ASSERT_TRUE(until(500ms, [this] { return running("tool") <= 1; }));
  const size_t before = acts();
  const auto starts_again = std::chrono::steady_clock::now() + lasts - 400ms;
  while (std::chrono::steady_clock::now() < starts_again) {
    (void)collect();
    ASSERT_EQ(acts(), before) << "it ran";
    std::this_thread::sleep_for(50ms);
  }
  const auto report = collect();
  ASSERT_EQ(report.faults(0).state(), contract::FAULT_FIRING);
  const uint64_t ended = report.faults(0).processes(0).respawns_killed();
  std::printf("%s: %lu new instances ended in %ld s, %zu instructions\n", GetParam(), ended,
              static_cast<long>(lasts.count()), acts() - before);
  RecordProperty("respawns_killed", static_cast<int>(ended));
  EXPECT_GE(ended, loop ? 30u * lasts.count() : 1u);
  EXPECT_THAT(report.faults(0).engine(), testing::StartsWith("ebpf/"));
  EXPECT_EQ(::kill(stand_in, 0), 0) << "of the same name, and another program";
  EXPECT_TRUE(until(3000ms, [&] { return acts() > before; })) << "at its end it comes back";
}

INSTANTIATE_TEST_SUITE_P(By, Supervised, testing::Values("loop", "runit"),
                         [](const auto& by) { return std::string(by.param); });

TEST_F(ProcessFaults, AFrozenServiceAcceptsAndNobodyAnswers) {
  (void)start_tool({"serve", std::to_string(kPort)});
  ASSERT_TRUE(until(2000ms, [] { return answered() == true; }));
  for (const std::string& exe : {std::string(), tool()}) {
    arm_and_fire(order(ProcessFault::FREEZE, target("tool", exe), 600ms));
    ASSERT_TRUE(until(300ms, [] { return answered() == false; }));
    const auto report = collect();
    EXPECT_EQ(report.faults(0).engine(), exe.empty() ? "cgroup.freeze" : "signal");
    EXPECT_EQ(report.faults(0).processes(0).frozen(), 1u);
    EXPECT_EQ(answered(), false) << "accepted";
    EXPECT_TRUE(until(1000ms, [] { return answered() == true; })) << "at its end it goes on";
    ASSERT_TRUE(revert());
    EXPECT_EQ(answered(), true);
  }
}

// Whoever of the two is stopped or dead, what stands still goes on.
TEST_F(ProcessFaults, ItIsThawedInTimeWhateverBecomesOfTheAgent) {
  proves("S1,S2,S10");
  (void)start_tool({"serve", std::to_string(kPort)});
  ASSERT_TRUE(until(2000ms, [] { return answered() == true; }));
  for (const std::string& exe : {std::string(), tool()}) {
    arm_and_fire(order(ProcessFault::FREEZE, target("tool", exe), 500ms));
    ASSERT_TRUE(until(300ms, [] { return answered() == false; }));
    ::kill(agent_, SIGSTOP);
    EXPECT_TRUE(until(1500ms, [] { return answered() == true; })) << "the agent is stopped" << log();
    ASSERT_TRUE(until(3000ms, [this] { return hello().has_value(); }));
    agent_ = hello()->report().pid();

    arm_and_fire(order(ProcessFault::FREEZE, target("tool", exe), 60s));
    ASSERT_TRUE(until(300ms, [] { return answered() == false; }));
    ::kill(agent_, SIGKILL);
    EXPECT_TRUE(until(1000ms, [] { return answered() == true; })) << "the agent is dead" << log();
    ASSERT_TRUE(until(3000ms, [this] { return hello().has_value(); }));
    agent_ = hello()->report().pid();

    arm_and_fire(order(ProcessFault::FREEZE, target("tool", exe), 60s));
    ASSERT_TRUE(until(300ms, [] { return answered() == false; }));
    ::kill(sentinel(), SIGKILL);
    ::kill(agent_, SIGKILL);
    reap();
    ASSERT_TRUE(until(3000ms, [this] { return Cgroup::at(all_.name() + "/agent")->processes().empty(); }));
    EXPECT_EQ(answered(), false) << "both are dead: nobody is left to do it";
    start_agent();
    EXPECT_EQ(answered(), true) << "the next agent did before it answered";
  }
}

TEST_F(ProcessFaults, AnAgentKilledDuringHoldDownReleasesItAndStartsAreAskedFor) {
  proves("S1,S2");
  (void)start_tool({"stay"});
  ASSERT_TRUE(until(2000ms, [this] { return running("tool") == 1 && acts() == 1; }));
  arm_and_fire(held_down(target("tool"), 60s));
  ASSERT_TRUE(until(500ms, [this] { return running("tool") == 0; }));
  (void)run_in(services("tool"), {tool(), path("acts")});
  EXPECT_EQ(acts(), 1u) << "held down";
  ::kill(agent_, SIGKILL);
  EXPECT_TRUE(until(1000ms, [this] { return keeper_->asked().size() == 1; })) << log();
  EXPECT_TRUE(until(200ms, [this] { return acts() == 2; })) << "what the keeper started runs";
  ASSERT_TRUE(until(3000ms, [this] { return hello().has_value(); }));
  agent_ = hello()->report().pid();
}

TEST_F(ProcessFaults, WhatCannotBeStartedAgainIsNamed) {
  proves("S8");
  (void)start_in(services("other"), {tool(), path("acts"), "stay"});
  ASSERT_TRUE(until(2000ms, [this] { return running("other") == 1; }));
  contract::Order both = order(ProcessFault::KILL, target("other"), 10s);
  *both.mutable_faults(0)->mutable_process()->add_targets() = target("tool");
  arm_and_fire(both);
  ASSERT_TRUE(until(500ms, [this] { return running("other") == 0; }));
  auto report = collect();
  ASSERT_EQ(report.down_size(), 2);
  EXPECT_EQ(report.down(1).state(), DownReport::WAS_DOWN);
  const auto reverted = revert();
  ASSERT_FALSE(reverted);
  EXPECT_EQ(reverted.error().kind, ErrorKind::kStranded);
  EXPECT_THAT(reverted.error().message(), testing::AllOf(HasSubstr("other"), HasSubstr("its disk is gone")));
  report = collect();
  EXPECT_EQ(report.down(0).state(), DownReport::FAILED);
  EXPECT_THAT(report.down(0).why(), HasSubstr("its disk is gone"));
  EXPECT_EQ(report.down(1).state(), DownReport::WAS_DOWN) << "what was down stays down";
}

TEST_F(ProcessFaults, ACommandStartsItAgainAsNobody) {
  proves("S13");
  (void)start_tool({"stay"});
  ASSERT_TRUE(until(2000ms, [this] { return running("tool") == 1; }));
  contract::ProcessTarget by_command = target("tool");
  by_command.set_restore(contract::RESTORE_COMMAND);
  for (const std::string& word : {tool(), path("started"), std::string("stay")}) by_command.add_command(word);
  arm_and_fire(order(ProcessFault::KILL, by_command, 10s));
  ASSERT_TRUE(until(500ms, [this] { return running("tool") == 0; }));
  const auto reverted = revert();
  ASSERT_TRUE(reverted) << reverted.error().message();
  EXPECT_EQ(reverted->report().down(0).state(), DownReport::STARTED);
  ASSERT_TRUE(until(1000ms, [this] { return fs::exists(path("started")); }));
  struct stat file {};
  ASSERT_EQ(::stat(path("started").c_str(), &file), 0);
  EXPECT_NE(file.st_uid, 0u);
}

TEST_F(ProcessFaults, WhatIsProtectedIsRefused) {
  proves("S5,S11");
  (void)start_tool({"stay"});
  ASSERT_TRUE(until(2000ms, [this] { return running("tool") == 1; }));
  contract::Order by_service = order(ProcessFault::KILL, target("tool"), 10s);
  by_service.mutable_protection()->add_processes()->set_service("tool");
  contract::Order by_match = order(ProcessFault::KILL, target("tool"), 10s);
  *by_match.mutable_protection()->add_processes() = target("precious", tool());
  for (const auto& one : {by_service, by_match}) {
    const auto armed = arm(one);
    ASSERT_FALSE(armed);
    EXPECT_EQ(armed.error().kind, ErrorKind::kRefused);
    EXPECT_THAT(armed.error().message(), HasSubstr("protected"));
  }
  contract::Order elsewhere = order(ProcessFault::KILL, target("tool"), 10s);
  elsewhere.mutable_faults(0)->mutable_process()->mutable_targets(0)->mutable_match()->set_cgroup(
      "system.slice");
  EXPECT_EQ(arm(elsewhere).error().kind, ErrorKind::kRefused) << "out of the host's services";
  EXPECT_EQ(running("tool"), 1u);
}

// Armed, never fired: what is asked for here would end the machine.
TEST_F(ProcessFaults, OnARealHostNobodyReachesProcessOne) {
  proves("S11");
  for (const pid_t pid : Cgroup::at(all_.name() + "/agent")->processes()) ::kill(pid, SIGKILL);
  ASSERT_TRUE(until(3000ms, [this] {
    reap();
    return Cgroup::at(all_.name() + "/agent")->processes().empty();
  }));
  std::ofstream(path("agent.yaml"))
      << "apiVersion: blackstart/v1\nkind: Agent\nmetadata: {name: here}\nspec:\n"
         "  accept: {faults: [service-kill], services: [\"*\"]}\n  protect: [{process: {comm: precious}}]\n";
  fs::permissions(path("agent.yaml"), fs::perms::owner_read | fs::perms::owner_write);
  fs::permissions(folder_, fs::perms::owner_all);
  start_agent({"--config", path("agent.yaml")});
  const std::string init = slurp("/proc/1/comm").substr(0, slurp("/proc/1/comm").size() - 1);
  std::error_code hidden;
  const fs::path of_init = fs::read_symlink("/proc/1/exe", hidden);
  std::vector<contract::ProcessMatch> hostile(7);
  hostile[1].set_comm(init);
  hostile[2].set_cmdline(".");
  hostile[3].set_user("root");
  hostile[4].set_exe(of_init.empty() ? kAgent : of_init.string());
  hostile[5].set_exe(kAgent);
  hostile[6].set_comm("kthreadd");
  for (const auto& match : hostile) {
    contract::ProcessTarget all = target("everything");
    *all.mutable_match() = match;
    const auto armed = arm(order(ProcessFault::KILL, all, 10s));
    ASSERT_FALSE(armed) << match.ShortDebugString();
    EXPECT_EQ(armed.error().kind, ErrorKind::kRefused) << armed.error().message();
  }
  contract::ProcessTarget none = target("none", "/nonexistent/tool");
  EXPECT_TRUE(arm(held_down(none, 10s))) << "what fits nothing may be armed";
  EXPECT_TRUE(revert());
}

}  // namespace
}  // namespace blackstart
