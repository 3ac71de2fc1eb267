// SPDX-License-Identifier: Apache-2.0
// Which host drops what, and which packets may not arrive where.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agents/contract/wire.h"
#include "injector/plan/make_plan.h"
#include "tests/support/promise.h"
#include "tests/unit/plan_fixture.h"

namespace blackstart {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

using Wire = google::protobuf::RepeatedPtrField<contract::Prefix>;

std::vector<std::string> texts(const Wire& prefixes) {
  std::vector<std::string> list;
  for (const auto& prefix : prefixes) list.push_back(from_wire(prefix)->text());
  return list;
}

Plan planned(const Topology& topology, const Experiment& experiment) {
  auto plan = make_plan(topology, experiment);
  if (!plan) throw std::runtime_error(plan.error().front().message);
  return *plan;
}

const contract::PacketRule& only_rule(const Plan& plan, const std::string& host) {
  const contract::Order& order = plan.orders.at(host);
  if (order.faults_size() != 1 || order.faults(0).rules_size() != 1)
    throw std::runtime_error(host + " has not one rule");
  return order.faults(0).rules(0);
}

// "src>dst" of every watch, to see at a glance who is silent to whom.
std::vector<std::string> watched(const Plan& plan, const std::string& host) {
  std::vector<std::string> list;
  for (const auto& leak : plan.orders.at(host).leaks())
    list.push_back(leak.src_site() + ">" + leak.dst_site());
  return list;
}

TEST(Orders, AWholeSiteIsCutFromBothSides) {
  const Plan plan = planned(messenger(), experiment({blackhole(of_site("pangyo"))}));
  const auto& inside = only_rule(plan, "pangyo-app");
  EXPECT_THAT(texts(inside.peers()), UnorderedElementsAre("0.0.0.0/0", "::/0"));
  EXPECT_THAT(texts(inside.except()),
              IsSupersetOf({"198.18.1.0/24", "fd00:18:1::/64", "224.0.0.0/24", "fe80::/10"}));
  EXPECT_EQ(inside.direction(), contract::DIRECTION_BOTH);

  const auto& survivor = only_rule(plan, "anyang-app");
  EXPECT_THAT(texts(survivor.peers()), UnorderedElementsAre("198.18.1.0/24", "fd00:18:1::/64"));
  EXPECT_THAT(texts(survivor.except()), Not(Contains("198.18.1.0/24")));

  EXPECT_EQ(plan.orders.at("phone").faults_size(), 0);  // outside: it only watches
  EXPECT_EQ(plan.orders.at("wan").faults_size(), 0);
  EXPECT_EQ(plan.orders.at("wan").site(), "");
  EXPECT_EQ(plan.orders.at("anyang-app").plan_hash(), plan.hash);
  EXPECT_EQ(plan.orders.at("anyang-app").run(), "");
}

TEST(Orders, DirectionIsSeenFromTheSite) {
  FaultSpec in = blackhole(of_site("pangyo"));
  in.direction = SiteDirection::kIn;
  Plan plan = planned(messenger(), experiment({in}));
  EXPECT_EQ(only_rule(plan, "pangyo-app").direction(), contract::DIRECTION_INGRESS);
  EXPECT_EQ(only_rule(plan, "anyang-app").direction(), contract::DIRECTION_EGRESS);
  EXPECT_THAT(watched(plan, "phone"), IsEmpty());  // what leaves Pangyo may arrive
  EXPECT_THAT(watched(plan, "pangyo-app"),
              UnorderedElementsAre(">pangyo", "anyang>pangyo", "chuncheon>pangyo", "users>pangyo"));

  in.direction = SiteDirection::kOut;
  plan = planned(messenger(), experiment({in}));
  EXPECT_EQ(only_rule(plan, "pangyo-app").direction(), contract::DIRECTION_EGRESS);
  EXPECT_EQ(only_rule(plan, "anyang-app").direction(), contract::DIRECTION_INGRESS);
  EXPECT_THAT(watched(plan, "pangyo-app"), IsEmpty());
  EXPECT_THAT(watched(plan, "phone"), ElementsAre("pangyo>users"));
}

TEST(Orders, EnforceChoosesWhoseAgentsDrop) {
  Experiment e = experiment({blackhole(of_site("pangyo"))});
  e.enforce = Enforce::kSite;
  Plan plan = planned(messenger(), e);
  EXPECT_EQ(plan.orders.at("pangyo-app").faults_size(), 1);
  EXPECT_EQ(plan.orders.at("anyang-app").faults_size(), 0);
  EXPECT_THAT(watched(plan, "anyang-app"), ElementsAre("pangyo>anyang"));
  // Survivors still send: on the way those packets are no leak.
  EXPECT_THAT(watched(plan, "wan"),
              UnorderedElementsAre("pangyo>anyang", "pangyo>chuncheon", "pangyo>users"));

  e.enforce = Enforce::kSurvivors;
  plan = planned(messenger(), e);
  EXPECT_EQ(plan.orders.at("pangyo-app").faults_size(), 0);
  EXPECT_EQ(plan.orders.at("anyang-app").faults_size(), 1);
  EXPECT_THAT(watched(plan, "phone"), IsEmpty());  // nobody stops Pangyo's packets to users
  EXPECT_THAT(watched(plan, "pangyo-app"), UnorderedElementsAre("anyang>pangyo", "chuncheon>pangyo"));
}

TEST(Orders, WanCountsOnlyWhatEverySenderDrops) {
  const Plan plan = planned(messenger(), experiment({blackhole(of_site("pangyo"))}));
  EXPECT_THAT(watched(plan, "wan"),
              UnorderedElementsAre("pangyo>anyang", "pangyo>chuncheon", "pangyo>users", "anyang>pangyo",
                                   "chuncheon>pangyo"));  // not users>pangyo
  for (const auto& leak : plan.orders.at("wan").leaks()) {
    EXPECT_GT(leak.sources_size(), 0);
    EXPECT_GT(leak.destinations_size(), 0) << "the router must not count what goes elsewhere";
  }
  Topology fleet = messenger();
  fleet.lab.reset();
  EXPECT_FALSE(planned(fleet, experiment({blackhole(of_site("pangyo"))})).orders.contains("wan"));
}

TEST(Orders, SomeHostsOfASiteAreCutFromTheirNeighboursToo) {
  Selector selector;
  selector.host = "pangyo-cache";
  const Plan plan = planned(messenger(), experiment({blackhole(selector)}));
  EXPECT_THAT(texts(only_rule(plan, "pangyo-app").peers()),
              UnorderedElementsAre("198.18.1.21", "fd00:18:1::21"));
  EXPECT_THAT(texts(only_rule(plan, "pangyo-cache").except()), IsSupersetOf({"198.18.1.21"}));
  EXPECT_THAT(texts(only_rule(plan, "pangyo-cache").except()), Not(Contains("198.18.1.0/24")));
  EXPECT_THAT(watched(plan, "pangyo-cache"), Contains("pangyo>pangyo"));
  EXPECT_THAT(watched(plan, "wan"), Not(Contains("pangyo>pangyo")));  // never passes the router
}

TEST(Orders, AGroupSharesFateAndStaysTogether) {
  Topology t = messenger();
  t.sites["pangyo"].group = t.sites["anyang"].group = "south";
  Selector selector;
  selector.group = "south";
  Experiment e = experiment({blackhole(selector)});
  e.limits.hosts = 1;
  const Plan plan = planned(t, e);
  EXPECT_THAT(texts(only_rule(plan, "anyang-app").except()),
              IsSupersetOf({"198.18.1.0/24", "198.18.2.0/24"}));
  EXPECT_THAT(watched(plan, "anyang-app"), Not(Contains("pangyo>anyang")));
}

TEST(Orders, ExceptedHostsAreNeitherCutNorEnforcing) {
  FaultSpec fault = blackhole(of_site("pangyo"));
  fault.except = {"anyang-db", "198.18.3.0/24", "pangyo-store"};
  const Plan plan = planned(messenger(), experiment({fault}));
  EXPECT_EQ(plan.orders.at("anyang-db").faults_size(), 0);
  EXPECT_EQ(plan.orders.at("pangyo-store").faults_size(), 0);
  EXPECT_THAT(plan.faults[0].targets, ElementsAre("pangyo-app", "pangyo-cache"));
  EXPECT_THAT(texts(only_rule(plan, "pangyo-app").except()), IsSupersetOf({"198.18.2.21", "198.18.3.0/24"}));
  EXPECT_THAT(texts(only_rule(plan, "anyang-app").except()), IsSupersetOf({"198.18.1.31"}));
  // Chuncheon's v6 is not excepted, so its hosts still enforce for it.
  EXPECT_EQ(plan.orders.at("chuncheon-app").faults_size(), 1);

  fault.except = {"198.18.0.0/16", "fd00:18::/32"};  // wider than the cut itself
  const auto nothing = make_plan(messenger(), experiment({fault}));
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error()[0].kind, Problem::Kind::kInvalid);
}

