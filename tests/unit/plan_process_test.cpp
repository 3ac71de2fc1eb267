// SPDX-License-Identifier: Apache-2.0
// Faults on processes and power: whose processes, what each agent is told, what is refused, what will break.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "injector/plan/make_plan.h"
#include "tests/support/promise.h"
#include "tests/unit/plan_fixture.h"

namespace blackstart {
namespace {

using contract::ProcessFault;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Plan planned(const Topology& topology, const Experiment& experiment) {
  auto plan = make_plan(topology, experiment);
  if (!plan) throw std::runtime_error(plan.error().front().message);
  return *std::move(plan);
}

Plan planned(const FaultSpec& fault) {
  return planned(messenger(), experiment({fault}));
}

Problem refused(const Topology& topology, const Experiment& experiment) {
  const auto plan = make_plan(topology, experiment);
  if (plan) throw std::runtime_error("it was planned");
  return plan.error().front();
}

Problem refused(const FaultSpec& fault) {
  return refused(messenger(), experiment({fault}));
}

Topology without_lab() {
  Topology t = messenger();
  t.lab.reset();
  return t;
}

Selector of_host(const std::string& host) {
  Selector selector;
  selector.host = host;
  return selector;
}

// "host: service service", of every host that is told to do something to processes.
std::vector<std::string> victims(const Plan& plan) {
  std::vector<std::string> out;
  for (const auto& [host, order] : plan.orders)
    for (const contract::Fault& fault : order.faults()) {
      if (!fault.has_process()) continue;
      out.push_back(host + ":");
      for (const auto& target : fault.process().targets()) out.back() += " " + target.service();
    }
  return out;
}

const ProcessFault& process_on(const Plan& plan, const std::string& host, int fault = 0) {
  return plan.orders.at(host).faults(fault).process();
}

TEST(Kill, AServiceDiesOnEveryHostThatHasItAndNowhereElse) {
  const Plan plan = planned(kill(of_service("login")));
  EXPECT_THAT(victims(plan), ElementsAre("anyang-app: login", "pangyo-app: login"));
  EXPECT_EQ(plan.faults[0].what, "login killed on anyang-app, pangyo-app");
  EXPECT_THAT(plan.faults[0].targets, ElementsAre("anyang-app", "pangyo-app"));
  for (const auto& [host, order] : plan.orders) {
    EXPECT_THAT(order.leaks(), IsEmpty()) << host;
    for (const contract::Fault& fault : order.faults()) {
      EXPECT_THAT(fault.rules(), IsEmpty()) << host;
      EXPECT_THAT(fault.services(), ElementsAre("login"));
      EXPECT_EQ(fault.process().act(), ProcessFault::KILL);
      EXPECT_EQ(fault.process().signal(), 0u);
      EXPECT_FALSE(fault.process().hold_down());
      // In a lab, where the service has a cgroup to itself.
      EXPECT_EQ(fault.process().targets(0).match().ByteSizeLong(), 0u);
    }
  }
}

TEST(Kill, AHostIsToldOfItsOwnInstancesAlone) {
  Selector apps;
  apps.role = "app";
  const Plan plan = planned(kill(apps));
  EXPECT_THAT(victims(plan), ElementsAre("anyang-app: messages photo", "chuncheon-app: messages photo",
                                         "pangyo-app: photo"));
  EXPECT_THAT(plan.orders.at("pangyo-app").faults(0).services(), ElementsAre("photo"));
}

TEST(Kill, EveryFieldReachesTheAgent) {
  FaultSpec fault = kill(of_service("login"));
  fault.hold_down = true;
  fault.signal = SIGTERM;
  fault.restore = contract::RESTORE_COMMAND;
  fault.command = {"/sbin/start", "login"};
  fault.at = std::chrono::seconds(5);
  const Plan plan = planned(fault);
  const ProcessFault& process = process_on(plan, "pangyo-app");
  EXPECT_TRUE(process.hold_down());
  EXPECT_EQ(process.signal(), static_cast<uint32_t>(SIGTERM));
  EXPECT_EQ(process.targets(0).restore(), contract::RESTORE_COMMAND);
  EXPECT_THAT(process.targets(0).command(), ElementsAre("/sbin/start", "login"));
  EXPECT_EQ(plan.orders.at("pangyo-app").faults(0).start_ns(), 5'000'000'000);
  EXPECT_EQ(plan.orders.at("pangyo-app").faults(0).end_ns(), 65'000'000'000);
  EXPECT_EQ(plan.faults[0].what, "login killed on anyang-app, pangyo-app with SIGTERM, and held down");
}

TEST(Kill, PlacesMeanWhatRunsThere) {
  EXPECT_THAT(victims(planned(kill(of_host("pangyo-cache")))),
              ElementsAre("pangyo-cache: monitoring session-cache"));
  Selector here = of_service("photo");
  here.site = "anyang";
  EXPECT_THAT(victims(planned(kill(here))), ElementsAre("anyang-app: photo"));
}

TEST(Kill, SharesAndCountsAreOfInstancesAndRepeat) {
  Selector some = of_site("pangyo");  // five instances on three hosts
  some.count = 3;
  const Plan plan = planned(kill(some));
  EXPECT_EQ(plan.faults[0].processes.size(), 3u);
  EXPECT_EQ(plan.hash, planned(kill(some)).hash);
  some.count = 6;
  EXPECT_THAT(refused(kill(some)).message, HasSubstr("count is 6, but 5 instances match site: pangyo"));
  some.count.reset();
  some.share = 0.4;
  EXPECT_EQ(planned(kill(some)).faults[0].processes.size(), 2u);
}

// Two programs of one name are told apart by the agent, from what the plan says and nothing wider.
TEST(Kill, AMatchIsPassedOnAsItIsWritten) {
  Topology t = messenger();
  t.services["login"].instances[0].process = ProcessMatch{.exe = "/usr/bin/login", .user = "nobody"};
  const Plan plan = planned(t, experiment({kill(of_service("login"))}));
  const contract::ProcessMatch& match = process_on(plan, "pangyo-app").targets(0).match();
  EXPECT_EQ(match.ShortDebugString(), "exe: \"/usr/bin/login\" user: \"nobody\"");
  EXPECT_EQ(plan.faults[0].processes[1].how, "exe /usr/bin/login, user nobody");
}

TEST(Kill, OutsideALabSomebodyMustSayWhichProcesses) {
  Topology t = without_lab();
  EXPECT_EQ(process_on(planned(t, experiment({kill(of_service("login"))})), "pangyo-app")
                .targets(0)
                .match()
                .ShortDebugString(),
            "port: 8080");
  t.services["login"].instances[0].port.reset();
  const Problem problem = refused(t, experiment({kill(of_service("login"))}));
  EXPECT_EQ(problem.kind, Problem::Kind::kInvalid);
  EXPECT_THAT(problem.message, HasSubstr("nobody says which processes of pangyo-app are login"));
  EXPECT_THAT(problem.hint, HasSubstr("process: {exe: PATH}"));
}

TEST(Kill, AProcessOfTheFaultsOwnIsLookedForOnTheHostsSelected) {
  FaultSpec fault = kill(of_host("pangyo-cache"));
  fault.process.emplace().set_exe("/opt/agent");
  const Plan plan = planned(fault);
  EXPECT_THAT(victims(plan), ElementsAre("pangyo-cache: "));
  EXPECT_THAT(plan.orders.at("pangyo-cache").faults(0).services(), IsEmpty());
  EXPECT_EQ(plan.faults[0].what, "processes (exe /opt/agent) killed on pangyo-cache");
  EXPECT_THAT(plan.warnings, Contains(HasSubstr("nobody starts processes on pangyo-cache again")));
  // What the topology knows it by makes it that service's: predicted, and started again.
  for (const auto& known : {+[](contract::ProcessMatch& m) { m.set_exe("/usr/bin/session-cache"); },
                            +[](contract::ProcessMatch& m) { m.set_port(6379); }}) {
    known(*(fault.process = contract::ProcessMatch{}));
    const Plan of_service = planned(fault);
    EXPECT_THAT(victims(of_service), ElementsAre("pangyo-cache: session-cache"));
    EXPECT_EQ(of_service.predicted.at("session-cache").impact, Impact::kDown);
    EXPECT_TRUE(of_service.faults[0].processes[0].returns);
  }
}

TEST(Kill, WhatTheLabDoesNotRunHasNoProcesses) {
  Topology t = messenger();
  t.lab->run.erase("login");
  EXPECT_THAT(refused(t, experiment({kill(of_service("login"))})).message,
              HasSubstr("the lab does not run login"));
}

TEST(RefuseRatherThanSkip, ProcessesOfNothing) {
  proves("S6");
  for (const FaultSpec& fault :
       {kill(of_service("nothing")), kill(of_site("chuncheon-2")), kill(of_host("anyang-db")),
        freeze(of_service("nothing")), power_loss(of_host("nobody")), kill({})}) {
    const Problem problem = refused(fault);
    EXPECT_EQ(problem.kind, Problem::Kind::kInvalid) << problem.message;
    EXPECT_EQ(problem.at.text(), "drill.yaml:21:5") << problem.message;
  }
  FaultSpec by_unit = kill(of_service("login"));
  by_unit.restore = contract::RESTORE_UNIT;
  EXPECT_THAT(refused(by_unit).message, HasSubstr("nobody says which unit login on pangyo-app is"));
  Topology attached = without_lab();
  for (auto& [name, host] : attached.hosts) host.attach = Attach{.container = name};
  for (const FaultSpec& fault : {kill(of_service("login")), power_loss(of_site("pangyo"))})
    EXPECT_EQ(refused(attached, experiment({fault})).kind, Problem::Kind::kMissing);
}

TEST(PowerLoss, IsTheCutOfABlackholeAndTheEndOfEveryProcessBehindIt) {
  const Plan dark = planned(power_loss(of_site("pangyo"))), cut = planned(blackhole(of_site("pangyo")));
  EXPECT_THAT(victims(dark), ElementsAre("pangyo-app: login photo", "pangyo-cache: monitoring session-cache",
                                         "pangyo-store: photo-store"));
  EXPECT_EQ(dark.faults[0].what, "the power of site pangyo");
  EXPECT_EQ(dark.faults[0].act, "powered off");
  for (const auto& [host, order] : dark.orders) {
    const contract::Order& other = cut.orders.at(host);
    ASSERT_EQ(order.faults_size(), other.faults_size()) << host;
    ASSERT_EQ(order.leaks_size(), other.leaks_size()) << host;
    for (int i = 0; i < order.faults_size(); ++i) {
      contract::Fault packets = order.faults(i);
      packets.clear_process();
      packets.set_kind("site-blackhole");
      EXPECT_EQ(packets.SerializeAsString(), other.faults(i).SerializeAsString()) << host;
      EXPECT_EQ(order.faults(i).has_process(), order.site() == "pangyo") << host;
    }
  }
  EXPECT_EQ(process_on(dark, "pangyo-app").act(), ProcessFault::POWER_LOSS);
  for (const PlanTarget& target : dark.targets) {
    EXPECT_EQ(target.powered_off, target.site == "pangyo") << target.host;
    EXPECT_EQ(target.cut, target.site == "pangyo") << target.host;
  }
}

TEST(PowerLoss, AHostWithoutServicesGoesDarkToo) {
  const Plan plan = planned(power_loss(of_host("anyang-db")));
  EXPECT_THAT(victims(plan), ElementsAre("anyang-db:"));
}

TEST(Limits, WhatLosesProcessesOrPowerCounts) {
  proves("S12");
  Experiment e = experiment({kill(of_service("photo"))});  // three hosts of six
  e.limits.hosts = 0.4;
  EXPECT_THAT(refused(messenger(), e),
              AllOf(Field(&Problem::kind, Problem::Kind::kRefused),
                    Field(&Problem::message, HasSubstr("3 of 6 hosts are targets (50%); the limit is 40%"))));
  e = experiment({power_loss(of_site("pangyo")), blackhole(of_site("chuncheon"))});
  e.limits.hosts = 1;
  EXPECT_THAT(refused(messenger(), e).message, HasSubstr("2 sites or groups are cut; the limit is 1"));
  // A site that goes dark host by host is one too.
  e = experiment({power_loss(of_host("anyang-app")), power_loss(of_host("anyang-db")),
                  power_loss(of_host("chuncheon-app"))});
  EXPECT_THAT(refused(messenger(), e).message, HasSubstr("2 sites or groups are cut"));
  e = experiment({kill(of_service("login"))});
  e.faults[0].duration = std::chrono::minutes(6);
  EXPECT_THAT(refused(messenger(), e).message, HasSubstr("the limit is 5m"));
}

TEST(Limits, NothingOutsideDies) {
  proves("S12");
  Topology t = messenger();
  t.services["client"] = t.services["login"];
  t.services["client"].name = "client";
  t.services["client"].instances = {{"phone", 1, std::nullopt, false, {}}};
  FaultSpec by_exe = kill(of_host("phone"));
  by_exe.process.emplace().set_exe("/usr/bin/app");
  for (const FaultSpec& fault :
       {kill(of_service("client")), freeze(of_site("users")), power_loss(of_host("phone")), by_exe})
    EXPECT_EQ(refused(t, experiment({fault})).kind, Problem::Kind::kRefused) << fault.kind;
}

TEST(Protection, NoFaultHitsProtectedProcessesUnlessItSaysSo) {
  proves("S5");
  Topology t = messenger();
  t.services["bastion"] = t.services["messages"];
  t.services["bastion"].name = "bastion";
  t.services["bastion"].instances = {{"anyang-db", uint16_t{22}, std::nullopt, false, {}}};
  t.lab->run["bastion"].command = {"/usr/sbin/sshd"};
  t.protect.push_back({.port = uint16_t{8082}, .why = "the ledger", .at = Location{t.file, 97, 7}});
  t.protect.push_back({.why = "one copy", .at = Location{t.file, 98, 7}, .service = "photo-store"});
  t.protect.push_back({.prefix = Prefix::parse("198.18.1.21/32"), .why = "", .at = Location{t.file, 99, 7}});
  struct Case {
    FaultSpec fault;
    std::string name, words;
  };
  const std::vector<Case> cases{
      {kill(of_service("bastion")), "22", "bastion on anyang-db, which every plan protects (people must"},
      {freeze(of_service("messages")), "8082", "messenger.yaml:97:7 protects (the ledger)"},
      {kill(of_service("photo-store")), "photo-store",
       "photo-store on pangyo-store, which messenger.yaml:98:7"},
      {kill(of_service("session-cache")), "198.18.1.21", "pangyo-cache, which messenger.yaml:99:7 protects"},
      {power_loss(of_host("pangyo-store")), "photo-store", "site-power-loss would hit photo-store"},
  };
  for (const Case& each : cases) {
    Experiment e = experiment({each.fault});
    const Problem problem = refused(t, e);
    EXPECT_EQ(problem.kind, Problem::Kind::kRefused);
    EXPECT_EQ(problem.at.text(), "drill.yaml:21:5");
    EXPECT_THAT(problem.message, HasSubstr(each.words));
    EXPECT_THAT(problem.hint, HasSubstr("unprotect: [" + each.name + "]"));
    e.unprotect = {"some-other"};
    EXPECT_EQ(refused(t, e).kind, Problem::Kind::kRefused);
    e.unprotect = {each.name};
    const Plan plan = planned(t, e);
    EXPECT_EQ(plan.faults[0].processes.at(0).unprotected, each.name);
    EXPECT_THAT(plan.warnings, Not(Contains(HasSubstr("unprotect"))));
  }
  // Their packets are another matter: those are carved out.
  EXPECT_TRUE(make_plan(t, experiment({blackhole(of_host("pangyo-store"))})));
}

TEST(Protection, AgentsAreToldWhomNotToKill) {
  proves("S5");
  Topology t = messenger();
  t.protect.push_back({.why = "one copy", .service = "photo-store"});
  const auto protected_on = [&](const Experiment& e, const std::string& host) {
    std::vector<std::string> out;
    const Plan plan = planned(t, e);
    for (const auto& target : plan.orders.at(host).protection().processes())
      out.push_back(target.ShortDebugString());
    return out;
  };
  Experiment e = experiment({kill(of_site("pangyo"))});
  e.faults[0].selector.role = "app";
  EXPECT_THAT(protected_on(e, "pangyo-app"), ElementsAre("match { port: 22 }"));
  e = experiment({power_loss(of_host("pangyo-store"))});
  e.unprotect = {"photo-store"};
  EXPECT_THAT(protected_on(e, "pangyo-store"), ElementsAre("match { port: 22 }"));
  e.unprotect = {"photo-store", "22"};
  EXPECT_THAT(protected_on(e, "pangyo-store"), IsEmpty());
  // Another process of a host with a protected service.
  e = experiment({kill(of_host("pangyo-store"))});
  e.faults[0].process.emplace().set_exe("/opt/agent");
  EXPECT_THAT(protected_on(e, "pangyo-store"), ElementsAre("service: \"photo-store\"", "match { port: 22 }"));
  EXPECT_THAT(protected_on(experiment({blackhole(of_site("pangyo"))}), "pangyo-store"), IsEmpty());
}

TEST(Predict, WhatIsKilledFrozenOrDarkIsLost) {
  auto predicted = planned(kill(of_service("session-cache"))).predicted;
  EXPECT_EQ(predicted.at("session-cache").impact, Impact::kDown);
  EXPECT_THAT(predicted.at("session-cache").because, ElementsAre("its only instance pangyo-cache is killed"));
  EXPECT_EQ(predicted.at("login").impact, Impact::kDown);
  EXPECT_THAT(predicted.at("login").because,
              ElementsAre("needs session-cache, which is down",
                          "session-cache: its only instance pangyo-cache is killed"));
  EXPECT_EQ(predicted.at("monitoring").impact, Impact::kUnaffected);  // on the same host
  predicted = planned(freeze(of_service("photo-store"))).predicted;
  EXPECT_THAT(predicted.at("photo-store").because, ElementsAre("its only instance pangyo-store is frozen"));
  Selector one = of_service("photo");
  one.site = "anyang";
  EXPECT_EQ(planned(kill(one)).predicted.at("photo").impact, Impact::kDegraded);
  predicted = planned(power_loss(of_site("pangyo"))).predicted;
  EXPECT_THAT(predicted.at("photo").because,
              ElementsAre("1 of 3 instances is powered off: pangyo-app", "needs photo-store, which is down",
                          "photo-store: its only instance pangyo-store is powered off"));
  // Two causes of one service are two reasons.
  const Experiment both = experiment({blackhole(of_site("chuncheon")), kill(one)});
  EXPECT_THAT(
      planned(messenger(), both).predicted.at("photo").because,
      ElementsAre("1 of 3 instances is killed: anyang-app", "1 of 3 instances is in the cut: chuncheon-app"));
}

TEST(Warnings, KnowAKilledServiceFromACutHost) {
  Experiment e = experiment({kill(of_service("login"))});
  ProbeSpec probe;
  probe.probe.set_name("cache");
  probe.from = "pangyo-app";
  e.probes.push_back(probe);
  EXPECT_THAT(planned(messenger(), e).warnings, Not(Contains(HasSubstr("which is in the cut"))));
  e.faults = {power_loss(of_site("pangyo"))};
  e.faults[0].duration = std::chrono::seconds(60);
  EXPECT_THAT(planned(messenger(), e).warnings, Contains(HasSubstr("which is in the cut")));
}

}  // namespace
}  // namespace blackstart
