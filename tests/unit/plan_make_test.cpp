// SPDX-License-Identifier: Apache-2.0
// Selection, limits, hash and warnings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "injector/plan/make_plan.h"
#include "injector/plan/prefixes.h"
#include "injector/plan/select.h"
#include "injector/plan/sha256.h"
#include "tests/support/promise.h"
#include "tests/unit/plan_fixture.h"

namespace blackstart {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Sha256, KnownAnswer) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Prefixes, MergeKeepsTheAddressesAndNothingElse) {
  std::vector<Prefix> list;
  for (int i = 0; i < 256; ++i) list.push_back(*Prefix::parse("198.18.1." + std::to_string(i)));
  list.push_back(*Prefix::parse("198.18.2.0/25"));
  list.push_back(*Prefix::parse("198.18.2.7"));
  list.push_back(*Prefix::parse("::/1"));
  std::vector<std::string> texts;
  for (const Prefix& prefix : merged(list)) texts.push_back(prefix.text());
  EXPECT_THAT(texts, ElementsAre("198.18.1.0/24", "198.18.2.0/25", "::/1"));
}

TEST(Select, ASampleDependsOnSeedAndNamesOnly) {
  std::set<std::string> names;
  for (int i = 0; i < 100; ++i) names.insert("host-" + std::to_string(i));
  EXPECT_EQ(sample(names, 40, 7), sample(names, 40, 7));
  EXPECT_NE(sample(names, 40, 7), sample(names, 40, 8));
  // A further candidate displaces at most one of the chosen.
  std::set<std::string> more = names;
  more.insert("host-100");
  size_t kept = 0;
  for (const std::string& name : sample(more, 40, 7)) kept += sample(names, 40, 7).contains(name);
  EXPECT_GE(kept, 39u);
}

TEST(Select, ByRoleTierLabelsAndShare) {
  Topology t = messenger();
  Selector ops;
  ops.role = "ops";
  EXPECT_THAT(*select_hosts(t, ops, 1), ElementsAre("pangyo-cache"));
  t.services["login"].tier = 1;
  Selector tier;
  tier.tier = 1;
  EXPECT_THAT(*select_hosts(t, tier, 1), ElementsAre("anyang-app", "pangyo-app"));
  t.hosts["anyang-db"].labels["rack"] = "b2";
  Selector rack;
  rack.labels["rack"] = "b2";
  EXPECT_THAT(*select_hosts(t, rack, 1), ElementsAre("anyang-db"));
  Selector half = of_site("pangyo");
  half.share = 0.5;  // of three: never more than asked
  EXPECT_EQ(select_hosts(t, half, 1)->size(), 1u);
  half.share.reset();
  half.count = 4;
  EXPECT_EQ(select_hosts(t, half, 1).error().kind, Problem::Kind::kInvalid);
  Selector nobody;
  nobody.role = "queue";
  EXPECT_THAT(select_hosts(t, nobody, 1).error().message, HasSubstr("no host matches role: queue"));
}

TEST(Plan, OutsideIsNeverATarget) {
  proves("S12");
  Selector by_host;
  by_host.host = "phone";
  for (const FaultSpec& fault :
       {blackhole(of_site("users")), blackhole(by_host), partition("users-too", "users")}) {
    Topology t = messenger();
    t.sites["users-too"] = Site{"users-too", {*Prefix::parse("198.18.10.0/24")}, "", true, {}, {}};
    const auto plan = make_plan(t, experiment({fault}));
    ASSERT_FALSE(plan) << fault.kind;
    EXPECT_EQ(plan.error()[0].kind, Problem::Kind::kRefused);
    EXPECT_EQ(plan.error()[0].at.text(),
              messenger().sites["users"].outside_at.text());  // the line that marks it
  }
}

TEST(Plan, LimitsNameTheFigureAndHowToRaiseIt) {
  proves("S12");
  Experiment e = experiment({blackhole(of_site("pangyo")), blackhole(of_site("anyang"))});
  e.faults[1].duration = std::chrono::minutes(6);
  const auto plan = make_plan(messenger(), e);
  ASSERT_FALSE(plan);
  ASSERT_EQ(plan.error().size(), 3u);
  for (const Problem& problem : plan.error()) {
    EXPECT_EQ(problem.kind, Problem::Kind::kRefused);
    EXPECT_THAT(problem.hint, HasSubstr("limits: {"));
  }
  EXPECT_THAT(plan.error()[0].message, HasSubstr("5 of 6 hosts are targets (83%); the limit is 60%"));
  EXPECT_THAT(plan.error()[1].message, HasSubstr("2 sites or groups are cut; the limit is 1"));
  EXPECT_THAT(plan.error()[2].message, HasSubstr("6m after T0; the limit is 5m"));

  e.limits = {1.0, 2, std::chrono::minutes(10)};
  EXPECT_TRUE(make_plan(messenger(), e));
  e.limits.duration = e.faults[1].duration = std::chrono::hours(13);
  EXPECT_THAT(make_plan(messenger(), e).error()[0].message, HasSubstr("12h"));
}