TEST(Orders, APartitionLeavesTheRestAlone) {
  Plan plan = planned(messenger(), experiment({partition("pangyo", "anyang")}));
  EXPECT_THAT(texts(only_rule(plan, "pangyo-app").peers()),
              UnorderedElementsAre("198.18.2.0/24", "fd00:18:2::/64"));
  EXPECT_THAT(texts(only_rule(plan, "anyang-app").peers()),
              UnorderedElementsAre("198.18.1.0/24", "fd00:18:1::/64"));
  EXPECT_EQ(plan.orders.at("chuncheon-app").faults_size(), 0);
  EXPECT_THAT(watched(plan, "wan"), UnorderedElementsAre("pangyo>anyang", "anyang>pangyo"));

  plan = planned(messenger(), experiment({partition("pangyo", "anyang", SiteDirection::kOut)}));
  EXPECT_EQ(only_rule(plan, "pangyo-app").direction(), contract::DIRECTION_EGRESS);
  EXPECT_EQ(only_rule(plan, "anyang-app").direction(), contract::DIRECTION_INGRESS);
  EXPECT_THAT(watched(plan, "wan"), ElementsAre("pangyo>anyang"));
}

TEST(Orders, UsersCanBeKeptFromASite) {
  const Plan plan = planned(messenger(), experiment({partition("pangyo", "users")}));
  EXPECT_THAT(texts(only_rule(plan, "pangyo-app").peers()),
              UnorderedElementsAre("198.18.9.0/24", "fd00:18:9::/64"));
  EXPECT_EQ(plan.orders.at("phone").faults_size(), 0);
  EXPECT_EQ(plan.orders.at("anyang-app").faults_size(), 0);
  EXPECT_THAT(plan.faults[0].targets, Not(Contains("phone")));
}

