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

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

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

// Everything that can be done to processes, at once.
Plan of_operations() {
  FaultSpec manual = kill(of_service("messages")), gone = freeze(of_service("login"));
  manual.hold_down = manual.manual_return = true;
  FaultSpec by_exe = kill(of_service("photo"));
  by_exe.restore = contract::RESTORE_NONE;
  by_exe.selector.site = "anyang";
  by_exe.process.emplace().set_exe("/opt/photo");
  Experiment e = experiment({power_loss(of_site("pangyo")), manual, gone, by_exe});
  e.limits = {1.0, 9, std::chrono::hours(1)};
  e.recovery.order = {{"network"}, {"cache", "object-storage"}};
  e.cold_starts.push_back({std::chrono::seconds(5), std::chrono::seconds(15), "session-cache", "anyang", {}});
  e.unprotect = {"photo"};
  Topology t = messenger();
  t.protect.push_back({.why = "dear", .service = "photo"});
  t.services["session-cache"].needs.push_back({"monitoring", Need::While::kAny, {}});
  t.services["monitoring"].needs.push_back({"session-cache", Need::While::kAny, {}});
  return make_plan(t, e).value();
}

TEST(PlanText, NamesTheVictimsBeforeTheCutAndTheirWayBack) {
  const std::string text = plan_text(of_operations());
  for (const char* words :
       {"f1  powered off  login on pangyo-app: all it runs",
        "f2  killed       messages on anyang-app, chuncheon-app",
        "f3  frozen       login on anyang-app, pangyo-app",
        "photo on anyang-app: exe /opt/photo; protected, and named in unprotect: photo",
        "c1  T0 + 5s  a fresh session-cache on anyang-db in anyang, to be ready within 15s",
        "cut, and powered off         pangyo-app", "not cut, but lose processes  anyang-app",
        "-  network                with the end of the faults",
        "1  cache, object-storage  photo-store on pangyo-store; session-cache on pangyo-cache",
        "2  all the rest", "when somebody says `blackstart return`: messages on",
        "-  stays down             photo on anyang-app", "monitoring → session-cache → monitoring"})
    EXPECT_THAT(text, HasSubstr(words));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(width_of(line), kWidth) << line;
  EXPECT_THAT(plan_text(*make_plan(messenger(), experiment({blackhole(of_site("pangyo"))}))),
              Not(AnyOf(HasSubstr("Processes"), HasSubstr("Comes back"), HasSubstr("Cold starts"))));
}

TEST(PlanJson, HasTheVictimsTheStagesTheColdStartsAndTheCycles) {
  const nlohmann::json out = plan_json(of_operations());
  EXPECT_EQ(out["faults"][1]["act"], "killed");
  EXPECT_EQ(out["faults"][1]["processes"][0], nlohmann::json({{"host", "anyang-app"},
                                                              {"site", "anyang"},
                                                              {"service", "messages"},
                                                              {"how", "all it runs"},
                                                              {"returns", true},
                                                              {"unprotected", ""}}));
  EXPECT_EQ(out["faults"][3]["processes"][0]["unprotected"], "photo");
  EXPECT_EQ(out["stages"][0]["roles"], nlohmann::json({"cache", "object-storage"}));
  EXPECT_EQ(out["stages"][0]["instances"][1], nlohmann::json({{"host", "pangyo-store"},
                                                              {"site", "pangyo"},
                                                              {"service", "photo-store"},
                                                              {"role", "object-storage"},
                                                              {"manual", false}}));
  EXPECT_EQ(out["coldStarts"][0], nlohmann::json({{"id", "c1"},
                                                  {"service", "session-cache"},
                                                  {"host", "anyang-db"},
                                                  {"site", "anyang"},
                                                  {"at", 5.0},
                                                  {"within", 15.0}}));
  EXPECT_EQ(out["cycles"], nlohmann::json::parse(R"([["monitoring", "session-cache"]])"));
  bool dark = false;
  for (const auto& target : out["targets"])
    dark |= target["host"] == "pangyo-app" && target["cut"] == true && target["poweredOff"] == true;
  EXPECT_TRUE(dark);
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
