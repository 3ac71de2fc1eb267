// SPDX-License-Identifier: Apache-2.0
// An agent's own word: which orders it accepts.
#include "agents/contract/wire.h"
#include "agents/runtime/check_order.h"
#include "tests/support/promise.h"
#include "tests/unit/policy_fixture.h"

namespace blackstart {
namespace {

using namespace test;
using testing::AllOf;
using testing::HasSubstr;

TEST_F(PolicyTest, SaysWhatALossOfPowerDoes) {
  proves("S11");
  contract::Order dark = order();
  dark.mutable_faults(0)->set_kind("host-power-loss");
  dark.mutable_faults(0)->mutable_process()->set_act(contract::ProcessFault::POWER_LOSS);
  std::string text = kWhole;
  text.replace(text.find("storage-drop"), 12, "host-power-loss");
  const auto policy = read(text);
  ASSERT_TRUE(policy);
  EXPECT_THAT(why_not(*policy, dark), AllOf(HasSubstr(file_ + ":10 does not say what a loss of power does"),
                                            HasSubstr("freeze, kill or poweroff")));
  for (const auto& [word, way] : {std::pair{"freeze", PowerLoss::kFreeze},
                                  {"kill", PowerLoss::kKill},
                                  {"poweroff", PowerLoss::kPowerOff}}) {
    std::string said = text;
    said.replace(said.find("commands: false"), 15, std::string("power: ") + word);
    const auto accepts = read(said);
    ASSERT_TRUE(accepts) << word;
    EXPECT_EQ(accepts->accept->power, way);
    EXPECT_EQ(accepts->accept->power_at.line, 14);
    EXPECT_EQ(why_not(*accepts, dark), "");
  }
  std::string mistaken = text;
  mistaken.replace(mistaken.find("commands: false"), 15, "power: freze");
  ASSERT_FALSE(read(mistaken));
  EXPECT_THAT(hint(), HasSubstr("freeze"));
}

TEST_F(PolicyTest, NobodyLosesPowerUnderAnotherName) {
  proves("S11");
  contract::Order dark = order();
  dark.mutable_faults(0)->mutable_process()->set_act(contract::ProcessFault::POWER_LOSS);
  EXPECT_THAT(why_not(lab_policy(), dark), HasSubstr("under another name"));
  dark.mutable_faults(0)->set_kind("site-power-loss");
  EXPECT_EQ(why_not(lab_policy(), dark), "");
  dark.mutable_faults(0)->mutable_process()->set_act(contract::ProcessFault::KILL);
  EXPECT_THAT(why_not(lab_policy(), dark), HasSubstr("nothing of the processes"));
  dark.mutable_faults(0)->clear_process();
  ASSERT_FALSE(dark.faults(0).rules().empty());
  EXPECT_EQ(why_not(lab_policy(), dark), "") << "a survivor, which drops what it sends to the dark";
}

TEST_F(PolicyTest, WithoutAWordNothingIsAccepted) {
  proves("S11");
  const auto silent =
      read("apiVersion: blackstart/v1\nkind: Agent\nmetadata: {name: web-7}\nspec: {site: pangyo}\n");
  ASSERT_TRUE(silent);
  contract::Order watch_only = order();
  watch_only.clear_faults();
  for (const contract::Order& asked : {order(), watch_only}) {
    EXPECT_THAT(why_not(*silent, asked), HasSubstr(file_ + ":4 has no `accept`"));
    EXPECT_THAT(why_not(missing_policy(kPolicyFile), asked),
                HasSubstr("there is no /etc/blackstart/agent.yaml"));
    EXPECT_NE(why_not(Policy{}, asked), "");
    EXPECT_EQ(why_not(lab_policy(), asked), "");
  }
  const auto empty = read(
      "apiVersion: blackstart/v1\nkind: Agent\nmetadata: {name: web-7}\nspec:\n  accept: {longest: 5m}\n");
  ASSERT_TRUE(empty);
  EXPECT_THAT(why_not(*empty, order()),
              HasSubstr(file_ + ":5 accepts nothing; site-blackhole would have to"));
}

TEST_F(PolicyTest, WhatIsOutsideIsRefusedWithItsLine) {
  proves("S11");
  const Policy policy = whole();
  EXPECT_EQ(why_not(policy, order()), "");
  EXPECT_EQ(why_not(policy, order({"198.18.2.0/24", "fd00:18:2::/64"})), "");
  const auto refused = [&](auto spoil) {
    contract::Order asked = order();
    spoil(asked);
    return why_not(policy, asked);
  };
  EXPECT_THAT(why_not(policy, order({"198.18.2.0/24", "10.2.0.0/16"})),
              AllOf(HasSubstr(file_ + ":10"), HasSubstr("10.2.0.0/16 would have to stand")));
  EXPECT_THAT(why_not(policy, order({"0.0.0.0/0"})), HasSubstr("0.0.0.0/0, that is everybody,"));
  EXPECT_THAT(why_not(policy, order({"198.0.0.0/8"})), HasSubstr(file_ + ":10"));  // wider than accepted
  EXPECT_THAT(refused([](auto& asked) { asked.mutable_faults(0)->set_kind("packet-loss"); }),
              AllOf(HasSubstr(file_ + ":12"), HasSubstr("packet-loss would have to stand")));
  EXPECT_THAT(refused([](auto& asked) { asked.mutable_faults(0)->set_end_ns(Duration(11min).count()); }),
              AllOf(HasSubstr("last 11m"), HasSubstr(file_ + ":13 accepts at most 10m")));
  EXPECT_THAT(refused([](auto& asked) {
                contract::Fault next = asked.faults(0);
                asked.mutable_faults(0)->set_end_ns(Duration(6min).count());
                next.set_id("f2");
                next.set_start_ns(Duration(6min).count());
                next.set_end_ns(Duration(12min).count());
                *asked.add_faults() = next;
              }),
              HasSubstr("last 12m without a pause"))
      << "in pieces it is as long";
  EXPECT_THAT(refused([](auto& asked) { asked.mutable_faults(0)->add_services("ledger"); }),
              AllOf(HasSubstr(file_ + ":11"), HasSubstr("ledger would have to stand")));
  EXPECT_EQ(refused([](auto& asked) { asked.mutable_faults(0)->add_services("photo-store"); }), "");
  EXPECT_THAT(refused([](auto& asked) { asked.mutable_faults(0)->set_kind("storage-drop"); }),
              HasSubstr("does not say which services"));
  EXPECT_THAT(refused([](auto& asked) { asked.set_site("anyang"); }), HasSubstr("stands in pangyo"));
  EXPECT_THAT(refused([](auto& asked) { asked.set_site(""); }), HasSubstr("stands in pangyo"));
}

TEST_F(PolicyTest, EverybodyMayBeNamedWhereThatIsMeant) {
  std::string text = kWhole;
  text.replace(text.find("[198.18.0.0/15"), 14, "[0.0.0.0/0");
  const auto policy = read(text);
  ASSERT_TRUE(policy);
  EXPECT_EQ(why_not(*policy, order({"0.0.0.0/0"})), "");
}

TEST_F(PolicyTest, WhatItProtectsIsProtectedWhateverTheOrderSays) {
  proves("S5,S11");
  const Policy policy = whole();
  const auto admitted = admit(order(), "web-7", policy);
  ASSERT_TRUE(admitted) << admitted.error().message();
  std::vector<std::string> peers;
  for (const auto& peer : admitted->protection().peers()) peers.push_back(from_wire(peer)->text());
  std::vector<uint32_t> ports;
  for (const auto& each : admitted->protection().ports()) ports.push_back(each.port());
  EXPECT_THAT(peers, testing::IsSupersetOf({"198.18.0.0/24", "fe80::/10", "169.254.0.0/16"}));
  EXPECT_THAT(ports, testing::UnorderedElementsAre(5432, 22));

  // Said by both, it stands there once.
  const auto again = admit(*admitted, "web-7", policy);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->protection().SerializeAsString(), admitted->protection().SerializeAsString());
  // A protection that is narrower than the agent's does not take its place.
  contract::Order narrow = order();
  narrow.mutable_protection()->add_ports()->set_port(22);
  narrow.mutable_protection()->mutable_ports(0)->set_protocol(contract::PROTOCOL_UDP);
  EXPECT_EQ(admit(narrow, "web-7", policy)->protection().ports_size(), 3);
}

TEST_F(PolicyTest, AFaultThatWouldOnlyHitWhatIsProtectedIsRefused) {
  proves("S5,S6");
  const Policy policy = whole();
  EXPECT_THAT(why_not(policy, order({"198.18.0.7"})),
              AllOf(HasSubstr(file_ + ":16"), HasSubstr("(management)")));
  EXPECT_EQ(why_not(policy, order({"198.18.0.7", "198.18.2.0/24"})), "");
  const auto of_port = [](uint32_t number) {
    contract::Order asked = order();
    *asked.mutable_faults(0)->mutable_rules(0)->add_ports() = port(number);
    return asked;
  };
  EXPECT_THAT(why_not(policy, of_port(5432)), AllOf(HasSubstr(file_ + ":17"), HasSubstr("the ledger")));
  EXPECT_THAT(why_not(policy, of_port(22)), HasSubstr("every agent protects"));
  EXPECT_EQ(why_not(policy, of_port(8000)), "");
}

TEST_F(PolicyTest, CommandsRunWhereTheFileSaysSo) {
  proves("S13");
  contract::StartProbes asked;
  asked.add_probes()->mutable_tcp();
  EXPECT_TRUE(accept(whole(), asked));
  asked.add_probes()->mutable_command()->add_argv("/bin/true");
  EXPECT_THAT(accept(whole(), asked).error().message(), HasSubstr(file_ + ":14 accepts no commands"));
  EXPECT_FALSE(accept(missing_policy("x"), asked));
  EXPECT_TRUE(accept(lab_policy(), asked));
}

// Nothing a forged order holds in abundance may cost more than saying no.
TEST(ForgedOrder, AbsurdSizesAreRefused) {
  proves("S11");
  const auto refused = [](auto spoil) {
    contract::Order asked = order();
    spoil(asked);
    const auto ok = admit(asked, "web-7", lab_policy());
    return ok ? "accepted" : ok.error().message();
  };
  EXPECT_EQ(refused([](auto&) {}), "accepted");
  EXPECT_THAT(refused([](auto& asked) {
                for (int i = 0; i < 64; ++i) asked.mutable_faults(0)->add_rules();
              }),
              HasSubstr("65 packet rules; the most is 63"));
  EXPECT_THAT(refused([](auto& asked) {
                for (int i = 0; i < 65; ++i) asked.add_faults()->set_id(std::to_string(i));
              }),
              HasSubstr("faults; the most is 64"));
  EXPECT_THAT(refused([](auto& asked) {
                for (int i = 0; i < 250'001; ++i) *asked.add_sites()->add_prefixes() = contract::Prefix();
              }),
              HasSubstr("sites; the most is 1024"));
  EXPECT_THAT(refused([](auto& asked) {
                auto& peers = *asked.mutable_faults(0)->mutable_rules(0)->mutable_peers();
                for (int i = 0; i < 250'001; ++i) *peers.Add() = peers.Get(0);
              }),
              HasSubstr("more than 250000 prefixes"));
  EXPECT_THAT(refused([](auto& asked) {
                for (int i = 0; i < 9'000; ++i) asked.add_leaks();
              }),
              HasSubstr("leak watches; the most is"));
  EXPECT_THAT(refused([](auto& asked) {
                for (int i = 0; i < 300; ++i) asked.mutable_protection()->add_ports()->set_port(1);
              }),
              HasSubstr("ports in one place"));
  EXPECT_THAT(refused([](auto& asked) { asked.mutable_faults(0)->set_end_ns(INT64_MAX); }), HasSubstr("12h"));
  EXPECT_THAT(refused([](auto& asked) {
                asked.mutable_faults(0)->set_start_ns(INT64_MAX - 2);
                asked.mutable_faults(0)->set_end_ns(INT64_MAX - 1);
              }),
              HasSubstr("a week"));
  EXPECT_THAT(refused([](auto& asked) { asked.set_lease_ns(INT64_MAX); }), HasSubstr("lease"));
  EXPECT_THAT(refused([](auto& asked) { asked.set_run("../../etc/passwd"); }), HasSubstr("what no name may"));
  EXPECT_THAT(refused([](auto& asked) { asked.set_run(std::string(1 << 20, 'x')); }),
              HasSubstr("longer than"));
  EXPECT_THAT(refused([](auto& asked) { asked.mutable_faults(0)->set_kind("a\nb"); }),
              HasSubstr("what no name may"));
  EXPECT_THAT(refused([](auto& asked) { asked.set_host("db-1"); }), HasSubstr("this host is web-7"));
}

// A fault on the processes of photo-store.
contract::Order order_to_kill() {
  contract::Order out = order();
  contract::Fault& fault = *out.mutable_faults(0);
  fault.clear_rules();
  fault.set_kind("service-kill");
  fault.add_services("photo-store");
  contract::ProcessTarget& target = *fault.mutable_process()->add_targets();
  target.set_service("photo-store");
  target.mutable_match()->set_exe("/usr/bin/store");
  return out;
}

TEST(ForgedOrder, AbsurdProcessesAreRefused) {
  proves("S11");
  const auto refused = [](auto spoil) {
    contract::Order asked = order_to_kill();
    spoil(*asked.mutable_faults(0)->mutable_process(), asked);
    const auto ok = admit(asked, "web-7", lab_policy());
    return ok ? "accepted" : ok.error().message();
  };
  EXPECT_EQ(refused([](auto&, auto&) {}), "accepted");
  EXPECT_THAT(refused([](auto& fault, auto&) {
                for (int i = 0; i < 256; ++i) fault.add_targets()->set_service("s");
              }),
              HasSubstr("257 targets among processes; the most is 256"));
  const auto with = [&](auto set) {
    return refused([&](auto& fault, auto&) { set(*fault.mutable_targets(0)->mutable_match()); });
  };
  EXPECT_THAT(with([](auto& match) { match.set_cmdline(std::string(257, '.')); }),
              HasSubstr("longer than 256"));
  EXPECT_THAT(with([](auto& match) { match.set_comm("sixteencharacter"); }), HasSubstr("longer than 15"));
  EXPECT_THAT(with([](auto& match) { match.set_exe("bin/store"); }), HasSubstr("no path from the root"));
  EXPECT_THAT(with([](auto& match) { match.set_exe("/usr/../etc/x"); }), HasSubstr("no path from the root"));
  EXPECT_THAT(with([](auto& match) { match.set_cgroup("/system.slice"); }),
              HasSubstr("no path from the root"));
  EXPECT_THAT(with([](auto& match) { match.set_cgroup("../.."); }), HasSubstr("no path from the root"));
  EXPECT_THAT(with([](auto& match) { match.set_user("a\nb"); }), HasSubstr("holds what none may"));
  EXPECT_THAT(with([](auto& match) { match.set_port(70'000); }), HasSubstr("port 70000"));
  EXPECT_THAT(refused([](auto& fault, auto&) { fault.set_signal(19); }),
              HasSubstr("signal 19 is none that kills"));
  EXPECT_THAT(refused([](auto& fault, auto&) { fault.set_signal(4711); }), HasSubstr("signal 4711"));
  // A host that accepts site-blackhole has not accepted that processes die under that name.
  EXPECT_THAT(refused([](auto&, auto& asked) { asked.mutable_faults(0)->set_kind("site-blackhole"); }),
              HasSubstr("not what its kind says"));
  EXPECT_THAT(refused([](auto& fault, auto&) { fault.set_act(contract::ProcessFault::FREEZE); }),
              HasSubstr("not what its kind says"));
  EXPECT_THAT(refused([](auto&, auto& asked) {
                for (int i = 0; i < 100; ++i) asked.add_cold_starts();
              }),
              HasSubstr("cold starts; the most is 64"));
  EXPECT_THAT(refused([](auto&, auto& asked) { asked.add_cold_starts()->set_end_ns(INT64_MAX); }),
              HasSubstr("no end within a week"));
}

TEST_F(PolicyTest, FaultsOnProcessesNeedTheirKindTheirServicesAndNoProtection) {
  proves("S5,S11");
  std::string text = kWhole;
  const auto replace = [&](const std::string& what, const std::string& with) {
    text.replace(text.find(what), what.size(), with);
  };
  EXPECT_FALSE(accepts_process_faults(whole()));
  EXPECT_THAT(why_not(whole(), order_to_kill()),
              HasSubstr("service-kill would have to stand under spec.accept.faults"));
  replace("storage-drop]", "service-kill]");
  replace("  protect:\n",
          "  protect:\n    - {service: ledger, why: money}\n    - {process: {exe: /usr/sbin/sshd, user: "
          "root}}\n");
  const auto policy = read(text);
  ASSERT_TRUE(policy) << policy.error().front().message;
  EXPECT_TRUE(accepts_process_faults(*policy));
  EXPECT_EQ(why_not(*policy, order_to_kill()), "");

  contract::Order other = order_to_kill();
  contract::ProcessTarget& target = *other.mutable_faults(0)->mutable_process()->mutable_targets(0);
  target.set_service("db");
  EXPECT_THAT(why_not(*policy, other), HasSubstr("db would have to stand there, under spec.accept.services"));
  target.clear_service();
  EXPECT_THAT(why_not(*policy, other), HasSubstr("processes of no service"));
  other = order_to_kill();
  other.mutable_faults(0)->mutable_process()->mutable_targets(0)->add_command("/bin/start");
  EXPECT_THAT(why_not(*policy, other), HasSubstr("accepts no commands"));
  other = order_to_kill();
  other.mutable_faults(0)->mutable_process()->mutable_targets(0)->mutable_match()->set_port(5432);
  EXPECT_THAT(why_not(*policy, other), HasSubstr("port 5432, which " + file_ + ":19 protects (the ledger)"));

  Policy wide = *policy;
  wide.accept->services = {"*"};
  other.mutable_faults(0)->mutable_services()->Clear();
  other.mutable_faults(0)->mutable_process()->mutable_targets(0)->mutable_match()->clear_port();
  other.mutable_faults(0)->mutable_process()->mutable_targets(0)->set_service("ledger");
  EXPECT_THAT(why_not(wide, other), HasSubstr("service ledger, which " + file_ + ":16 protects (money)"));

  contract::Order asked = order_to_kill();
  add_protection(*policy, asked);
  ASSERT_EQ(asked.protection().processes_size(), 2);
  EXPECT_EQ(asked.protection().processes(0).service(), "ledger");
  EXPECT_EQ(asked.protection().processes(1).match().exe(), "/usr/sbin/sshd");
  EXPECT_EQ(asked.protection().processes(1).match().user(), "root");
}

}  // namespace
}  // namespace blackstart