TEST(Orders, StorageIsDroppedByAddressAndPort) {
  Topology t = messenger();
  t.services["photo-store"].endpoints.push_back({"photos.store.lab", 80, {}});
  t.lab->names["photos.store.lab"] = {"pangyo-store"};
  const Plan plan = planned(t, experiment({storage_drop("photo-store")}));
  const contract::Fault& own = plan.orders.at("pangyo-store").faults(0);
  ASSERT_EQ(own.rules_size(), 2);  // ports 80 and 8000
  EXPECT_EQ(own.rules(0).ports(0).port(), 80u);
  EXPECT_EQ(own.rules(0).ports(0).side(), contract::SIDE_LOCAL);
  const contract::Fault& client = plan.orders.at("pangyo-app").faults(0);  // same site, still a client
  ASSERT_EQ(client.rules_size(), 2);
  EXPECT_EQ(client.rules(1).ports(0).port(), 8000u);
  EXPECT_EQ(client.rules(1).ports(0).side(), contract::SIDE_PEER);
  EXPECT_THAT(texts(client.rules(1).peers()), UnorderedElementsAre("198.18.1.31", "fd00:18:1::31"));
  EXPECT_EQ(plan.orders.at("phone").faults_size(), 0);
  for (const auto& leak : plan.orders.at("phone").leaks())
    EXPECT_EQ(leak.ports(0).side(), contract::SIDE_PEER);

  t.services["photo-store"].endpoints.push_back(
      {"photos.example.com", 443, Location{"messenger.yaml", 77, 3}});
  const auto missing = make_plan(t, experiment({storage_drop("photo-store")}));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error()[0].kind, Problem::Kind::kMissing);
  EXPECT_EQ(missing.error()[0].at.line, 77);
  EXPECT_THAT(missing.error()[0].message, ::testing::HasSubstr("not available in this version"));
}

