// SPDX-License-Identifier: Apache-2.0
// The run as a state machine, on simulated time: what is asked of the agents in each case, and what
// the verdict is. Real agents and packets are in the lab tier.
#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "injector/conduct/run_clock.h"
#include "tests/support/promise.h"
#include "tests/unit/conduct_fixture.h"

namespace blackstart {
namespace {

TEST_F(ConductTest, PassesWhenUsersNoticeNothing) {
  const Outcome outcome = run();
  EXPECT_EQ(outcome.verdict, Verdict::kPass) << outcome.reason;
  EXPECT_EQ(outcome.recovery_verdict, Verdict::kPass);
  EXPECT_EQ(outcome.exit_code, kExitPass);
  EXPECT_EQ(agents_.total(&SimulatedAgents::Host::fires), 4);
  EXPECT_EQ(agents_.total(&SimulatedAgents::Host::reverts), 4);
  ASSERT_EQ(outcome.faults.size(), 1u);
  EXPECT_EQ(outcome.faults[0].dropped, 300u);
  EXPECT_EQ(outcome.faults[0].hosts.size(), 2u);  // those that are cut
  EXPECT_GE(outcome.faults[0].end - outcome.fired, Duration(20s).count());
  std::vector<std::string> phases;
  for (const auto& phase : outcome.phases) phases.push_back(phase.phase);
  EXPECT_EQ(phases, (std::vector<std::string>{"preflight", "steady", "arm", "fire", "hold", "revert",
                                              "recover", "residue"}));
}

TEST_F(ConductTest, SaysHowLongAFaultOutlastedItsEnd) {
  agents_.straggler = 300ms;
  const Outcome ended = run();
  EXPECT_EQ(ended.faults.at(0).ended_by, "end");
  EXPECT_LE(*time_to_revert(ended.faults[0]), 300ms);
  EXPECT_GT(*time_to_revert(ended.faults[0]), 0ms);

  for (auto& [name, host] : agents_.hosts_seen) host = {};
  UnixNs asked = 0;
  abort_when_ = [&]() -> std::optional<std::string> {
    if (!dark() || agents_.now < agents_.hosts_seen["pangyo-1"].t0 + Duration(2s).count())
      return std::nullopt;
    asked = agents_.now;
    return "stopped by a person";
  };
  const Outcome aborted = run();
  EXPECT_EQ(aborted.faults.at(0).ended_by, "abort");
  EXPECT_EQ(aborted.faults[0].end, asked);
  EXPECT_EQ(time_to_revert(aborted.faults[0]), 0ms);

  for (auto& [name, host] : agents_.hosts_seen) host = {};
  abort_when_ = [this]() -> std::optional<std::string> {
    if (dark()) agents_.silent.insert("pangyo-2");
    return std::nullopt;
  };
  EXPECT_FALSE(time_to_revert(run().faults.at(0))) << "what pangyo-2 saw last is not known";
}

TEST_F(ConductTest, WhatIsToldMeanwhileIsWhatIsKnownThen) {
  agents_.probe_succeeds = [this](const std::string&) { return !dark(); };
  const Outcome last = run();
  std::set<std::string> phases;
  uint64_t attempts = 0;
  for (const Outcome& so_far : told_so_far_) {
    ASSERT_FALSE(so_far.phases.empty());
    const std::string& phase = so_far.phases.back().phase;
    phases.insert(phase);
    EXPECT_EQ(so_far.phases.back().end, 0);
    EXPECT_EQ(so_far.verdict, Verdict::kNone);
    EXPECT_TRUE(so_far.hypothesis.empty() && so_far.times.empty());
    const bool cut = phase == "hold" && so_far.fired != 0;
    EXPECT_LE(so_far.faults.size(), phase == "steady" || phase == "arm" || phase == "fire" ? 0u : 1u)
        << phase;
    if (cut && !so_far.faults.empty()) {
      EXPECT_TRUE(so_far.faults[0].ended_by.empty());
    }
    const OutcomeProbe& login = so_far.probes.at("login");
    EXPECT_GE(login.attempts, attempts) << "a counter only grows";
    attempts = login.attempts;
    EXPECT_EQ(login.during.has_value(), login.failures > 0) << "every attempt since the cut failed";
  }
  EXPECT_EQ(phases, (std::set<std::string>{"preflight", "steady", "arm", "fire", "hold", "revert", "recover",
                                           "residue"}));
  EXPECT_GT(told_so_far_.size(), 25u);
  EXPECT_EQ(attempts, last.probes.at("login").attempts);
}

TEST_F(ConductTest, FailsWhenTheHypothesisDoes) {
  agents_.probe_succeeds = [this](const std::string&) { return !dark(); };
  const Outcome outcome = run();
  EXPECT_EQ(outcome.verdict, Verdict::kFail);
  EXPECT_EQ(outcome.recovery_verdict, Verdict::kPass);
  EXPECT_EQ(outcome.exit_code, kExitFail);
  EXPECT_DOUBLE_EQ(*outcome.probes.at("login").during, 0.0);
}

TEST_F(ConductTest, AnExpectedFailureIsAPass) {
  experiment_.expect = Expect::kFail;
  agents_.probe_succeeds = [this](const std::string&) { return !dark(); };
  EXPECT_EQ(run().exit_code, kExitPass);
}

TEST_F(ConductTest, RecoveryHasItsOwnVerdict) {
  agents_.probe_succeeds = [this](const std::string&) {
    return agents_.total(&SimulatedAgents::Host::reverts) == 0;
  };
  const Outcome outcome = run();
  EXPECT_EQ(outcome.recovery_verdict, Verdict::kFail);
  EXPECT_EQ(outcome.exit_code, kExitFail);
  EXPECT_NE(outcome.reason.find("metastable: still bad 63 s after the revert"), std::string::npos)
      << outcome.reason;
}

TEST_F(ConductTest, ARecoveryIsNotWaitedForLongerThanTheExperimentSays) {
  experiment_.recovery.within = 10s;
  agents_.probe_succeeds = [this](const std::string&) {
    return agents_.total(&SimulatedAgents::Host::reverts) == 0;
  };
  EXPECT_NE(run().reason.find("metastable: still bad 13 s after the revert"), std::string::npos);
}

TEST_F(ConductTest, NothingMatchedIsInconclusiveEvenWhenRed) {
  proves("S15");
  agents_.dropped_per_host = 0;
  agents_.probe_succeeds = [this](const std::string&) { return !dark(); };
  const Outcome outcome = run();
  EXPECT_EQ(outcome.verdict, Verdict::kInconclusive);
  EXPECT_EQ(outcome.exit_code, kExitInconclusive);
  EXPECT_NE(outcome.reason.find("0 packets matched"), std::string::npos) << outcome.reason;
}

TEST_F(ConductTest, MissingProbeDataIsInconclusive) {
  proves("S15");
  experiment_.probes.push_back(probe("photo"));
  experiment_.hypothesis.push_back(experiment_.hypothesis[0]);
  experiment_.hypothesis[1].probe = "photo";
  agents_.probe_succeeds = [this](const std::string&) {
    if (dark()) agents_.mute_probes.insert("photo");
    return true;
  };
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, kExitInconclusive) << outcome.reason;
  EXPECT_FALSE(outcome.hypothesis[1].met);
}

TEST_F(ConductTest, NobodyFiresWhenOneCannotArm) {
  proves("S6");
  agents_.cannot_arm.insert("anyang-1");
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, kExitMissing);
  EXPECT_EQ(agents_.total(&SimulatedAgents::Host::fires), 0);
  EXPECT_TRUE(nothing_armed());
}

