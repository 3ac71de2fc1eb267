// SPDX-License-Identifier: Apache-2.0
// For every crash point the code names and every victim: drive an agent until somebody stops there,
// kill, and expect a healthy host by the promised time, and nothing left.
#include <array>
#include <tuple>

#include "tests/crash/driven_to_point.h"

namespace blackstart {
namespace {

using namespace test;

enum class Victim { kAgent, kSentinel, kBoth };

class EveryCrashPoint : public DrivenToPoint,
                        public testing::WithParamInterface<std::tuple<std::string, Victim>> {};

TEST_P(EveryCrashPoint, IsSurvived) {
  proves("S1,S2,S8,S10");
  const auto [point, victim] = GetParam();
  const auto stopped = drive(point);
  ASSERT_TRUE(stopped) << "nobody reached " << point << ": the drive has to learn it";

  const AgentProcesses was = processes();
  if (victim != Victim::kSentinel && was.agent != 0) ::kill(was.agent, SIGKILL);
  if (victim != Victim::kAgent && was.sentinel != 0) ::kill(was.sentinel, SIGKILL);
  const bool agent_died = victim != Victim::kSentinel || was.agent == 0;
  go_on(was);

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
    EXPECT_TRUE(whole_again());
    const auto report = hello();
    ASSERT_TRUE(report);
    if (agent_died) {
      EXPECT_FALSE(report->report().armed()) << "nothing is armed again by itself";
    }
  }
  if (!agent_died) (void)revert();
  EXPECT_TRUE(until(kRestHeals, [this] { return processes_well(); }))
      << "somebody stands still, or is not started";
  EXPECT_TRUE(until(kRestHeals, [this] { return journal_empty(); }));
  EXPECT_TRUE(until(kRestHeals, [this] { return inventory() == before_; })) << inventory();
}

std::string name_of(const testing::TestParamInfo<EveryCrashPoint::ParamType>& which) {
  constexpr std::array victims{"_agent", "_sentinel", "_both"};
  return test_name(std::get<0>(which.param)) + victims[static_cast<size_t>(std::get<1>(which.param))];
}

TEST(EveryCrashPoint, OfAUnitIsNotReachedHere) {
  GTEST_SKIP() << "step_recording, step_recorded and step_taken_back of held_unit: there is no systemd here; "
                  "units_of_agents_test reaches them where there is one (./dev test --vm)";
}

INSTANTIATE_TEST_SUITE_P(Killed, EveryCrashPoint,
                         testing::Combine(testing::ValuesIn(reachable_points()),
                                          testing::Values(Victim::kAgent, Victim::kSentinel, Victim::kBoth)),
                         name_of);

}  // namespace
}  // namespace blackstart