TEST(Orders, EveryOrderCarriesTheProtection) {
  proves("S5");
  Topology t = messenger();
  t.protect.push_back({std::nullopt, uint16_t{2222}, "bastion", {}});
  const Plan plan = planned(t, experiment({blackhole(of_site("pangyo"))}));
  for (const auto& [host, order] : plan.orders) {
    EXPECT_THAT(texts(order.protection().peers()), IsSupersetOf({"198.18.0.0/24", "fe80::/10"})) << host;
    ASSERT_EQ(order.protection().ports_size(), 2) << host;
    EXPECT_EQ(order.protection().ports(0).port(), 22u);
    EXPECT_EQ(order.protection().ports(1).port(), 2222u);
  }
  bool located = false;
  for (const Untouched& entry : plan.untouched) located |= entry.what == "198.18.0.0/24" && entry.at.line > 0;
  EXPECT_TRUE(located);
}

TEST(Orders, MoreRulesThanTheDatapathHoldsAreAnError) {
  proves("S6");
  Topology t = messenger();
  for (uint16_t port = 9000; port < 9064; ++port)
    t.services["photo-store"].endpoints.push_back({"198.18.1.31", port, {}});
  const auto plan = make_plan(t, experiment({storage_drop("photo-store")}));
  ASSERT_FALSE(plan);
  EXPECT_THAT(plan.error()[0].message, ::testing::HasSubstr("the most is 63"));
}

TEST(Orders, MannerAndEngineReachEveryAgent) {
  const Topology topology = messenger();
  Experiment drill = experiment({blackhole(of_site("pangyo"))});
  drill.faults[0].manner = contract::MANNER_RESET;
  drill.engine = contract::ENGINE_NETFILTER;
  const Plan plan = planned(topology, drill);
  for (const auto& [host, order] : plan.orders) {
    EXPECT_EQ(order.engine(), contract::ENGINE_NETFILTER);
    for (const auto& fault : order.faults()) EXPECT_EQ(fault.manner(), contract::MANNER_RESET);
  }
  EXPECT_EQ(plan.targets.at(0).faults.at(0).engine, "netfilter/inet");
  EXPECT_THAT(plan.faults.at(0).what, testing::EndsWith("answered with a reset"));
  EXPECT_EQ(make_plan(topology, drill, {.engine = contract::ENGINE_EBPF})->orders.at("phone").engine(),
            contract::ENGINE_EBPF);
}

// A host that answers to a packet has seen it arrive: only what its senders end may not.
TEST(Orders, AnAnsweredFaultIsWatchedBehindItsSenders) {
  const Topology topology = messenger();
  Experiment drill = experiment({blackhole(of_site("pangyo"))});
  drill.faults[0].manner = contract::MANNER_RESET;
  const Plan both = planned(topology, drill);
  const auto& watch = both.orders.at("anyang-app").leaks(0);
  EXPECT_TRUE(watch.answered());
  EXPECT_EQ(watch.src_site(), "pangyo");
  EXPECT_THAT(texts(watch.sources()), Not(Contains("198.18.1.0/24"))) << "addresses of hosts that enforce";
  drill.enforce = Enforce::kSite;
  const Plan site = planned(topology, drill);
  EXPECT_THAT(site.orders.at("pangyo-app").leaks(), IsEmpty()) << "nobody stops its senders";
}

}  // namespace
}  // namespace blackstart