TEST_F(ConductTest, AbortsInEveryPhaseAndLeavesNothingArmed) {
  proves("S7");
  for (const std::string phase : {"preflight", "steady", "arm", "fire", "hold", "recover"}) {
    SCOPED_TRACE(phase);
    for (auto& [name, host] : agents_.hosts_seen) host = {};
    bool said = false;
    abort_when_ = [&]() -> std::optional<std::string> {
      said = said || observer_.phase == phase || (phase == "arm" && observer_.phase == "fire");
      return said ? std::optional<std::string>("stopped by a person") : std::nullopt;
    };
    const Outcome outcome = run();
    EXPECT_EQ(outcome.exit_code, kExitAborted) << outcome.reason;
    EXPECT_TRUE(nothing_armed());
    EXPECT_EQ(agents_.hosts_seen["phone-1"].stops, phase == "preflight" ? 0 : 1);
  }
}

TEST_F(ConductTest, APartialFireIsTakenBackBeforeT0) {
  agents_.cannot_fire.insert("anyang-1");
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, kExitRefused) << outcome.reason;
  EXPECT_TRUE(nothing_armed());
  EXPECT_EQ(outcome.fired, 0);
}

TEST_F(ConductTest, AHostThatRevertsByItselfEndsTheRun) {
  abort_when_ = [this]() -> std::optional<std::string> {
    if (dark()) agents_.lapsed.insert("pangyo-2");
    return std::nullopt;
  };
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, kExitAborted) << outcome.reason;
  EXPECT_NE(outcome.reason.find("pangyo-2"), std::string::npos) << outcome.reason;
}

