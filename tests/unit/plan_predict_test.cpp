// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "injector/plan/make_plan.h"
#include "injector/plan/predict.h"
#include "tests/unit/plan_fixture.h"

namespace blackstart {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::map<std::string, PredictedImpact> predicted(const Topology& topology, FaultSpec fault) {
  Experiment e = experiment({std::move(fault)});
  e.limits = {1.0, 9, std::chrono::hours(1)};
  auto plan = make_plan(topology, e);
  if (!plan) throw std::runtime_error(plan.error().front().message);
  return plan->predicted;
}

TEST(Predict, TheSiteWithTheOnlyCacheTakesLoginWithIt) {
  const auto p = predicted(messenger(), blackhole(of_site("pangyo")));
  EXPECT_EQ(p.at("session-cache").impact, Impact::kDown);
  EXPECT_THAT(p.at("session-cache").because, ElementsAre("its only instance pangyo-cache is in the cut"));
  EXPECT_EQ(p.at("login").impact, Impact::kDown);
  EXPECT_THAT(p.at("login").because,
              ElementsAre("1 of 2 instances is in the cut: pangyo-app", "needs session-cache, which is down",
                          "session-cache: its only instance pangyo-cache is in the cut"));
  EXPECT_EQ(p.at("photo").impact, Impact::kDown);
  EXPECT_EQ(p.at("monitoring").impact, Impact::kDown);
  EXPECT_EQ(p.at("messages").impact, Impact::kUnaffected);
  EXPECT_THAT(p.at("messages").because, IsEmpty());
}

TEST(Predict, ABridgedMessengerOnlyLosesWhatStoodThere) {
  Topology t = messenger();
  t.services["session-cache"].instances.push_back({"anyang-db", uint16_t{6379}, std::nullopt, false, {}});
  t.services["photo-store"].instances.push_back({"anyang-db", uint16_t{8000}, std::nullopt, false, {}});
  const auto p = predicted(t, blackhole(of_site("pangyo")));
  EXPECT_EQ(p.at("session-cache").impact, Impact::kDegraded);
  EXPECT_EQ(p.at("login").impact, Impact::kDegraded);
  EXPECT_EQ(p.at("photo").impact, Impact::kDegraded);
  EXPECT_EQ(p.at("monitoring").impact, Impact::kDown);
}

TEST(Predict, LosingTheCacheHostAloneIsEnough) {
  Selector cache;
  cache.host = "pangyo-cache";
  const auto p = predicted(messenger(), blackhole(cache));
  EXPECT_EQ(p.at("login").impact, Impact::kDown);
  EXPECT_THAT(p.at("login").because,
              ElementsAre("needs session-cache, which is down",
                          "session-cache: its only instance pangyo-cache is in the cut"));
  EXPECT_EQ(p.at("photo").impact, Impact::kUnaffected);
}

TEST(Predict, APartitionHurtsOnlyTheFarSide) {
  const auto p = predicted(messenger(), partition("pangyo", "anyang"));
  EXPECT_EQ(p.at("session-cache").impact, Impact::kUnaffected);  // users still reach it
  EXPECT_EQ(p.at("login").impact, Impact::kDegraded);
  EXPECT_THAT(p.at("login").because, ElementsAre("anyang-app cannot reach session-cache"));
  EXPECT_EQ(p.at("photo").impact, Impact::kDegraded);
  EXPECT_EQ(p.at("messages").impact, Impact::kUnaffected);
}

TEST(Predict, OneDirectionIsEnoughToEndAConversation) {
  const auto p = predicted(messenger(), partition("anyang", "pangyo", SiteDirection::kOut));
  EXPECT_EQ(p.at("login").impact, Impact::kDegraded);
}

TEST(Predict, StorageLossSparesTheHostItStandsOn) {
  Topology t = messenger();
  t.services["admin"] = t.services["messages"];
  t.services["admin"].name = "admin";
  t.services["admin"].instances = {{"pangyo-store", uint16_t{9443}, std::nullopt, false, {}}};
  const auto p = predicted(t, storage_drop("photo-store"));
  EXPECT_EQ(p.at("photo-store").impact, Impact::kDown);
  EXPECT_EQ(p.at("photo").impact, Impact::kDown);
  EXPECT_EQ(p.at("admin").impact, Impact::kUnaffected);  // another port
  EXPECT_EQ(p.at("login").impact, Impact::kUnaffected);
}

TEST(Predict, ProtectedTrafficStillPasses) {
  Topology t = messenger();
  t.protect.push_back({std::nullopt, uint16_t{6379}, "for this test", {}});
  const auto p = predicted(t, blackhole(of_site("pangyo")));
  EXPECT_EQ(p.at("session-cache").impact, Impact::kUnaffected);
  EXPECT_EQ(p.at("login").impact, Impact::kDegraded);
}

TEST(Predict, MajorityAndPrimary) {
  Topology t = messenger();
  Service& db = t.services["db"];
  db.name = "db";
  for (const char* host : {"pangyo-cache", "anyang-db", "chuncheon-app"})
    db.instances.push_back({host, uint16_t{5432}, std::nullopt, std::string(host) == "pangyo-cache", {}});
  t.services["messages"].needs = {{"db", Need::While::kMajority, {}}};
  EXPECT_EQ(predicted(t, blackhole(of_site("pangyo"))).at("messages").impact, Impact::kDegraded);
  t.services["messages"].needs = {{"db", Need::While::kPrimary, {}}};
  const auto p = predicted(t, blackhole(of_site("pangyo")));
  EXPECT_EQ(p.at("messages").impact, Impact::kDown);
  EXPECT_THAT(p.at("messages").because, ::testing::Contains("no instance can reach the primary of db"));
  db.instances.pop_back();  // one of two is no majority
  t.services["messages"].needs = {{"db", Need::While::kMajority, {}}};
  EXPECT_EQ(predicted(t, blackhole(of_site("pangyo"))).at("messages").impact, Impact::kDown);
}

TEST(Predict, CyclesHoldEachOtherUpUntilSomethingElseFails) {
  Topology t = messenger();
  t.services["messages"].needs = {{"login", Need::While::kAny, {}}};
  t.services["login"].needs.push_back({"messages", Need::While::kAny, {}});
  EXPECT_EQ(predicted(t, partition("pangyo", "chuncheon")).at("messages").impact, Impact::kUnaffected);
  const auto p = predicted(t, blackhole(of_site("pangyo")));
  EXPECT_EQ(p.at("messages").impact, Impact::kDown);
  EXPECT_EQ(p.at("login").impact, Impact::kDown);
}

TEST(Predict, EndpointsStandWhereTheirNameResolves) {
  Topology t = messenger();
  t.services["photo-store"].instances.clear();
  t.services["photo-store"].endpoints = {{"photos.store.lab", 8000, {}}};
  t.lab->names["photos.store.lab"] = {"pangyo-store"};
  EXPECT_EQ(predicted(t, blackhole(of_site("pangyo"))).at("photo").impact, Impact::kDown);
  EXPECT_EQ(predicted(t, blackhole(of_site("anyang"))).at("photo-store").impact, Impact::kUnaffected);
}

TEST(Predict, AServiceNobodyLocatedFollowsItsNeeds) {
  Topology t = messenger();
  t.services["portal"].name = "portal";
  t.services["portal"].needs = {{"login", Need::While::kAny, {}}};
  EXPECT_EQ(predicted(t, blackhole(of_site("pangyo"))).at("portal").impact, Impact::kDown);
  EXPECT_EQ(predicted(t, partition("pangyo", "anyang")).at("portal").impact, Impact::kDegraded);
}

TEST(Predict, SingleSiteDependenciesAreFoundWhereverTheCutIs) {
  std::vector<std::string> found;
  Topology t = messenger();
  t.services["messages"].needs = {{"login", Need::While::kAny, {}}};
  for (const auto& each : single_site_dependencies(t))
    found.push_back(each.service + "→" + each.dependency + "@" + each.site);
  EXPECT_THAT(found, ElementsAre("login→session-cache@pangyo", "messages→session-cache@pangyo",
                                 "photo→photo-store@pangyo"));
}

}  // namespace
}  // namespace blackstart
