// SPDX-License-Identifier: Apache-2.0
// What a process behind the agent's walls can still do: its work, and nothing else.
#include <linux/kexec.h>
#include <sched.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <map>

#include "agents/daemon/walls.h"
#include "tests/netns/traffic_fixture.h"
#include "tests/support/probing.h"
#include "tests/support/promise.h"

namespace blackstart {
namespace {

using namespace test;

// What `inside` says of itself, run in a child; "" is well. A child that dies says how.
std::string in_a_child(const std::function<std::string()>& inside) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return "no pipe";
  const pid_t pid = ::fork();
  if (pid == 0) {
    std::string said;
    try {
      said = inside();
    } catch (const std::exception& error) {
      said = error.what();
    }
    (void)!::write(ends[1], said.data(), said.size());
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string said;
  char buffer[4096];
  for (ssize_t got; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    said.append(buffer, static_cast<size_t>(got));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (WIFSIGNALED(status)) said += "killed by signal " + std::to_string(WTERMSIG(status));
  return said;
}

std::string behind_walls(const std::function<std::string()>& inside, const Walls& walls = {}) {
  return in_a_child([&]() -> std::string {
    if (const auto up = raise_walls(walls); !up) return up.error().message();
    return inside();
  });
}

std::map<std::string, std::string> own_status() {
  std::map<std::string, std::string> fields;
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(":\t");
    if (colon != std::string::npos) fields[line.substr(0, colon)] = line.substr(colon + 2);
  }
  return fields;
}

uint64_t mask(const Walls& walls) {
  uint64_t bits = 0;
  for (const KeptCapability& kept : kept_capabilities())
    if (kept.with(walls)) bits |= 1ULL << kept.value;
  return bits;
}

// "" when the process has exactly these walls.
std::string what_is_wrong_with_the_walls(const Walls& walls) {
  auto status = own_status();
  std::string wrong;
  const auto expect = [&](const std::string& field, uint64_t wanted, int base) {
    if (std::stoull(status[field], nullptr, base) != wanted) wrong += field + " " + status[field] + "; ";
  };
  for (const char* set : {"CapEff", "CapPrm", "CapBnd"}) expect(set, mask(walls), 16);
  for (const char* set : {"CapInh", "CapAmb"}) expect(set, 0, 16);
  expect("NoNewPrivs", 1, 10);
  expect("Seccomp", 2, 10);
  return wrong;
}

class Walled : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: there is nothing to give up";
    proves("S13");
  }
};

TEST_F(Walled, OnlyWhatIsNeededIsLeft) {
  for (const Walls walls : {Walls{}, {.commands = true}, {.processes = true}, {true, true}})
    EXPECT_EQ(behind_walls([&] { return what_is_wrong_with_the_walls(walls); }, walls), "");
}

TEST_F(Walled, AProgramItExecutesStandsBehindThemTooAndRaisesThemAgain) {
  EXPECT_EQ(behind_walls([]() -> std::string {
              if (!walls_stand()) return "they do not stand";
              const pid_t child = ::fork();
              if (child == 0) {
                const std::string self = "/proc/self/exe";
                ::execl(self.c_str(), self.c_str(), "--gtest_filter=AfterExecution.*",
                        "--gtest_also_run_disabled_tests", "--gtest_brief=1", nullptr);
                ::_exit(9);
              }
              int status = 0;
              ::waitpid(child, &status, 0);
              return status == 0 ? "" : "the program executed found something else";
            }),
            "");
}

// Only run by the test above, in a program executed behind walls.
TEST(AfterExecution, DISABLED_TheWallsStand) {
  ASSERT_TRUE(walls_stand());
  EXPECT_EQ(what_is_wrong_with_the_walls({}), "");
  const std::string filters = own_status()["Seccomp_filters"];
  const auto again = raise_walls({});
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(what_is_wrong_with_the_walls({}), "");
  EXPECT_EQ(own_status()["Seccomp_filters"], filters) << "a restart must not pile up filters";
}