TEST_F(ConductTest, APassIsInconclusiveWhenAHostDidNotHoldItsPartToTheEnd) {
  proves("S15");
  Guard guard;
  guard.agents_lost = Comparison{contract::COMPARISON_LESS_EQUAL, 0.5, "<= 50%"};
  experiment_.guards.push_back(guard);
  abort_when_ = [this]() -> std::optional<std::string> {
    if (dark()) agents_.lapsed.insert("pangyo-2");
    return std::nullopt;
  };
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, kExitInconclusive) << outcome.reason;
  EXPECT_NE(outcome.reason.find("pangyo-2: it reverted by itself"), std::string::npos) << outcome.reason;
}

TEST_F(ConductTest, AnAbortWhileRecoveringSaysNothingOfTheRecovery) {
  bool broken = false;
  agents_.probe_succeeds = [&](const std::string&) { return !(broken = broken || dark()); };
  UnixNs since = 0;
  abort_when_ = [&]() -> std::optional<std::string> {
    if (observer_.phase != "recover") return std::nullopt;
    if (since == 0) since = agents_.now;
    if (agents_.now - since < Duration(6s).count()) return std::nullopt;
    return "enough";
  };
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, kExitAborted);
  EXPECT_EQ(outcome.recovery_verdict, Verdict::kInconclusive) << "its patience is 60 s more";
}

TEST(RunClock, GoesOnWhenTheClockOnTheWallIsSet) {
  UnixNs wall = 1'000'000;
  int64_t monotonic = 50;
  const RunClock clock([&] { return wall; }, [&] { return monotonic; });
  wall += 10;
  monotonic += 10;
  EXPECT_EQ(clock.now(), 1'000'010);
  EXPECT_EQ(clock.set(), 0ns);
  wall -= 5'000;
  EXPECT_EQ(clock.now(), 1'000'010);
  EXPECT_EQ(clock.set(), -5'000ns);
}

TEST_F(ConductTest, AClockThatIsSetEndsTheRun) {
  clock_set_ = [this] { return dark() ? Duration(-1h) : Duration(0); };
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, kExitAborted);
  EXPECT_NE(outcome.reason.find("clock"), std::string::npos) << outcome.reason;
  EXPECT_NE(outcome.reason.find("back by 1h"), std::string::npos) << outcome.reason;
  EXPECT_TRUE(nothing_armed());
}

TEST_F(ConductTest, AGuardOfServicesIsBreachedWhenNobodySeesThemAnyMore) {
  proves("S15");
  topology_.hosts["anyang-1"].addresses = {*Address::parse("198.18.2.1")};
  Service pay;
  pay.name = "pay";
  pay.instances.push_back({"anyang-1", 80, std::nullopt, false, {}});
  topology_.services["pay"] = pay;
  plan_.predicted["pay"].impact = Impact::kUnaffected;
  Guard guard;
  guard.unexpected_services = Comparison{contract::COMPARISON_LESS_EQUAL, 0, "<= 0"};
  experiment_.guards.push_back(guard);
  EXPECT_EQ(run().exit_code, kExitPass);

  for (auto& [name, host] : agents_.hosts_seen) host = {};
  abort_when_ = [this]() -> std::optional<std::string> {
    if (dark()) agents_.mute_probes.insert("check:pay:anyang-1:80");
    return std::nullopt;
  };
  const Outcome blind = run();
  EXPECT_EQ(blind.exit_code, kExitAborted) << blind.reason;
  EXPECT_NE(blind.reason.find("no data"), std::string::npos) << blind.reason;
}

TEST_F(ConductTest, WhatWasDownBeforeIsToldThenAndNotJudged) {
  topology_.hosts["anyang-1"].addresses = {*Address::parse("198.18.2.1")};
  for (const char* name : {"monitoring", "pay"}) {
    Service service;
    service.name = name;
    service.instances.push_back(
        {"anyang-1", static_cast<uint16_t>(name == std::string("pay") ? 80 : 81), std::nullopt, false, {}});
    topology_.services[name] = service;
    plan_.predicted[name].impact = Impact::kUnaffected;
  }
  agents_.probe_succeeds = [](const std::string& probe) { return !probe.starts_with("check:monitoring"); };
  const Outcome outcome = run();
  EXPECT_EQ(outcome.services.at("monitoring").before, Impact::kDown);
  EXPECT_EQ(outcome.services.at("monitoring").observed, Impact::kDown);
  EXPECT_EQ(outcome.services.at("pay").before, Impact::kUnaffected);
  EXPECT_THAT(outcome.notes,
              ::testing::Contains("monitoring does not answer before anything is touched: what "
                                  "happens to it says nothing"));
  const auto told = std::find(observer_.events.begin(), observer_.events.end(), "hurt-before");
  ASSERT_NE(told, observer_.events.end());
  EXPECT_LT(told, std::find(observer_.events.begin(), observer_.events.end(), "fire"));
  EXPECT_THAT(observer_.lines, ::testing::Contains(::testing::StartsWith("! monitoring does not answer")));
}

