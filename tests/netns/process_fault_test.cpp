// SPDX-License-Identifier: Apache-2.0
// Faults on processes by a real agent, which stands beside its host's services as in a lab.
// BLACKSTART_HOLD_SECONDS says how long supervisors try (5).
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "agents/channel/embedded/embedded_channel.h"
#include "agents/contract/units.h"
#include "agents/kernel/process_state.h"
#include "tests/support/emulated.h"
#include "tests/support/fake_keeper.h"
#include "tests/support/netns_sandbox.h"
#include "tests/support/promise.h"
#include "tests/support/scratch_cgroup.h"

namespace blackstart {
namespace {

using namespace test;
using namespace std::chrono_literals;
using contract::DownReport;
using contract::ProcessFault;
using std::chrono::milliseconds;
using testing::HasSubstr;
namespace fs = std::filesystem;

const std::string kAgent = BLACKSTART_BINARY_DIR "/bin/blackstart-agent";
constexpr int kPort = 7777;

class ProcessFaults : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root for cgroups and network namespaces";
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "other");
    fs::permissions(folder_, fs::perms::all);
    fs::copy_file(BLACKSTART_FIRST_ACT, tool());
    sandbox_ = std::make_unique<NetnsSandbox>("process");
    here_ = std::make_unique<NetnsScope>(sandbox_->enter("here"));
    for (const char* name : {"/agent", "/services/tool", "/services/other"})
      ASSERT_TRUE(Cgroup::at(all_.name() + name)->create());
    keeper_ = std::make_unique<FakeKeeper>(path("keeper"), [this](const std::string& whom) {
      if (whom.ends_with(" other")) return std::string("error its disk is gone");
      return "ok " + std::to_string(start_tool({"stay"}));
    });
    channel_ = std::make_unique<EmbeddedChannel>(folder_);
    start_agent();
  }
  void TearDown() override {
    if (!here_) return;
    // Asked to go, agent and sentinel leave nothing.
    const auto agents = Cgroup::at(all_.name() + "/agent");
    for (const pid_t pid : agents->processes()) ::kill(pid, SIGTERM);
    EXPECT_TRUE(until(5000ms, [&] { return agents->processes().empty(); })) << log();
    EXPECT_THAT(slurp(path("state/journal")), testing::Not(HasSubstr("tool")))
        << "nothing stands in the journal";
    if (HasFailure()) std::printf("%s\n", log().c_str());
    keeper_.reset();
    here_.reset();
    (void)all_.cgroup().kill(2s);
    reap();
    fs::remove_all(folder_);
  }

  // Processes.
  [[nodiscard]] std::string tool() const { return folder_ / "tool"; }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_ / name; }
  [[nodiscard]] std::string services(const std::string& service) const {
    return all_.name() + "/services/" + service;
  }
  pid_t start_tool(const std::vector<std::string>& how) const {
    std::vector<std::string> words{tool(), path("acts")};
    words.insert(words.end(), how.begin(), how.end());
    return start_in(services("tool"), words);
  }
  void start_agent(std::vector<std::string> options = {}) {
    if (options.empty()) options = {"--lab", "--keeper", path("keeper")};
    std::vector<std::string> words{"sh",      "-c",          "exec \"$@\" 2>>" + path("log"),
                                   "sh",      kAgent,        "--host",
                                   "here",    "--socket",    path("here.sock"),
                                   "--state", path("state"), "--metrics-listen",
                                   ""};
    words.insert(words.end(), options.begin(), options.end());
    (void)start_in(all_.name() + "/agent", words);
    ASSERT_TRUE(until(5000ms, [this] { return hello().has_value(); })) << log();
    agent_ = hello()->report().pid();
  }
  [[nodiscard]] pid_t sentinel() const {
    for (const pid_t pid : Cgroup::at(all_.name() + "/agent")->processes())
      if (pid != agent_) return pid;
    return 0;
  }
  [[nodiscard]] size_t acts() const {
    const std::string text = slurp(path("acts"));
    return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
  }
  [[nodiscard]] size_t running(const std::string& service) const {
    size_t count = 0;
    for (const pid_t pid : Cgroup::at(services(service))->processes()) {
      const auto state = process_state(pid);
      count += state && state->state != 'Z' ? 1 : 0;
    }
    return count;
  }
  static void reap() {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
  }
  static bool until(milliseconds at_most, const std::function<bool()>& holds) {
    const auto give_up = std::chrono::steady_clock::now() + patience(at_most);
    while (!holds()) {
      if (std::chrono::steady_clock::now() > give_up) return false;
      std::this_thread::sleep_for(2ms);
    }
    return true;
  }
  static std::string slurp(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] std::string log() const { return slurp(path("log")); }

  // Orders.
  static contract::ProcessTarget target(const std::string& service, const std::string& exe = "") {
    contract::ProcessTarget out;
    out.set_service(service);
    out.mutable_match()->set_exe(exe);
    return out;
  }
  static contract::Order order(ProcessFault::Act act, const contract::ProcessTarget& target, Duration end) {
    contract::Order out;
    out.set_run("test-run");
    out.set_host("here");
    out.set_lease_ns(Duration(15s).count());
    contract::Fault& fault = *out.add_faults();
    fault.set_id("f1");
    fault.set_kind(act == ProcessFault::KILL ? "service-kill" : "service-freeze");
    fault.set_end_ns(end.count());
    fault.add_services(target.service());
    fault.mutable_process()->set_act(act);
    *fault.mutable_process()->add_targets() = target;
    return out;
  }
  static contract::Order held_down(const contract::ProcessTarget& target, Duration end) {
    contract::Order out = order(ProcessFault::KILL, target, end);
    out.mutable_faults(0)->mutable_process()->set_hold_down(true);
    return out;
  }

  Result<contract::Reply> ask(const contract::Request& request) {
    return channel_->call("here", request, patience(5000ms));
  }
  Result<contract::Reply> hello() {
    contract::Request request;
    request.mutable_hello();
    return channel_->call("here", request, patience(300ms));
  }
  Result<contract::Reply> arm(const contract::Order& order) {
    contract::Request request;
    *request.mutable_arm()->mutable_order() = order;
    return ask(request);
  }
  void arm_and_fire(const contract::Order& order) {
    const auto armed = arm(order);
    ASSERT_TRUE(armed) << armed.error().message();
    contract::Request fire;
    fire.mutable_fire()->set_run("test-run");
    fire.mutable_fire()->set_t0_unix_ns(unix_now());
    fire.mutable_fire()->set_horizon_ns(INT64_MAX);
    ASSERT_TRUE(ask(fire));
  }
  Result<contract::Reply> revert(bool keep_down = false) {
    contract::Request request;
    request.mutable_revert()->set_run("test-run");
    request.mutable_revert()->set_keep_down(keep_down);
    return ask(request);
  }
  contract::HostReport collect() {
    contract::Request request;
    request.mutable_collect()->set_run("test-run");
    request.mutable_collect()->set_renew(true);
    request.mutable_collect()->set_horizon_ns(INT64_MAX);
    const auto reply = ask(request);
    return reply ? reply->report() : contract::HostReport();
  }
  // Whether somebody answers on the tool's port within 100 ms; nullopt: it is not even accepted.
  static std::optional<bool> answered() {
    const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(kPort);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      return std::nullopt;
    pollfd one{socket.get(), POLLIN, 0};
    char byte = 0;
    return ::poll(&one, 1, 100) == 1 && ::read(socket.get(), &byte, 1) == 1;
  }

  ScratchCgroup all_{"bs-process-test"};
  fs::path folder_ = fs::path(testing::TempDir()) / "bs-process-test";
  std::unique_ptr<NetnsSandbox> sandbox_;
  std::unique_ptr<NetnsScope> here_;
  std::unique_ptr<FakeKeeper> keeper_;
  std::unique_ptr<EmbeddedChannel> channel_;
  pid_t agent_ = 0;
};

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
  back.mutable_return_services()->clear_services();
  const auto ended = ask(back);
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
