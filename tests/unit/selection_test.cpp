// SPDX-License-Identifier: Apache-2.0
// Which of a host's processes a target means, of hosts described here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "agents/faults/process/selection.h"
#include "tests/support/promise.h"

namespace blackstart {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// The whole host, as on a machine that is no lab's.
const ProcessScope kHost;

Process process(pid_t pid, pid_t parent, uint64_t started, const std::string& name,
                const std::string& cgroup = "system.slice/x.service") {
  return {.pid = pid,
          .parent = parent,
          .session = pid,
          .started = started,
          .state = 'S',
          .name = name,
          .line = "/usr/bin/" + name + std::string(1, '\0') + "--config" + std::string(1, '\0'),
          .cgroup = cgroup,
          .user = 1000};
}

Selector selector(const contract::ProcessMatch& match) {
  contract::ProcessTarget target;
  target.set_service("tool");
  *target.mutable_match() = match;
  return Selector::make(target, kHost).value();
}

contract::ProcessMatch comm(const std::string& name) {
  contract::ProcessMatch match;
  match.set_comm(name);
  return match;
}

std::vector<pid_t> chosen(const contract::ProcessMatch& match, const std::vector<Process>& all,
                          const Spared& spared = {}) {
  std::vector<pid_t> out;
  for (const Process& each : selector(match).select(all, spared).processes) out.push_back(each.pid);
  return out;
}

TEST(Selection, TakesDescendantsAndLeavesTheSupervisor) {
  Process worker = process(12, 11, 50, "worker"), grandchild = process(13, 12, 51, "helper");
  const std::vector<Process> all{process(10, 1, 40, "supervise"), process(11, 10, 45, "tool"), worker,
                                 grandchild, process(20, 10, 60, "other")};
  EXPECT_THAT(chosen(comm("tool"), all), ElementsAre(11, 12, 13));
}

TEST(Selection, TakesTheSessionOfALeaderThatFits) {
  Process orphan = process(30, 1, 70, "daemon", "elsewhere");
  orphan.session = 11;
  EXPECT_THAT(chosen(comm("tool"), {process(10, 1, 40, "supervise"), process(11, 10, 45, "tool"), orphan}),
              ElementsAre(11, 30));
}

// A daemon that forked twice has no tie left but the cgroup, which is theirs where nothing in it is older.
TEST(Selection, TakesACgroupInWhichNothingIsOlder) {
  const Process daemon = process(30, 1, 70, "daemon");
  EXPECT_THAT(chosen(comm("tool"), {process(11, 1, 45, "tool"), daemon}), ElementsAre(11, 30));
  EXPECT_THAT(chosen(comm("tool"), {process(10, 1, 40, "supervise"), process(11, 10, 45, "tool"), daemon}),
              ElementsAre(11));
  EXPECT_THAT(chosen(comm("tool"), {process(10, 1, 45, "supervise"), process(11, 10, 45, "tool")}),
              ElementsAre(11))
      << "as old as they are is not younger";
}

TEST(Selection, AllThatIsSaidHasToFit) {
  contract::ProcessMatch match = comm("tool");
  match.set_cmdline("--config$");
  match.set_user("1000");
  const std::vector<Process> all{process(11, 1, 45, "tool", "a"), process(12, 1, 46, "other", "b")};
  EXPECT_THAT(chosen(match, all), ElementsAre(11));
  match.set_user("1001");
  EXPECT_THAT(chosen(match, all), IsEmpty());
}

TEST(Selection, NeverWhatNothingMayTouchNorWhatIsSpared) {
  proves("S5,S11");
  Process init = process(1, 0, 0, "tool", "init.scope"), own = process(11, 1, 45, "tool", "a");
  init.no_fault = "process 1";
  const std::vector<Process> all{init, own, process(12, 11, 46, "child", "a")};
  EXPECT_THAT(chosen(comm("tool"), all), ElementsAre(11, 12));
  EXPECT_THAT(chosen(comm("tool"), all, {11}), IsEmpty()) << "nor its children, by way of it";
  const auto refused = selector(comm("tool")).require_touchable(all);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kRefused);
  EXPECT_THAT(refused.error().message(), testing::HasSubstr("process 1 (tool)"));
}

TEST(Selection, RefusesWhatItCannotTell) {
  proves("S11");
  contract::ProcessTarget target;
  target.set_service("tool");
  EXPECT_EQ(Selector::make(target, kHost).error().kind, ErrorKind::kRefused) << "it says nothing";
  EXPECT_TRUE(Selector::make(target, {"lab/host/services"})) << "in a lab that is its cgroup";
  target.mutable_match()->set_cgroup("lab/other/services");
  EXPECT_EQ(Selector::make(target, {"lab/host/services"}).error().kind, ErrorKind::kRefused);
  *target.mutable_match() = {};
  target.mutable_match()->set_cmdline("(unclosed");
  EXPECT_EQ(Selector::make(target, kHost).error().kind, ErrorKind::kInvalid);
  target.mutable_match()->set_cmdline("((a{999}){999}){999}");
  EXPECT_EQ(Selector::make(target, kHost).error().kind, ErrorKind::kInvalid) << "too large";
  *target.mutable_match() = {};
  target.mutable_match()->set_user("nobody-of-that-name");
  EXPECT_EQ(Selector::make(target, kHost).error().kind, ErrorKind::kInvalid);
}

TEST(Selection, NoExpressionTakesForEver) {
  proves("S11");
  Process long_line = process(11, 1, 45, "tool");
  long_line.line = std::string(4096, 'a');
  contract::ProcessMatch match;
  for (const char* expression : {"(a+)+$b", "(a|a)*b", "(.*)*x", ".*.*.*.*.*x"}) {
    match.set_cmdline(expression);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_THAT(chosen(match, {long_line}), IsEmpty());
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3)) << expression;
  }
}

}  // namespace
}  // namespace blackstart