TEST_F(ConductTest, LeaksMakeAPassInconclusive) {
  agents_.leaked_per_host = 3;
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, kExitInconclusive);
  EXPECT_EQ(outcome.faults.at(0).leaked, 9u);
  EXPECT_NE(outcome.reason.find("9 packets leaked"), std::string::npos) << outcome.reason;
}

TEST_F(ConductTest, WithoutProbesNothingIsClaimed) {
  experiment_.probes.clear();
  experiment_.hypothesis.clear();
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, kExitPass);
  EXPECT_EQ(outcome.recovery_verdict, Verdict::kNone);
  EXPECT_NE(outcome.reason.find("nothing was asked"), std::string::npos) << outcome.reason;
}

TEST_F(ConductTest, AGuardAbortsAndTheRunStillLooksAtRecovery) {
  Guard guard;
  guard.probe = "login";
  guard.success_ratio = {contract::COMPARISON_GREATER_EQUAL, 0.5, ">= 50%"};
  guard.over = 2s;
  guard.text = "login successRatio >= 50% over 2s";
  experiment_.guards.push_back(guard);
  agents_.probe_succeeds = [this](const std::string&) { return !dark(); };
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, kExitAborted);
  ASSERT_EQ(outcome.guards.size(), 1u);
  EXPECT_TRUE(outcome.guards[0].breached);
  EXPECT_LT(*outcome.guards[0].at, 5s);
  EXPECT_EQ(outcome.recovery_verdict, Verdict::kPass);
}

TEST_F(ConductTest, WhatWasJudgedIsToldFromTheFirstPacketHitAsTheTimesAre) {
  agents_.first_packet = 1s;
  agents_.probe_succeeds = [this](const std::string&) {
    const UnixNs fired = agents_.hosts_seen["pangyo-1"].t0;
    return fired == 0 || agents_.now < fired || agents_.now > fired + Duration(4s).count();
  };
  const Outcome outcome = run();
  EXPECT_EQ(outcome.t0, outcome.fired + Duration(1s).count());
  ASSERT_TRUE(outcome.hypothesis.at(0).at);
  EXPECT_GE(*outcome.hypothesis[0].at, 3s);
  const auto mitigate = std::find_if(outcome.times.begin(), outcome.times.end(),
                                     [](const OutcomeTime& each) { return each.time == "mitigate"; });
  ASSERT_NE(mitigate, outcome.times.end());
  EXPECT_EQ(mitigate->took, *outcome.hypothesis[0].at);
}

TEST_F(ConductTest, AFailedGateStopsWidening) {
  contract::Fault second = plan_.orders["pangyo-1"].faults(0);
  second.set_id("f2");
  second.set_start_ns(Duration(10s).count());
  *plan_.orders["pangyo-1"].add_faults() = second;
  for (auto& target : plan_.targets)
    if (target.host == "pangyo-1") target.faults.push_back({"f2", "site-blackhole", "ebpf", 10s, 20s});
  experiment_.faults.push_back(experiment_.faults[0]);
  experiment_.faults[1].at = 10s;
  experiment_.faults[1].duration = 10s;
  Gate gate;
  gate.at = 5s;
  gate.probes = {"login"};
  gate.success_ratio = {contract::COMPARISON_GREATER_EQUAL, 0.5, ">= 50%"};
  gate.over = 3s;
  experiment_.gates.push_back(gate);

  agents_.probe_succeeds = [this](const std::string&) { return !dark(); };
  const Outcome failed = run();
  EXPECT_FALSE(failed.gates.at(0).passed.value());
  EXPECT_EQ(failed.faults.size(), 1u);
  EXPECT_LE(agents_.hosts_seen["pangyo-1"].horizon, Duration(5s).count());

  for (auto& [name, host] : agents_.hosts_seen) host = {};
  agents_.probe_succeeds = [](const std::string&) { return true; };
  const Outcome passed = run();
  EXPECT_TRUE(passed.gates.at(0).passed.value());
  EXPECT_EQ(passed.faults.size(), 2u);
}

