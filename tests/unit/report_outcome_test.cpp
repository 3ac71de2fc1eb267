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
