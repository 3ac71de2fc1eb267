// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <sstream>

#include "injector/plan/make_plan.h"
#include "injector/report/plan_report.h"
#include "injector/report/text.h"
#include "tests/unit/plan_fixture.h"

namespace blackstart::report {
namespace {

using ::testing::HasSubstr;

TEST(Text, CountsCharactersNotBytes) {
  EXPECT_EQ(width_of("판교"), 2u);
  EXPECT_EQ(cell("판교", 4), "판교  ");
  EXPECT_EQ(cell("abcdef", 4), "abc…");
}

TEST(Text, RatiosNeverRoundToAllOrNothing) {
  EXPECT_EQ(percent(std::nullopt), "unknown");
  EXPECT_EQ(percent(1.0), "100%");
  EXPECT_EQ(percent(0.99999), "99.9%");
  EXPECT_EQ(percent(0.00001), "0.1%");
  EXPECT_EQ(percent(0.0), "0%");
}

TEST(Text, LongListsAreShortened) {
  std::vector<std::string> names;
  for (int i = 1; i <= 60; ++i) names.push_back("host-" + std::to_string(i));
  EXPECT_EQ(compact(names), "host-1, host-2, host-3, host-4, host-5, host-6 … host-60 (60)");
  EXPECT_EQ(grouped(1234567), "1,234,567");
}

TEST(PlanText, SaysWhatBreaksWorstFirstAndFitsTheScreen) {
  const Plan plan = *make_plan(messenger(), experiment({blackhole(of_site("pangyo"))}));
  const std::string text = plan_text(plan);
  EXPECT_THAT(text, HasSubstr("everything to and from site pangyo"));
  EXPECT_LT(text.find("down        login"), text.find("unaffected  messages"));
  EXPECT_THAT(text, HasSubstr("needs session-cache, which is down"));
  EXPECT_THAT(text, HasSubstr("management network (messenger.yaml:"));
  EXPECT_THAT(text, HasSubstr(plan.hash));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(width_of(line), kWidth) << line;
}

TEST(PlanJson, HasTheKeysOfTheLanguage) {
  const Plan plan = *make_plan(messenger(), experiment({blackhole(of_site("pangyo"))}));
  const nlohmann::json out = plan_json(plan);
  EXPECT_EQ(out["kind"], "Plan");
  EXPECT_EQ(out["experiment"], "drill");
  EXPECT_EQ(out["hash"], plan.hash);
  const auto& target = out["targets"][0];
  EXPECT_EQ(target["host"], "anyang-app");
  EXPECT_EQ(target["enforces"], true);
  EXPECT_EQ(target["target"], false);
  const auto& fault = target["faults"][0];
  EXPECT_EQ(fault["id"], "f1");
  EXPECT_EQ(fault["kind"], "site-blackhole");
  EXPECT_EQ(fault["start"], 0.0);
  EXPECT_EQ(fault["end"], 60.0);
  EXPECT_EQ(fault["engine"], "ebpf");
  EXPECT_EQ(out["predicted"]["services"]["login"]["impact"], "down");
  EXPECT_EQ(out["predicted"]["services"]["messages"]["because"].size(), 0u);
  EXPECT_EQ(out["predicted"]["singleSite"][0]["evidence"], "declared");
  bool located = false;
  for (const auto& entry : out["untouched"])
    located |=
        entry["what"] == "198.18.0.0/24" && entry["at"].get<std::string>().starts_with("messenger.yaml:");
  EXPECT_TRUE(located);
}

}  // namespace
}  // namespace blackstart::report