TEST(Plan, HostsThatOnlyEnforceDoNotCount) {
  Experiment e = experiment({blackhole(of_site("pangyo"))});
  e.limits.hosts = 0.5;  // three of six are targets, all six enforce
  const auto plan = make_plan(messenger(), e);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->targets.size(), 6u);
}

TEST(Plan, EqualInputsGiveEqualHashes) {
  Experiment e = experiment({blackhole(of_site("pangyo"))});
  const std::string hash = make_plan(messenger(), e)->hash;
  EXPECT_EQ(hash.size(), 64u);
  EXPECT_EQ(make_plan(messenger(), e)->hash, hash);
  Topology moved = messenger();
  moved.protect[0].at.line += 3;
  EXPECT_EQ(make_plan(moved, e)->hash, hash);
  Topology other = messenger();
  other.services["login"].needs.clear();  // another prediction
  EXPECT_NE(make_plan(other, e)->hash, hash);
  e.lease += std::chrono::seconds(1);
  EXPECT_NE(make_plan(messenger(), e)->hash, hash);
}

TEST(Plan, PeopleAbsentTouchesNothing) {
  FaultSpec absent;
  absent.kind = "people-absent";
  absent.what = FaultKind::kPeopleAbsent;
  absent.who = {"the storage team"};
  EXPECT_FALSE(make_plan(messenger(), experiment({absent})));  // alone it is no experiment
  const auto plan = make_plan(messenger(), experiment({blackhole(of_site("pangyo")), absent}));
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->faults.size(), 2u);
  for (const auto& [host, order] : plan->orders)
    for (const auto& fault : order.faults()) EXPECT_EQ(fault.id(), "f1") << host;
}

TEST(Plan, WarnsOfWhatIsProbablyNotMeant) {
  Experiment e = experiment({blackhole(of_site("pangyo"))});
  ProbeSpec probe;
  probe.probe.set_name("cache");
  probe.from = "pangyo-app";
  e.probes.push_back(probe);
  Hypothesis& hypothesis = e.hypothesis.emplace_back();
  hypothesis.probe = "cache";
  hypothesis.within = std::chrono::seconds(90);
  EXPECT_THAT(make_plan(messenger(), e)->warnings,
              ::testing::UnorderedElementsAre(HasSubstr("probe cache asks from pangyo-app"),
                                              HasSubstr("before the hypothesis can be judged (1m 35s)"),
                                              HasSubstr("no guards")));
  e.hypothesis[0].within = std::chrono::seconds(2);
  EXPECT_THAT(make_plan(messenger(), e)->warnings,
              Contains(HasSubstr("a shorter fault would show the same")));
}

TEST(Plan, WarnsOfWhatHasNoEffectOnPacketFaults) {
  Experiment e = experiment({blackhole(of_site("pangyo"))});
  EXPECT_THAT(make_plan(messenger(), e)->warnings, Not(Contains(HasSubstr("has no effect"))));
  e.control_path = ControlPath::kCut;
  e.unprotect = {"management"};
  Topology elsewhere = messenger();
  elsewhere.lab.reset();
  for (const Topology& topology : {messenger(), elsewhere}) {
    const auto plan = make_plan(topology, e);
    ASSERT_TRUE(plan);
    EXPECT_THAT(plan->warnings, Contains(HasSubstr("controlPath: cut has no effect")));
    EXPECT_THAT(plan->warnings, Contains(HasSubstr("unprotect: management has no effect")));
  }
}

TEST(Plan, ASiteWithoutHostsIsEnforcedBySurvivors) {
  Topology t = messenger();
  t.sites["busan"] = Site{"busan", {*Prefix::parse("198.18.7.0/24")}, "", false, {}, {}};
  const auto plan = make_plan(t, experiment({blackhole(of_site("busan"))}));
  ASSERT_TRUE(plan);
  EXPECT_THAT(plan->warnings, Contains(HasSubstr("site busan has no host here")));
  EXPECT_TRUE(plan->faults[0].targets.empty());
  Experiment e = experiment({blackhole(of_site("busan"))});
  e.enforce = Enforce::kSite;
  EXPECT_FALSE(make_plan(t, e));  // nobody would do it
}

}  // namespace
}  // namespace blackstart
