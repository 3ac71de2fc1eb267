// SPDX-License-Identifier: Apache-2.0
// For every crash point the code names and every victim: drive an agent until somebody stops there,
// kill, and expect a healthy host by the promised time, and nothing left.
#include <signal.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "agents/runtime/crash_points.h"
#include "tests/crash/agent_under_test.h"

namespace blackstart {
namespace {

using namespace test;

enum class Victim { kAgent, kSentinel, kBoth };

class EveryCrashPoint : public AgentUnderTest,
                        public testing::WithParamInterface<std::tuple<std::string, Victim>> {
 protected:
  std::optional<pid_t> wait_for_stop(milliseconds at_most) {
    std::optional<pid_t> stopped;
    (void)until(at_most, [&] { return (stopped = stopped_at(path("marker"))).has_value(); });
    return stopped;
  }
  // An agent's whole life, then its death, then its hanging: until somebody reaches the point.
  std::optional<pid_t> drive() {
    start({"BLACKSTART_STOP_AT=" + std::get<0>(GetParam()) + ":" + path("marker")});
    std::optional<pid_t> stopped;
    const auto reached = [&](milliseconds within) {
      stopped = wait_for_stop(within);
      return stopped.has_value();
    };
    (void)until(3000ms, [&] { return reached(0ms) || hello().has_value(); });
    if (reached(30ms)) return stopped;
    const auto step = [&](const contract::Request& request) {
      (void)ask(request, 500ms);
      return reached(10ms);
    };
    contract::Request request;
    *request.mutable_arm()->mutable_order() = order(400ms, contract::ATTACHMENT_CLSACT);
    if (step(request)) return stopped;
    request.mutable_fire()->set_run("test-run");
    request.mutable_fire()->set_t0_unix_ns(unix_now());
    request.mutable_fire()->set_horizon_ns(INT64_MAX);
    if (step(request)) return stopped;
    request.mutable_collect()->set_run("test-run");
    request.mutable_collect()->set_renew(true);
    request.mutable_collect()->set_horizon_ns(INT64_MAX);
    if (step(request)) return stopped;
    if (reached(700ms)) return stopped;

    if (std::get<0>(GetParam()) == "leaving") {
      ::kill(processes().agent, SIGTERM);
      return reached(1000ms) ? stopped : std::nullopt;
    }
    if (std::get<0>(GetParam()) == "agent_overdue") {
      arm_and_fire(300ms);
      ::kill(processes().agent, SIGSTOP);
      return reached(1500ms) ? stopped : std::nullopt;
    }
    arm_and_fire(60s);
    ::kill(processes().agent, SIGKILL);
    return reached(1000ms) ? stopped : std::nullopt;
  }
};

TEST_P(EveryCrashPoint, IsSurvived) {
  proves("S1,S2,S8,S10");
  const auto [point, victim] = GetParam();
  const auto stopped = drive();
  ASSERT_TRUE(stopped) << "nobody reached " << point << ": the drive has to learn it";

  const AgentProcesses was = processes();
  if (victim != Victim::kSentinel && was.agent != 0) ::kill(was.agent, SIGKILL);
  if (victim != Victim::kAgent && was.sentinel != 0) ::kill(was.sentinel, SIGKILL);
  const bool agent_died = victim != Victim::kSentinel || was.agent == 0;
  // Whoever is still stopped goes on.
  for (const pid_t pid : was.all) ::kill(pid, SIGCONT);

  const auto healed = until_healthy(2000ms);
  ASSERT_TRUE(healed) << "traffic does not come back";
  if (agent_died) {
    EXPECT_LE(*healed, patience(kNetworkHeals));
  }
  reap_children();

  const bool leaving = point == "leaving" && victim == Victim::kSentinel;
  const bool orphaned = victim == Victim::kBoth || (was.agent == 0 && victim == Victim::kSentinel) ||
                        (was.sentinel == 0 && victim == Victim::kAgent);
  if (orphaned) {
    EXPECT_TRUE(until(kRestHeals, [this] { return all_gone(); }));
    start();  // reaps before it does anything else
  }
  if (!leaving || orphaned) {
    EXPECT_TRUE(until(2000ms, [this] {
      reap_children();
      return whole();
    })) << "an agent and its sentinel are there again";
    const auto report = hello();
    ASSERT_TRUE(report);
    if (agent_died) {
      EXPECT_FALSE(report->report().armed()) << "nothing is armed again by itself";
    }
  }
  if (!agent_died) (void)revert();
  EXPECT_TRUE(until(kRestHeals, [this] { return journal_empty(); }));
  EXPECT_TRUE(until(kRestHeals, [this] { return inventory() == before_; })) << inventory();
}

std::string name_of(const testing::TestParamInfo<EveryCrashPoint::ParamType>& which) {
  constexpr std::array victims{"_agent", "_sentinel", "_both"};
  std::string name = std::get<0>(which.param);
  std::replace(name.begin(), name.end(), '.', '_');
  return name + victims[static_cast<size_t>(std::get<1>(which.param))];
}

INSTANTIATE_TEST_SUITE_P(Killed, EveryCrashPoint,
                         testing::Combine(testing::ValuesIn(crash_point_names()),
                                          testing::Values(Victim::kAgent, Victim::kSentinel, Victim::kBoth)),
                         name_of);

}  // namespace
}  // namespace blackstart