TEST_F(Walled, WhatItHasNoUseForIsForbidden) {
  const pid_t victim = ::getpid();
  const std::map<std::string, std::function<long()>> forbidden{
      {"mount", [] { return ::mount("none", "/mnt", "tmpfs", 0, nullptr); }},
      {"umount", [] { return ::umount("/proc"); }},
      {"unshare", [] { return ::unshare(CLONE_NEWUSER); }},
      {"setns", [] { return ::setns(0, 0); }},
      {"ptrace", [=] { return ::ptrace(PTRACE_ATTACH, victim, nullptr, nullptr); }},
      {"process_vm_readv",
       [=] { return ::syscall(SYS_process_vm_readv, victim, nullptr, 0, nullptr, 0, 0); }},
      {"kexec_load", [] { return ::syscall(SYS_kexec_load, 0, 0, nullptr, KEXEC_ARCH_DEFAULT); }},
      {"init_module", [] { return ::syscall(SYS_init_module, nullptr, 0, ""); }},
      {"reboot", [] { return ::syscall(SYS_reboot, 0, 0, 0, nullptr); }},
      {"chroot", [] { return ::chroot("/"); }},
      {"keyctl", [] { return ::syscall(SYS_keyctl, 0, 0, 0, 0, 0); }},
      {"io_uring_setup", [] { return ::syscall(SYS_io_uring_setup, 1, nullptr); }},
      {"perf_event_open", [] { return ::syscall(SYS_perf_event_open, nullptr, 0, 0, 0, 0); }},
      {"open_by_handle_at", [] { return ::syscall(SYS_open_by_handle_at, -1, nullptr, 0); }},
      {"settimeofday", [] { return ::syscall(SYS_settimeofday, nullptr, nullptr); }},
  };
  for (const auto& [name, call] : forbidden)
    EXPECT_EQ(behind_walls([&]() -> std::string {
                errno = 0;
                const long result = call();
                return result == -1 && errno == EPERM ? "" : "it went through: " + std::to_string(errno);
              }),
              "")
        << name;
}

TEST_F(Walled, NoNamespaceByTheOtherWays) {
  EXPECT_EQ(behind_walls([]() -> std::string {
              const long made = ::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, 0);
              if (made == 0) ::_exit(0);
              return made == -1 ? "" : "clone made a user namespace";
            }),
            "");
  EXPECT_EQ(behind_walls([]() -> std::string {
              return ::syscall(SYS_clone3, nullptr, 0) == -1 && errno == ENOSYS ? "" : "clone3 is there";
            }),
            "");
}

TEST_F(Walled, ThreadsMeanItIsTooLate) {
  EXPECT_EQ(in_a_child([]() -> std::string {
              std::thread other([] { std::this_thread::sleep_for(std::chrono::milliseconds(200)); });
              const auto up = raise_walls({});
              other.join();
              return up ? "they were raised for one thread of two" : "";
            }),
            "");
}