TEST_F(ConductTest, AGuardsQueryAbortsInUnderFiveSecondsAlsoWhenItsAnswersStop) {
  proves("S15");
  Guard guard;
  guard.query = probe("guard:1");
  guard.text = "prometheus up = 1";
  experiment_.guards.push_back(guard);
  agents_.probe_succeeds = [this](const std::string& name) { return name != "guard:1" || !dark(); };
  const Outcome no_answer = run();
  EXPECT_EQ(no_answer.exit_code, kExitAborted);
  EXPECT_LT(*no_answer.guards.at(0).at, 5s);

  agents_.probe_succeeds = [this](const std::string&) {
    if (dark()) agents_.mute_probes.insert("guard:1");
    return true;
  };
  for (auto& [name, host] : agents_.hosts_seen) host = {};
  const Outcome silent = run();
  EXPECT_EQ(silent.exit_code, kExitAborted);
  EXPECT_LT(*silent.guards.at(0).at, 5s);
}

TEST_F(ConductTest, LeaksAbortWhereAGuardSaysSo) {
  Guard guard;
  guard.leaked = Comparison{contract::COMPARISON_LESS_EQUAL, 0, "<= 0"};
  guard.text = "leak <= 0";
  experiment_.guards.push_back(guard);
  agents_.leaked_per_host = 3;
  EXPECT_EQ(run().exit_code, kExitAborted);
}

TEST_F(ConductTest, TheExperimentsWordOnLostAgentsTakesThePlaceOfTheDefault) {
  Guard guard;
  guard.agents_lost = Comparison{contract::COMPARISON_LESS_EQUAL, 0.5, "<= 50%"};
  experiment_.guards.push_back(guard);
  abort_when_ = [this]() -> std::optional<std::string> {
    if (dark()) agents_.silent.insert("pangyo-2");
    return std::nullopt;
  };
  EXPECT_NE(run().exit_code, kExitAborted);
}

TEST_F(ConductTest, WhatHasNoHostIsAskedFromTheConductorsOwnPlace) {
  experiment_.probes[0].from.clear();
  EXPECT_TRUE(asks_from_own_place(experiment_));
  EXPECT_EQ(run().exit_code, kExitPass);
  EXPECT_EQ(agents_.hosts_seen[kOwnPlace].stops, 1);
}

TEST_F(ConductTest, MarksAreRecordedAndAnAlertOfTheCutDetectsIt) {
  int asked_last = 0;
  UnixNs told = 0;
  said_ = [&](bool last) -> std::vector<SaidMark> {
    asked_last += last;
    if (last) return {{{"recovered", agents_.now, "alice", ""}}};
    if (!dark() || told != 0) return {};
    told = agents_.now;
    return {{{"alert", told, "alert Old", ""}, 1'000}, {{"alert", told, "alert LoginDown", ""}, told}};
  };
  const Outcome outcome = run();
  EXPECT_EQ(asked_last, 1);
  ASSERT_EQ(outcome.marks.size(), 3u);
  EXPECT_EQ(outcome.marks[0].mark, "alert") << "it began long before the cut";
  EXPECT_EQ(outcome.marks[1].mark, "detected");
  EXPECT_EQ(outcome.marks[2].mark, "recovered");
  EXPECT_EQ(std::count(observer_.events.begin(), observer_.events.end(), "mark"), 3);
  EXPECT_EQ(observer_.lines,
            (std::vector<std::string>{"mark: alert (alert Old)", "mark: detected (alert LoginDown)",
                                      "mark: recovered (alice)"}))
      << "each is told, also when several come at once";
  ASSERT_FALSE(outcome.times.empty());
  EXPECT_EQ(outcome.times[0].time, "detect");
  EXPECT_EQ(outcome.times[0].took, Duration(told - outcome.t0));
}

TEST_F(ConductTest, LosingAgentsEndsTheRun) {
  abort_when_ = [this]() -> std::optional<std::string> {
    if (dark()) agents_.silent.insert("pangyo-2");
    return std::nullopt;
  };
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, kExitAborted);
  EXPECT_NE(outcome.reason.find("1 of 4 agents"), std::string::npos) << outcome.reason;
}

TEST_F(ConductTest, WhatCannotBeTakenBackIsStranded) {
  proves("S8");
  agents_.cannot_revert.insert("pangyo-1");
  EXPECT_EQ(run().exit_code, kExitStranded);
}

}  // namespace
}  // namespace blackstart
