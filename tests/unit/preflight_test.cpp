// SPDX-License-Identifier: Apache-2.0
// What keeps a run from touching anything: the windows, red preconditions, a steady state that does not hold.
#include <algorithm>

#include "tests/support/promise.h"
#include "tests/unit/conduct_fixture.h"

namespace blackstart {
namespace {

using PreflightTest = ConductTest;

TEST_F(PreflightTest, TouchesNothingWhenTheSteadyStateDoesNotHold) {
  proves("S6");
  agents_.probe_succeeds = [](const std::string&) { return false; };
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, kExitRefused);
  EXPECT_EQ(agents_.total(&SimulatedAgents::Host::arms), 0);
}

TEST_F(PreflightTest, RefusesAHostThatAnotherRunHolds) {
  proves("S12");
  agents_.held_by["anyang-1"] = "r0";
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, kExitRefused);
  EXPECT_NE(outcome.reason.find("r0"), std::string::npos) << outcome.reason;
  EXPECT_EQ(agents_.total(&SimulatedAgents::Host::arms), 0);
}

// "name+", or "name-" and why, for each that was looked at.
std::vector<std::string> told(const Outcome& outcome) {
  std::vector<std::string> all;
  for (const OutcomePrecondition& each : outcome.preconditions)
    all.push_back(each.precondition + (each.met ? "+" : "-") + each.answer);
  return all;
}

Precondition requirement(const std::string& name) {
  Precondition condition;
  condition.why = "because";
  condition.check = probe(name);
  condition.text = "tcp " + name;
  return condition;
}

TEST_F(PreflightTest, ARedPreconditionTouchesNothingAndAllAreRecorded) {
  proves("S6");
  experiment_.preconditions = {requirement("requires:1"), requirement("requires:2"),
                               requirement("requires:3")};
  agents_.probe_succeeds = [](const std::string& name) { return name != "requires:2"; };
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, kExitRefused) << outcome.reason;
  EXPECT_NE(outcome.reason.find("tcp requires:2 (because); timeout"), std::string::npos) << outcome.reason;
  EXPECT_EQ(std::count(observer_.events.begin(), observer_.events.end(), "precondition"), 3);
  EXPECT_EQ(told(outcome),
            (std::vector<std::string>{"tcp requires:1+", "tcp requires:2-timeout", "tcp requires:3+"}));
  EXPECT_EQ(outcome.preconditions[1].purpose, "because");
  EXPECT_EQ(agents_.total(&SimulatedAgents::Host::arms), 0);
  EXPECT_TRUE(agents_.hosts_seen["phone-1"].probes.empty());

  agents_.probe_succeeds = [](const std::string&) { return true; };
  EXPECT_EQ(run().exit_code, kExitPass);
}

TEST_F(PreflightTest, APreconditionWithoutAnAnswerIsRed) {
  proves("S6,S15");
  experiment_.no_incident = requirement("noIncident:1");
  agents_.mute_probes.insert("noIncident:1");
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, kExitRefused);
  EXPECT_EQ(told(outcome), (std::vector<std::string>{"tcp noIncident:1-no answer from phone-1"}));
  agents_.mute_probes.clear();
  experiment_.no_incident->check->from = "pangyo-9";  // no agent answers there
  agents_.silent.insert("pangyo-9");
  EXPECT_EQ(run().exit_code, kExitRefused);
  EXPECT_EQ(agents_.total(&SimulatedAgents::Host::arms), 0);
}

TEST_F(PreflightTest, ARequirementOfAProbeIsJudgedOnceTheSteadyStateHolds) {
  proves("S6");
  Precondition slow;
  slow.probe = "login";
  slow.demand.latency[50] = {contract::COMPARISON_LESS, 0.1, "< 100ms"};
  slow.demand.over = 2s;
  slow.text = "login p50 < 100ms over 2s";
  experiment_.preconditions.push_back(slow);
  EXPECT_EQ(told(run()), (std::vector<std::string>{slow.text + "+"}));
  agents_.answer_takes = 200ms;
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, kExitRefused);
  EXPECT_NE(outcome.reason.find("login p50 is 200ms"), std::string::npos) << outcome.reason;
  ASSERT_EQ(outcome.preconditions.size(), 1u);
  EXPECT_FALSE(outcome.preconditions[0].met);
  EXPECT_NE(outcome.preconditions[0].answer.find("p50 is 200ms"), std::string::npos);
  EXPECT_EQ(agents_.total(&SimulatedAgents::Host::arms), 4) << "those of the first run";
}

TEST_F(PreflightTest, OutsideItsWindowsADrillIsRefusedUnlessAPersonOverrides) {
  proves("S6");
  agents_.now = 1'795'161'600LL * 1'000'000'000;  // Friday 20 November 2026, 17:00 in Seoul
  experiment_.windows.zone = "Asia/Seoul";
  experiment_.windows.allowed = {*parse_window("Mon-Fri 09:00-18:00")};
  const Outcome open = run();
  EXPECT_EQ(open.exit_code, kExitPass);
  ASSERT_EQ(open.preconditions.size(), 1u);
  EXPECT_TRUE(open.preconditions[0].met);
  agents_.now +=
      Duration(59min + 40s).count() - agents_.now % Duration(1h).count();  // it takes longer than is left
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, kExitRefused);
  EXPECT_NE(outcome.reason.find("it may run from Mon 2026-11-23 09:00 KST"), std::string::npos)
      << outcome.reason;
  EXPECT_EQ(agents_.total(&SimulatedAgents::Host::arms), 4) << "those of the first run";
  ASSERT_EQ(outcome.preconditions.size(), 1u);
  EXPECT_EQ(outcome.preconditions[0].precondition, "windows");
  EXPECT_FALSE(outcome.preconditions[0].met);
  EXPECT_NE(outcome.reason.find(outcome.preconditions[0].answer), std::string::npos) << outcome.reason;
  EXPECT_EQ(outcome.preconditions[0].overridden, "");
  override_ = "the director said so";
  const Outcome overridden = run();
  EXPECT_EQ(overridden.exit_code, kExitPass);
  EXPECT_FALSE(overridden.preconditions.at(0).met);
  EXPECT_EQ(overridden.preconditions.at(0).overridden, override_);
}

TEST_F(PreflightTest, AGuardThatIsBreachedBeforeTheCutRefusesTheStart) {
  Guard guard;
  guard.query = probe("guard:1");
  guard.text = "prometheus up = 1";
  experiment_.guards.push_back(guard);
  agents_.probe_succeeds = [](const std::string& name) { return name != "guard:1"; };
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, kExitRefused) << outcome.reason;
  EXPECT_EQ(agents_.total(&SimulatedAgents::Host::arms), 0);
}

}  // namespace
}  // namespace blackstart
