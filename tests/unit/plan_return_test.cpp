// SPDX-License-Identifier: Apache-2.0
// The way back: stages, who waits for whom, and cold starts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "injector/plan/make_plan.h"
#include "tests/unit/plan_fixture.h"

namespace blackstart {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Plan planned(const Topology& topology, Experiment experiment) {
  experiment.limits = {1.0, 9, std::chrono::hours(1)};
  auto plan = make_plan(topology, experiment);
  if (!plan) throw std::runtime_error(plan.error().front().message);
  return *std::move(plan);
}

// "cache: session-cache@pangyo-cache", a stage each; "!" waits for a person.
std::vector<std::string> stages(const Plan& plan) {
  std::vector<std::string> out;
  for (const PlanStage& stage : plan.stages) {
    std::string text;
    for (const std::string& role : stage.roles) text += (text.empty() ? "" : "+") + role;
    text += ":";
    for (const PlanReturn& back : stage.instances)
      text += " " + back.service + "@" + back.host + (back.manual ? "!" : "");
    out.push_back(text);
  }
  return out;
}

Experiment all_dark() {
  return experiment({power_loss(of_site("pangyo")), kill(of_site("anyang")), kill(of_site("chuncheon"))});
}

void need(Topology& topology, const std::string& service, const std::string& needed,
          Need::While reachable = Need::While::kAny) {
  topology.services[service].needs.push_back({needed, reachable, {}});
}

TEST(Stages, FollowTheOrderAndWhatItDoesNotNameComesLast) {
  Experiment e = experiment({power_loss(of_site("pangyo"))});
  EXPECT_THAT(
      stages(planned(messenger(), e)),
      ElementsAre(": login@pangyo-app photo@pangyo-app monitoring@pangyo-cache session-cache@pangyo-cache "
                  "photo-store@pangyo-store"));
  e.recovery.order = {{"network"}, {"cache", "object-storage"}, {"queue"}, {"ops"}, {"identity"}};
  const Plan plan = planned(messenger(), e);
  EXPECT_THAT(
      stages(plan),
      ElementsAre("cache+object-storage: session-cache@pangyo-cache photo-store@pangyo-store",
                  "ops: monitoring@pangyo-cache", "identity: login@pangyo-app", ": photo@pangyo-app"));
  EXPECT_EQ(plan.stages[1].instances[0].site, "pangyo");
  EXPECT_EQ(plan.stages[1].instances[0].role, "ops/monitoring");
  EXPECT_THAT(plan.warnings, Not(Contains(HasSubstr("recovery.order"))));
}

TEST(Stages, HoldWhatIsKilledAndStartedAgainOnce) {
  FaultSpec manual = kill(of_service("session-cache")), none = kill(of_service("photo-store"));
  manual.manual_return = true;
  none.restore = contract::RESTORE_NONE;
  const Plan plan =
      planned(messenger(),
              experiment({manual, none, freeze(of_service("login")), kill(of_service("session-cache"))}));
  EXPECT_THAT(stages(plan), ElementsAre(": session-cache@pangyo-cache!"));
  EXPECT_FALSE(plan.faults[1].processes[0].returns);
  EXPECT_THAT(plan.warnings, Not(Contains(HasSubstr("nobody starts"))));  // it is meant
  EXPECT_THAT(planned(messenger(), experiment({blackhole(of_site("pangyo"))})).stages, IsEmpty());
}

TEST(Stages, OutsideALabOnlyWhatSomebodyStarts) {
  Topology t = messenger();
  t.lab.reset();
  t.services["session-cache"].instances[0].process = ProcessMatch{.unit = "redis.service"};
  FaultSpec by_command = kill(of_service("photo-store"));
  by_command.restore = contract::RESTORE_COMMAND;
  by_command.command = {"/sbin/start"};
  const Plan plan =
      planned(t, experiment({kill(of_service("session-cache")), by_command, kill(of_service("messages"))}));
  EXPECT_THAT(stages(plan), ElementsAre(": session-cache@pangyo-cache photo-store@pangyo-store"));
  EXPECT_THAT(plan.warnings, Contains(HasSubstr("nobody starts messages on anyang-app again")));
}

TEST(Stages, AServiceBeforeWhatItNeedsIsAWarning) {
  Experiment e = experiment({power_loss(of_site("pangyo"))});
  e.recovery.order = {{"identity"}, {"cache"}};
  EXPECT_THAT(planned(messenger(), e).warnings,
              Contains("recovery.order starts login before session-cache, which it needs"));
  // With an instance that stays up it can start all the same.
  Topology t = messenger();
  t.services["session-cache"].instances.push_back({"anyang-db", uint16_t{6379}, std::nullopt, false, {}});
  EXPECT_THAT(planned(t, e).warnings, Not(Contains(HasSubstr("recovery.order"))));
  // Unless it has to be the primary, and that is not the one.
  t.services["session-cache"].instances[0].primary = true;
  t.services["login"].needs[0].reachable = Need::While::kPrimary;
  EXPECT_THAT(planned(t, e).warnings, Contains(HasSubstr("recovery.order starts login")));
}

TEST(Cycles, AreServicesThatWaitForEachOtherAndForNobodyElse) {
  Topology t = messenger();
  need(t, "session-cache", "monitoring");
  need(t, "monitoring", "login");
  need(t, "photo", "login");
  const Plan plan = planned(t, all_dark());
  EXPECT_THAT(plan.cycles, ElementsAre(ElementsAre("login", "session-cache", "monitoring")));
  EXPECT_THAT(
      plan.warnings,
      Contains("none of these starts before the next has: login → session-cache → monitoring → login"));
  // With Pangyo alone gone, Anyang's login is still there.
  EXPECT_THAT(planned(t, experiment({power_loss(of_site("pangyo"))})).cycles, IsEmpty());
}

TEST(Cycles, WhoIsCaughtInAKnotIsNamedWithIt) {
  Topology t = messenger();
  need(t, "messages", "photo");
  need(t, "photo", "messages");
  need(t, "photo", "login");
  need(t, "login", "photo");
  need(t, "session-cache", "monitoring");
  need(t, "monitoring", "session-cache");
  const Plan plan = planned(t, all_dark());
  EXPECT_THAT(plan.cycles, ElementsAre(ElementsAre("login", "photo", "messages"),
                                       ElementsAre("monitoring", "session-cache")));
  EXPECT_THAT(plan.warnings, Contains(HasSubstr("login → photo → login; caught with them: messages")));
  EXPECT_THAT(planned(messenger(), all_dark()).cycles, IsEmpty());
}

TEST(Cycles, AMajorityThatIsGoneIsWaitedFor) {
  Topology t = messenger();
  need(t, "photo-store", "photo", Need::While::kMajority);
  Experiment two_of_three = experiment({kill(of_service("photo-store")), kill(of_service("photo"))});
  two_of_three.faults[1].selector.count = 2;
  EXPECT_THAT(planned(t, two_of_three).cycles, ElementsAre(ElementsAre("photo", "photo-store")));
  t.services["photo-store"].needs = {{"photo", Need::While::kAny, {}}};
  EXPECT_THAT(planned(t, two_of_three).cycles, IsEmpty());
}

Experiment with_cold_start(const std::string& service, const std::string& site) {
  Experiment e = experiment({power_loss(of_site("pangyo"))});
  e.cold_starts.push_back(
      {std::chrono::seconds(5), std::chrono::seconds(15), service, site, {e.file, 30, 5}});
  return e;
}

Problem refused(const Topology& topology, const Experiment& experiment) {
  const auto plan = make_plan(topology, experiment);
  if (plan) throw std::runtime_error("it was planned");
  return plan.error().front();
}

TEST(ColdStart, TakesPlaceOnAHostWithoutAnInstanceThatIsLeftAlone) {
  const Plan plan = planned(messenger(), with_cold_start("photo", "anyang"));
  ASSERT_EQ(plan.cold_starts.size(), 1u);
  EXPECT_EQ(plan.cold_starts[0].host, "anyang-db");
  EXPECT_EQ(plan.cold_starts[0].site, "anyang");
  for (const auto& [host, order] : plan.orders) {
    ASSERT_EQ(order.cold_starts_size(), host == "anyang-db" ? 1 : 0) << host;
    if (host != "anyang-db") continue;
    EXPECT_EQ(order.cold_starts(0).ShortDebugString(),
              "id: \"c1\" service: \"photo\" start_ns: 5000000000 end_ns: 20000000000");
  }
  // A host that is hit only if there is no other.
  Experiment e = with_cold_start("session-cache", "anyang");
  EXPECT_EQ(planned(messenger(), e).cold_starts[0].host, "anyang-app");
  e.faults.push_back(kill(of_service("login")));
  e.faults.back().duration = std::chrono::seconds(60);
  EXPECT_EQ(planned(messenger(), e).cold_starts[0].host, "anyang-db");
}

TEST(ColdStart, NeedsAHostAndSomebodyWhoStartsIt) {
  Problem problem = refused(messenger(), with_cold_start("photo", "chuncheon"));
  EXPECT_EQ(problem.kind, Problem::Kind::kInvalid);
  EXPECT_EQ(problem.at.text(), "drill.yaml:30:5");
  EXPECT_EQ(problem.message, "every host of site chuncheon has an instance of photo");
  EXPECT_THAT(problem.hint, HasSubstr("add a host"));
  Topology t = messenger();
  t.services["photo-store"].instances[0].port = 8082;
  EXPECT_EQ(refused(t, with_cold_start("photo-store", "chuncheon")).message,
            "something else stands on the port of photo-store on chuncheon-app");
  EXPECT_EQ(refused(messenger(), with_cold_start("photo", "users")).kind, Problem::Kind::kRefused);
  EXPECT_THAT(refused(messenger(), with_cold_start("nothing", "anyang")).message, HasSubstr("no service"));
  t = messenger();
  t.lab->run.erase("photo");
  EXPECT_THAT(refused(t, with_cold_start("photo", "anyang")).message, HasSubstr("does not run photo"));
  t.lab.reset();
  EXPECT_EQ(refused(t, with_cold_start("photo", "anyang")).kind, Problem::Kind::kMissing);
  Experiment twice = with_cold_start("photo", "anyang");
  twice.cold_starts.push_back(twice.cold_starts[0]);
  EXPECT_THAT(refused(messenger(), twice).message, HasSubstr("started twice on anyang-db"));
}

TEST(Hash, IsThatOfTheWayBackToo) {
  Experiment e = with_cold_start("photo", "anyang");
  const std::string hash = planned(messenger(), e).hash;
  EXPECT_EQ(planned(messenger(), e).hash, hash);
  const auto changes = [&](void (*change)(Experiment&)) {
    Experiment other = e;
    change(other);
    return planned(messenger(), other).hash != hash;
  };
  EXPECT_TRUE(changes([](Experiment& o) { o.recovery.order = {{"cache"}}; }));
  EXPECT_TRUE(changes([](Experiment& o) { o.faults[0].manual_return = true; }));
  EXPECT_TRUE(changes([](Experiment& o) { o.cold_starts[0].within += std::chrono::seconds(1); }));
  EXPECT_TRUE(changes([](Experiment& o) { o.cold_starts.clear(); }));
  EXPECT_TRUE(changes([](Experiment& o) { o.faults[0].restore = contract::RESTORE_NONE; }));
}

}  // namespace
}  // namespace blackstart