// Runs a probe's command that looks at itself: "" when it is nobody, has no capability in any set it
// could use or pass on, and can gain none.
std::string what_a_command_has() {
  auto prober = Prober::make({.allow_commands = true});
  if (!prober) return prober.error().message();
  contract::Probe probe;
  probe.set_name("bare");
  probe.set_every_ns(100'000'000);
  probe.set_timeout_ns(2'000'000'000);
  for (const char* word : {"grep", "-Ezq",
                           "Uid:\\s65534.*CapInh:\\s0+\\sCapPrm:\\s0+\\sCapEff:\\s0+\\sCapBnd:\\s[0-9a-f]+\\s"
                           "CapAmb:\\s0+\\sNoNewPrivs:\\s1",
                           "/proc/self/status"})
    probe.mutable_command()->add_argv(word);
  if (auto ok = (*prober)->start({probe}); !ok) return ok.error().message();
  for (int i = 0; i < 300; ++i) {
    const auto batch = (*prober)->take(0);
    if (!batch.samples.empty())
      return batch.samples.front().outcome() == contract::Sample::SUCCESS ? ""
                                                                          : batch.samples.front().reason();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return "no answer";
}

TEST_F(Walled, ACommandHasNothing) {
  EXPECT_EQ(behind_walls(what_a_command_has, {.commands = true}), "");
}

TEST_F(Walled, ACommandOfAnAgentThatIsNotRootHasNothingEither) {
  EXPECT_EQ(in_a_child([]() -> std::string {
              const cap_value_t given = CAP_NET_ADMIN;
              if (::prctl(PR_SET_KEEPCAPS, 1) != 0 || ::setresgid(65534, 65534, 65534) != 0 ||
                  ::setresuid(65534, 65534, 65534) != 0)
                return "cannot become nobody";
              cap_t mine = cap_get_proc();
              cap_set_flag(mine, CAP_EFFECTIVE, 1, &given, CAP_SET);
              cap_set_flag(mine, CAP_INHERITABLE, 1, &given, CAP_SET);
              if (cap_set_proc(mine) != 0 || cap_set_ambient(given, CAP_SET) != 0)
                return "cannot keep a capability as a service manager grants it";
              return what_a_command_has();
            }),
            "");
}

class WalledTraffic : public TrafficFaultTest, public testing::WithParamInterface<contract::Attachment> {
 protected:
  WalledTraffic() : TrafficFaultTest("walls") {}
  void SetUp() override {
    if (GetParam() == contract::ATTACHMENT_TCX)
      if (const Feature tcx = probe_tcx(); !tcx.available) GTEST_SKIP() << tcx.reason;
    TrafficFaultTest::SetUp();
    proves("S13");
  }
  // The whole life of a fault and of the counter behind it, as an agent lives it.
  std::string arm_fire_revert() {
    auto fault = TrafficFault::make({.steps = &steps_});
    if (!fault) return fault.error().message();
    const contract::Order order = cut_there().leak({"198.18.2.0/24"}).attachment(GetParam());
    if (auto ok = (*fault)->arm(order); !ok) return ok.error().message();
    if (!ask_udp(kThereV4, kPatience).answered) return "armed is not fired, and it is dark";
    if (auto ok = (*fault)->fire(monotonic_now(), {kForever, kForever}); !ok) return ok.error().message();
    std::this_thread::sleep_for(10ms);
    if (ask_udp(kThereV4, 100ms).answered || ask_udp(kThereV6, 100ms).answered) return "it is not dark";
    if (packets(observed(**fault), "drop") == 0) return "nothing was counted";
    if (auto ok = (*fault)->revert(); !ok) return ok.error().message();
    return ask_udp(kThereV4, kPatience).answered ? "" : "still dark after the revert";
  }
};

TEST_P(WalledTraffic, AFaultLivesItsWholeLifeBehindThem) {
  EXPECT_EQ(behind_walls([&] { return arm_fire_revert(); }), "");
}

// As the journal of a dead agent says.
std::string take_qdiscs_back() {
  const auto present = interfaces();
  if (!present) return present.error().message();
  for (const Interface& interface : *present) {
    contract::Step step;
    step.mutable_clsact_qdisc()->set_interface(interface.name);
    step.mutable_clsact_qdisc()->set_index(interface.index);
    if (const auto gone = take_back(step); !gone) return gone.error().message();
  }
  return "";
}

TEST_P(WalledTraffic, ADeadAgentBehindThemMeansAHealthyHostAndTheNextOneSweeps) {
  int ready[2];
  ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
  const pid_t agent = ::fork();
  if (agent == 0) {
    if (!raise_walls({})) ::_exit(1);
    auto fault = armed(cut_there().attachment(GetParam()));
    if (!fault->fire(monotonic_now(), {kForever, kForever})) ::_exit(1);
    (void)!::write(ready[1], "x", 1);
    for (;;) ::pause();
  }
  ::close(ready[1]);
  char word;
  EXPECT_EQ(::read(ready[0], &word, 1), 1);
  ::close(ready[0]);
  std::this_thread::sleep_for(10ms);
  EXPECT_FALSE(ask_udp(kThereV4, 100ms).answered);
  ::kill(agent, SIGKILL);
  ::waitpid(agent, nullptr, 0);
  EXPECT_LT(until_healthy(2000ms), 200ms);
  EXPECT_EQ(behind_walls([&]() -> std::string {
              if (const auto swept = sweep(); !swept) return swept.error().message();
              return GetParam() == contract::ATTACHMENT_CLSACT ? take_qdiscs_back() : "";
            }),
            "");
}

// The list is short because each of them is missed.
TEST_P(WalledTraffic, EachCapabilityKeptIsNeeded) {
  for (const KeptCapability& kept : kept_capabilities()) {
    if (!kept.with({})) continue;
    EXPECT_NE(behind_walls([&]() -> std::string {
                const cap_value_t value = kept.value;
                cap_t left = cap_get_proc();
                cap_set_flag(left, CAP_EFFECTIVE, 1, &value, CAP_CLEAR);
                cap_set_flag(left, CAP_PERMITTED, 1, &value, CAP_CLEAR);
                if (cap_set_proc(left) != 0) throw std::runtime_error("cannot drop it");
                cap_free(left);
                return arm_fire_revert();
              }),
              "")
        << kept.name << " is kept for nothing";
  }
}

INSTANTIATE_TEST_SUITE_P(Attachments, WalledTraffic,
                         testing::Values(contract::ATTACHMENT_TCX, contract::ATTACHMENT_CLSACT),
                         [](const auto& each) {
                           return each.param == contract::ATTACHMENT_TCX ? "Tcx" : "Clsact";
                         });

}  // namespace
}  // namespace blackstart
