// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "injector/report/compare.h"
#include "injector/report/outcome_report.h"
#include "injector/report/text.h"
#include "tests/support/promise.h"
#include "tests/unit/outcome_fixture.h"

namespace blackstart::report {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string line_with(const std::string& text, const std::string& start) {
  for (const std::string& line : lines_of(text))
    if (line.find(start) != std::string::npos) return line;
  return "";
}

TEST(Terminal, FitsOneScreen) {
  const std::string text = terminal_text(pangyo_went_dark());
  EXPECT_LE(lines_of(text).size(), 40u) << text;
  for (const std::string& line : lines_of(text)) EXPECT_LE(width_of(line), kScreenWidth) << line;
}

TEST(Terminal, ShowsTheReturnWithinItsWidth) {
  Outcome outcome = pangyo_lost_power();
  const std::string text = terminal_text(outcome);
  for (const std::string& line : lines_of(text)) EXPECT_LE(width_of(line), kScreenWidth) << line;
  EXPECT_THAT(text, ContainsRegex("session-cache on pangyo-cache +T0 \\+ 1m 7s +2s +alice +✓ well"));
  EXPECT_THAT(text, ContainsRegex("login on pangyo-app +T0 \\+ 1m 9s +- +pace +✗ not seen well"));
  EXPECT_THAT(text, HasSubstr("✗ a fresh login in anyang died after 1.4s for want of session-cache"));
  EXPECT_THAT(text, HasSubstr("nobody could ask: the network team"));
  for (int i = 0; i < 30; ++i) outcome.returns.instances.push_back(outcome.returns.instances[0]);
  EXPECT_THAT(terminal_text(outcome), HasSubstr("and 20 more, in the report's files"));
  EXPECT_THAT(terminal_text(pangyo_went_dark()), Not(HasSubstr("The return of what was killed")));
}

TEST(Terminal, WhatWasHitFirstIsNamed) {
  Outcome outcome = pangyo_lost_power();
  outcome.faults.erase(outcome.faults.begin());
  EXPECT_THAT(markdown_text(outcome), HasSubstr("from T0, the first process hit"));
  EXPECT_THAT(markdown_text(pangyo_lost_power()), HasSubstr("from T0, the first packet hit"));
  // Tools die first, and the packets of a power loss, which hits both, come later.
  outcome.faults.push_back(pangyo_went_dark().faults[0]);
  outcome.faults[0].first_effect = outcome.t0;
  outcome.faults[1].first_effect = outcome.t0 + 5'000'000'000;
  outcome.faults[1].processes = {{"login", {1, 0, 0}}};
  for (const Edition edition : {Edition::kExecutive, Edition::kRegulator})
    EXPECT_THAT(markdown_text(outcome, edition),
                AllOf(HasSubstr("first process hit"), Not(HasSubstr("first packet hit"))));
  EXPECT_THAT(markdown_text(outcome), HasSubstr("| T0 + 5s | f1 site-blackhole: first effect |"));
  outcome.faults.erase(outcome.faults.begin());
  EXPECT_THAT(markdown_text(outcome), HasSubstr("from T0, the first effect"));
}

TEST(Terminal, AKillThatMatchedNothingReadsWell) {
  Outcome outcome = pangyo_lost_power();
  outcome.faults.erase(outcome.faults.begin());
  outcome.faults[0].processes = {{"", {}}};
  outcome.faults[0].first_effect = outcome.t0 = 0;
  OutcomeReturn none{"f2", "pangyo-ops-1", "pangyo", "", "", 0, OutcomeReturn::State::kWasDown};
  outcome.returns = {{none}, std::nullopt, std::nullopt, {}};
  const std::string text = terminal_text(outcome);
  EXPECT_THAT(text, HasSubstr("No process was hit: there is no T0."));
  EXPECT_THAT(text, ContainsRegex("f2 +service-kill +2 +never +- "));
  EXPECT_THAT(text, HasSubstr("f2 processes: none was hit"));
  EXPECT_THAT(text, ContainsRegex("a process of no service on[^\n]* +- +- +nothing\\s+matched"));
  EXPECT_THAT(markdown_text(outcome), HasSubstr("| f2 service-kill: over, and it hit nothing |"));
}

TEST(Terminal, SaysTheVerdictAndWhyFirst) {
  const auto first = lines_of(terminal_text(pangyo_went_dark()));
  EXPECT_EQ(first[0] + " " + first[1],
            "FAIL: pangyo-blackhole on messenger: the hypothesis failed (recovery pass, exit code 1)");
  Outcome expected = pangyo_went_dark();
  expected.expected_failure = true;
  expected.exit_code = kExitPass;
  EXPECT_THAT(verdict_line(expected), HasSubstr("FAIL (expected)"));
  EXPECT_THAT(terminal_text(pangyo_went_dark(), false), Not(HasSubstr("\033")));
  EXPECT_THAT(terminal_text(pangyo_went_dark(), true), HasSubstr("\033[1;31mFAIL"));
}

TEST(Terminal, PredictedMeetsObserved) {
  const std::string text = terminal_text(pangyo_went_dark());
  EXPECT_THAT(text, ContainsRegex("login +down +down +✓ as predicted"));
  EXPECT_THAT(text, ContainsRegex("send +unaffected +degraded +✗ not predicted"));
  EXPECT_THAT(text, ContainsRegex("gateway +degraded +ok +✗ false alarm"));
  EXPECT_THAT(text, ContainsRegex("session-cache +down +unknown +\\? unknown"));
  EXPECT_THAT(text, HasSubstr("precision 50%, recall 50%"));
}

TEST(Terminal, WhatWasDownBeforeIsNotJudged) {
  Outcome outcome = pangyo_went_dark();
  outcome.services["send"].before = Impact::kDegraded;
  outcome.services["gateway"].before = Impact::kDown;
  const std::string text = terminal_text(outcome);
  EXPECT_THAT(text, ContainsRegex("send +unaffected +degraded +was degraded before"));
  EXPECT_THAT(text, ContainsRegex("gateway +degraded +ok +was down before"));
  EXPECT_THAT(text, HasSubstr("precision 100%, recall 100%"));
  EXPECT_THAT(markdown_text(outcome),
              AllOf(HasSubstr("| services hurt | 1 of 2 |"), HasSubstr("hurt before: gateway, send"),
                    Not(HasSubstr("Find out what send"))));
  EXPECT_THAT(html_text(outcome), HasSubstr("<th scope=\"col\">hurt before</th>"));
  EXPECT_THAT(html_text(pangyo_went_dark()), Not(HasSubstr("hurt before")));
}

TEST(Terminal, UnknownIsNeverZero) {
  proves("S15");
  const std::string photo = line_with(terminal_text(pangyo_went_dark()), "  photo  ");
  EXPECT_THAT(photo, ContainsRegex("photo +100% +unknown +unknown"));
  Outcome nothing = pangyo_went_dark();
  nothing.t0 = nothing.faults[0].first_effect = 0;
  nothing.faults[0].dropped = 0;
  nothing.log_head.clear();
  const std::string text = terminal_text(nothing);
  EXPECT_THAT(text,
              AllOf(HasSubstr("No packet was hit"), HasSubstr("never"), HasSubstr("log head: unknown")));
}

TEST(Terminal, ResidueIsLoud) {
  EXPECT_THAT(terminal_text(pangyo_went_dark()), HasSubstr("residue: none"));
  Outcome left = pangyo_went_dark();
  left.residue = {"pangyo-app: link 7 blackstart_traffic"};
  EXPECT_THAT(terminal_text(left),
              AllOf(HasSubstr("RESIDUE: pangyo-app: link 7"), Not(HasSubstr("residue: none"))));
}

TEST(Terminal, WhatOthersChangedIsSaidButNotAllOfIt) {
  Outcome busy = pangyo_went_dark();
  busy.changes.clear();
  for (int i = 0; i < 12; ++i)
    busy.changes.push_back({"pangyo-app", "route", "198.18." + std::to_string(i) + ".0/24", "", "appeared"});
  const std::string text = terminal_text(busy);
  EXPECT_THAT(text, AllOf(HasSubstr("residue: none"),
                          HasSubstr("changed meanwhile (not ours): pangyo-app: route 198.18.9.0/24 appeared"),
                          Not(HasSubstr("198.18.10.0/24")), HasSubstr("(not ours): 2 more")));
}

TEST(Terminal, LostRecordsAndGrayFailuresStandAboveEverythingButTheVerdict) {
  const std::string text = terminal_text(pangyo_went_dark());
  EXPECT_THAT(text, HasSubstr("17 of 587 acknowledged records lost, RPO 3.2s (ledger)"));
  EXPECT_THAT(text, HasSubstr("send passed its own checks while photo failed for 4s"));
  EXPECT_LT(text.find("records lost"), text.find("What happened"));
  Outcome quiet = pangyo_went_dark();
  quiet.records["ledger"].lost = 0;
  quiet.gray.clear();
  quiet.preconditions.clear();
  EXPECT_THAT(terminal_text(quiet), Not(HasSubstr("!")));
}

TEST(Terminal, OnlyTheSlowestOfEachTimeIsTold) {
  Outcome outcome = pangyo_went_dark();
  outcome.times.push_back({"recover", "photo", std::chrono::seconds(3), false});
  EXPECT_EQ(line_with(terminal_text(outcome), "times:"),
            "  times: detect 12s, decide 37s, mitigate ≥ 1m (login), full-restore ≥ 1m 20s");
  EXPECT_THAT(terminal_text(outcome), HasSubstr("recover within 4h: ≥ 1m 1s"));
  Outcome free = outcome;
  free.objectives.clear();
  EXPECT_THAT(terminal_text(free), AllOf(HasSubstr("recover ≥ 1m 1s"), Not(HasSubstr("recover 3s"))));
  EXPECT_THAT(markdown_text(outcome),
              AllOf(HasSubstr("| recover, photo | 3s | ✓ met, within 4h |"),
                    HasSubstr("| recover, login | ≥ 1m 1s | ? unknown, within 4h |")));
  outcome.objectives[0].clock = "respond";
  EXPECT_THAT(markdown_text(outcome), AllOf(HasSubstr("| recover, login | ≥ 1m 1s |  |"),
                                            HasSubstr("| recover, until somebody has it | 4h |")));
}

TEST(Terminal, WhoWasBackAndWhen) {
  EXPECT_THAT(terminal_text(pangyo_went_dark()), HasSubstr("4 of 4 hosts of pangyo back at T0 + 1m 2s"));
  Outcome half = pangyo_went_dark();
  half.recovery.curve[1].hosts["pangyo"] = 3;
  EXPECT_THAT(terminal_text(half), ContainsRegex("3 of 4 hosts of pangyo back when the run\\s+ended"));
  EXPECT_THAT(markdown_text(half), HasSubstr("3 of 3 hosts of anyang there throughout"));
}

TEST(Terminal, WhatIsNotBackIsNamed) {
  Outcome outcome = pangyo_went_dark();
  outcome.recovery.services = 3;
  outcome.probes["photo"].after = 1.0;
  for (const char* host : {"pangyo-1", "pangyo-2", "pangyo-3", "pangyo-4", "pangyo-5", "pangyo-6"})
    outcome.recovery.not_back.push_back({"login", host, "pangyo"});
  outcome.recovery.not_back.push_back({"pay", "", ""});
  const std::string names =
      "login on pangyo-1 (pangyo), login on pangyo-2 (pangyo), login on pangyo-3 (pangyo), "
      "login on pangyo-4 (pangyo), login on pangyo-5 (pangyo) and 2 more";
  EXPECT_THAT(markdown_text(outcome),
              AllOf(HasSubstr("- not back when the run ended: " + names),
                    HasSubstr("Every probe answered again"), HasSubstr("all probes well")));
  EXPECT_THAT(markdown_text(outcome, Edition::kExecutive),
              HasSubstr("; not back when the run ended: " + names));
  EXPECT_THAT(terminal_text(outcome), ContainsRegex("not back: login on pangyo-1"));
}

TEST(Terminal, WhatNobodyLookedAtIsNotCounted) {
  proves("S15");
  Outcome outcome = pangyo_lost_power();
  outcome.recovery.looked_at = false;
  for (OutcomeReturn& each : outcome.returns.instances) {
    each.state = OutcomeReturn::State::kUnseen;
    each.well = 0;
  }
  for (const std::string& text : {terminal_text(outcome), markdown_text(outcome)}) {
    EXPECT_THAT(text, HasSubstr("? not looked at"));
    EXPECT_THAT(text, HasSubstr("2 killed instances not looked at since they were started"));
    EXPECT_THAT(text, ContainsRegex("what came back is not known: the run ended before anybody\\s+looked"));
    EXPECT_THAT(text, AllOf(Not(HasSubstr("back when the run ended")), Not(HasSubstr("back at"))));
  }
  EXPECT_THAT(markdown_text(outcome),
              HasSubstr("Look whether session-cache on pangyo-cache, login on pangyo-app"));
}

TEST(Terminal, AJourneyThatStillFailsIsNotOver) {
  Outcome outcome = pangyo_went_dark();
  OutcomeProbe& login = outcome.probes["login"];
  EXPECT_THAT(markdown_text(outcome), HasSubstr("login: last failure is over"));
  login.still_failing = true;
  login.failed = Duration(login.impact_to - login.impact_from);
  outcome.recovery_verdict = Verdict::kFail;
  const std::string text = markdown_text(outcome);
  EXPECT_THAT(text, AllOf(HasSubstr("login: still failing when the run ended"),
                          Not(HasSubstr("login: last failure is over")),
                          HasSubstr("login was still failing when the run ended"),
                          HasSubstr("Users lost login for ≥ 1m 0.5s (0% answered during the faults)")));
  EXPECT_THAT(terminal_text(outcome), ContainsRegex("login +100% +0% +99.5% +still failing"));
}

TEST(Terminal, ARefusedRunSaysWhichPreconditionWasRedAndWhy) {
  const Outcome refused = nobody_started();
  const std::string text = terminal_text(refused);
  EXPECT_THAT(text, ContainsRegex("capacity >= 0.5 +✗ red +it was 0.3"));
  EXPECT_THAT(text, ContainsRegex("no incident +✓ held"));
  for (const Edition edition : {Edition::kSre, Edition::kExecutive})
    EXPECT_THAT(markdown_text(refused, edition), HasSubstr("it was red: it was 0.3."));
}

TEST(Terminal, AnOverrideIsNeverSilent) {
  for (const Edition edition : {Edition::kSre, Edition::kExecutive, Edition::kRegulator}) {
    EXPECT_THAT(terminal_text(pangyo_went_dark(), false, edition), HasSubstr("the owner agreed"));
    EXPECT_THAT(markdown_text(pangyo_went_dark(), edition), HasSubstr("✗ red, overridden: the owner agreed"));
  }
}

TEST(Markdown, HasTheSameSectionsAsTables) {
  const std::string text = markdown_text(pangyo_went_dark());
  EXPECT_THAT(text, ::testing::StartsWith("# FAIL: pangyo-blackhole"));
  for (const Section& section : sections(pangyo_went_dark()))
    EXPECT_THAT(text, HasSubstr("## " + section.title));
  EXPECT_THAT(text, HasSubstr("| login | down | down | ✓ as predicted |"));
  EXPECT_THAT(text, HasSubstr("| --- | --- |"));
  Outcome nasty = pangyo_went_dark();
  nasty.guards[0].why = "a|b";
  EXPECT_THAT(markdown_text(nasty), HasSubstr("a\\|b"));
}

TEST(Compare, SaysWhatTheBridgeChanged) {
  const std::string text = compare_text(pangyo_went_dark(), pangyo_went_dark_bridged());
  EXPECT_THAT(text, ContainsRegex("verdict +FAIL +PASS"));
  EXPECT_THAT(text,
              ContainsRegex("login \\(before → during → after\\) +100% → 0% → 99.5% +100% → 99.3% → 99.5%"));
  EXPECT_THAT(text, ContainsRegex("login +down, as predicted +degraded, as predicted"));
  EXPECT_THAT(text, HasSubstr("session-cache stood only in pangyo, and login died with it."));
  for (const std::string& line : lines_of(text)) EXPECT_LE(width_of(line), kWidth) << line;
  EXPECT_THAT(compare_text(pangyo_went_dark(), pangyo_went_dark()),
              HasSubstr("session-cache still stands only in pangyo"));
}

}  // namespace
}  // namespace blackstart::report
