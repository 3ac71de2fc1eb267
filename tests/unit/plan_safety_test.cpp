// SPDX-License-Identifier: Apache-2.0
// The safety rules a plan is bound by, each broken on purpose. make_plan is pure: what it refuses was
// refused before anything was written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agents/contract/wire.h"
#include "injector/plan/make_plan.h"
#include "tests/support/promise.h"
#include "tests/unit/plan_fixture.h"

namespace blackstart {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::Not;

// The first problem of a plan that must not come about.
Problem refused(const Topology& topology, const Experiment& experiment) {
  const auto plan = make_plan(topology, experiment);
  if (plan) throw std::runtime_error("it was planned");
  return plan.error().front();
}

Problem refused(const FaultSpec& fault) {
  return refused(messenger(), experiment({fault}));
}

Selector selector(void (*fill)(Selector&)) {
  Selector out;
  fill(out);
  return out;
}

TEST(RefuseRatherThanSkip, ASelectorThatMatchesNothing) {
  proves("S6");
  for (auto fill : {+[](Selector& s) { s.role = "queue"; }, +[](Selector& s) { s.host = "nobody"; },
                    +[](Selector& s) { s.service = "nothing"; }, +[](Selector& s) { s.tier = 9; },
                    +[](Selector& s) { s.labels["rack"] = "none"; },
                    +[](Selector& s) { s.site = "pangyo", s.host = "anyang-db"; },
                    +[](Selector& s) { s.site = "busan"; }, +[](Selector& s) { s.group = "south"; },
                    +[](Selector& s) { s.site = "pangyo", s.count = 4; }, +[](Selector&) {}}) {
    const Problem problem = refused(blackhole(selector(fill)));
    EXPECT_EQ(problem.kind, Problem::Kind::kInvalid);
    EXPECT_EQ(problem.at.text(), "drill.yaml:21:5") << problem.message;
  }
  EXPECT_EQ(refused(partition("pangyo", "busan")).message, "there is no site or group busan");
  EXPECT_THAT(refused(storage_drop("login")).message, HasSubstr("not object-storage"));
}

TEST(RefuseRatherThanSkip, AnExceptionThatLeavesNothing) {
  proves("S6");
  FaultSpec fault = blackhole(of_site("pangyo"));
  fault.except = {"198.18.0.0/16", "fd00:18::/32"};
  EXPECT_EQ(refused(fault).kind, Problem::Kind::kInvalid);
  fault.except = {"no-such-thing"};
  EXPECT_EQ(refused(fault).kind, Problem::Kind::kInvalid);
}

TEST(RefuseRatherThanSkip, WhatThisVersionCannotDo) {
  proves("S6");
  FaultSpec share = storage_drop("photo-store");
  share.selector.share = 0.5;
  EXPECT_EQ(refused(share).kind, Problem::Kind::kMissing);
  Topology elsewhere = messenger();
  elsewhere.services["photo-store"].endpoints.push_back({"photos.example.com", 443, {}});
  EXPECT_EQ(refused(elsewhere, experiment({storage_drop("photo-store")})).kind, Problem::Kind::kMissing);
}

TEST(RefuseRatherThanSkip, OneBadFaultOfTwoSpoilsThePlan) {
  proves("S6");
  const Problem problem =
      refused(messenger(), experiment({blackhole(of_site("pangyo")), blackhole(of_site("busan"))}));
  EXPECT_EQ(problem.at.text(), "drill.yaml:22:5");
}

TEST(Limits, OneSiteHoweverItIsSelected) {
  proves("S12");
  Experiment two = experiment({blackhole(of_site("pangyo")), blackhole(of_site("chuncheon"))});
  two.limits.hosts = 1;
  EXPECT_THAT(refused(messenger(), two).message, HasSubstr("2 sites or groups are cut; the limit is 1"));

  // The same hosts, by label: neither a site nor a group is named.
  Topology labelled = messenger();
  for (const char* host : {"pangyo-app", "pangyo-cache", "pangyo-store", "chuncheon-app"})
    labelled.hosts[host].labels["wave"] = "1";
  Experiment by_label = experiment({blackhole(selector([](Selector& s) { s.labels["wave"] = "1"; }))});
  by_label.limits.hosts = 1;
  const Problem problem = refused(labelled, by_label);
  EXPECT_EQ(problem.kind, Problem::Kind::kRefused);
  EXPECT_THAT(problem.message, HasSubstr("2 sites or groups are cut; the limit is 1"));
  EXPECT_EQ(problem.at.text(), "drill.yaml:21:5");
  by_label.limits.sites = 2;
  EXPECT_TRUE(make_plan(labelled, by_label));

  // And host by host, over several faults.
  Experiment one_by_one = experiment({blackhole(selector([](Selector& s) { s.host = "anyang-app"; })),
                                      blackhole(selector([](Selector& s) { s.host = "anyang-db"; })),
                                      blackhole(selector([](Selector& s) { s.host = "chuncheon-app"; }))});
  EXPECT_THAT(refused(messenger(), one_by_one).message, HasSubstr("2 sites or groups are cut"));
}

TEST(Limits, AGroupIsOne) {
  proves("S12");
  Topology t = messenger();
  t.sites["anyang"].group = t.sites["chuncheon"].group = "north";
  EXPECT_TRUE(make_plan(t, experiment({blackhole(selector([](Selector& s) { s.group = "north"; }))})));
}

TEST(Limits, APartitionCountsWithItsSmallerSide) {
  proves("S12");
  Experiment e = experiment({partition("pangyo", "chuncheon")});  // three hosts and one, of six
  e.limits.hosts = 1.0 / 6;
  EXPECT_TRUE(make_plan(messenger(), e));
  e.limits.hosts = 0.16;
  EXPECT_THAT(refused(messenger(), e).message, HasSubstr("1 of 6 hosts are targets"));
  // Against users the site itself counts, for nobody else is touched.
  e = experiment({partition("pangyo", "users")});
  e.limits.hosts = 0.4;
  EXPECT_THAT(refused(messenger(), e).message, HasSubstr("3 of 6 hosts are targets"));
}

TEST(Limits, ShareTimeAndTheLongestFault) {
  proves("S12");
  Experiment e = experiment({blackhole(of_site("pangyo"))});
  e.limits.hosts = 0.4;
  EXPECT_THAT(refused(messenger(), e).message, HasSubstr("3 of 6 hosts are targets (50%); the limit is 40%"));
  e = experiment({blackhole(of_site("pangyo"))});
  e.faults[0].at = std::chrono::minutes(4);
  e.faults[0].duration = std::chrono::seconds(61);
  EXPECT_THAT(refused(messenger(), e).message, HasSubstr("the limit is 5m"));
  e.faults[0].at = Duration{0};
  e.faults[0].duration = std::chrono::hours(12) + std::chrono::seconds(1);
  e.limits.duration = std::chrono::hours(24);
  EXPECT_THAT(refused(messenger(), e), AllOf(Field(&Problem::kind, Problem::Kind::kRefused),
                                             Field(&Problem::hint, HasSubstr("cannot be raised"))));
}

TEST(Limits, OutsideIsNeverATargetHoweverItIsSelected) {
  proves("S12");
  Topology t = messenger();
  t.sites["users"].group = "world";
  t.hosts["phone"].labels["kind"] = "phone";
  t.services["client"] = t.services["login"];
  t.services["client"].name = "client";
  t.services["client"].tier = 9;
  t.services["client"].instances = {{"phone", 1, std::nullopt, false, {}}};
  t.services["photo-store"].endpoints.push_back({"198.18.9.11", 80, {}});
  Experiment e = experiment({});
  e.limits = {1.0, 9, std::chrono::hours(1)};
  std::vector<FaultSpec> faults{partition("users", "users"), storage_drop("photo-store")};
  for (auto fill : {+[](Selector& s) { s.site = "users"; }, +[](Selector& s) { s.group = "world"; },
                    +[](Selector& s) { s.host = "phone"; }, +[](Selector& s) { s.service = "client"; },
                    +[](Selector& s) { s.tier = 9; }, +[](Selector& s) { s.labels["kind"] = "phone"; }})
    faults.push_back(blackhole(selector(fill)));
  for (size_t i = 1; i < faults.size(); ++i) {
    Experiment one = experiment({faults[i]});
    one.limits = e.limits;
    EXPECT_EQ(refused(t, one).kind, Problem::Kind::kRefused) << "fault " << i;
  }
}

std::vector<std::string> listed(const Plan& plan) {
  std::vector<std::string> what;
  for (const Untouched& entry : plan.untouched) what.push_back(entry.what);
  return what;
}

TEST(Protection, WhatEveryHostIsSafeFromStandsInThePlanAndInEveryOrder) {
  proves("S5");
  Topology t = messenger();
  t.protect.clear();
  const auto plan = make_plan(t, experiment({blackhole(of_site("pangyo"))}));
  ASSERT_TRUE(plan);
  EXPECT_THAT(listed(*plan),
              testing::IsSupersetOf({"loopback", "ARP and neighbour discovery", "the agents' control path",
                                     "port 22, TCP and UDP, local or remote"}));
  for (const auto& [host, order] : plan->orders) {
    ASSERT_EQ(order.protection().ports_size(), 1) << host;
    EXPECT_EQ(order.protection().ports(0).port(), 22u) << host;
    EXPECT_EQ(order.protection().peers_size(), 6) << host << ": link scope";
  }
}

TEST(Protection, NoFieldOfAnExperimentTakesItOffAPacketFault) {
  proves("S5");
  Experiment e = experiment({blackhole(of_site("pangyo"))});
  const auto before = make_plan(messenger(), e);
  e.control_path = ControlPath::kCut;
  e.unprotect = {"management network"};
  const auto after = make_plan(messenger(), e);
  ASSERT_TRUE(before && after);
  for (const auto& [host, order] : after->orders)
    EXPECT_EQ(order.protection().SerializeAsString(),
              before->orders.at(host).protection().SerializeAsString());
  EXPECT_THAT(listed(*after), Contains("the agents' control path"));
}

TEST(Protection, WhatIsProtectedIsListedWithItsLine) {
  proves("S5");
  Topology t = messenger();
  t.protect.push_back({std::nullopt, uint16_t{5432}, "the ledger", Location{t.file, 99, 7}});
  const auto plan = make_plan(t, experiment({blackhole(of_site("pangyo"))}));
  ASSERT_TRUE(plan);
  EXPECT_THAT(plan->untouched,
              Contains(AllOf(Field(&Untouched::what, "port 5432, TCP and UDP, local or remote"),
                             Field(&Untouched::why, "the ledger"),
                             Field(&Untouched::at, Field(&Location::line, 99)))));
}

TEST(Protection, HostsOutsideALabHaveAWordOfTheirOwn) {
  proves("S11");
  Topology fleet = messenger();
  fleet.lab.reset();
  const Experiment e = experiment({blackhole(of_site("pangyo"))});
  EXPECT_THAT(listed(*make_plan(fleet, e)), Contains("what a host's own agent.yaml protects"));
  EXPECT_THAT(listed(*make_plan(messenger(), e)), Not(Contains("what a host's own agent.yaml protects")));
}

// An agent accepts services by name, so orders must say which they are aimed at.
TEST(Orders, NameTheServicesTheyAreAimedAt) {
  proves("S11");
  const auto services = [](const FaultSpec& fault) {
    const auto plan = make_plan(messenger(), experiment({fault}));
    const auto& named = plan.value().orders.at("pangyo-store").faults(0).services();
    return std::vector<std::string>(named.begin(), named.end());
  };
  EXPECT_THAT(services(storage_drop("photo-store")), testing::ElementsAre("photo-store"));
  EXPECT_THAT(services(blackhole(selector([](Selector& s) { s.role = "cache"; }))),
              testing::ElementsAre("session-cache"));
  EXPECT_THAT(services(blackhole(of_site("pangyo"))), testing::IsEmpty());
}

}  // namespace
}  // namespace blackstart
