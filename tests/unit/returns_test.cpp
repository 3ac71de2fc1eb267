// SPDX-License-Identifier: Apache-2.0
// What the faults killed comes back: when, in which order, by whose word, and what is said of it.
#include <algorithm>
#include <map>

#include "agents/contract/ip.h"
#include "injector/conduct/fill_outcome.h"
#include "injector/conduct/fill_returns.h"
#include "injector/plan/returning.h"
#include "tests/support/promise.h"
#include "tests/unit/conduct_fixture.h"

namespace blackstart {
namespace {

// Pangyo loses its power for 20 s: two databases, a cache, and an app without a check.
class ReturnsTest : public ConductTest {
 protected:
  ReturnsTest() {
    agents_.dropped_per_host = 50;
    add("db", "database", {"pangyo-1", "pangyo-2"}, 5432);
    add("cache", "cache", {"pangyo-1"}, 6379);
    add("app", "app", {"pangyo-2"}, std::nullopt);
    experiment_.faults[0].kind = "site-power-loss";
    experiment_.faults[0].what = FaultKind::kPowerLoss;
    for (const char* host : {"pangyo-1", "pangyo-2"}) {
      contract::Fault& fault = *plan_.orders.at(host).mutable_faults(0);
      fault.set_kind("site-power-loss");
      fault.add_rules();
      fault.mutable_process()->set_act(contract::ProcessFault::POWER_LOSS);
      for (const auto& [name, service] : topology_.services)
        for (const Instance& instance : service.instances)
          if (instance.host == host) fault.mutable_process()->add_targets()->set_service(name);
    }
    for (PlanTarget& target : plan_.targets)
      for (PlanTargetFault& fault : target.faults) fault.kind = "site-power-loss";
    plan_.stages = {{{"database"}, {back("pangyo-1", "db"), back("pangyo-2", "db")}},
                    {{"cache"}, {back("pangyo-1", "cache")}},
                    {{}, {back("pangyo-2", "app")}}};
    // A service answers its check two seconds after it was started, and login needs them all.
    agents_.probe_succeeds = [this](const std::string& probe) {
      for (const auto& [name, service] : topology_.services)
        for (const Instance& instance : service.instances) {
          const std::string check = "check:" + name + ":" + instance.host + ":";
          if ((probe == "login" || probe.starts_with(check)) && !well(instance.host, name)) return false;
        }
      return true;
    };
  }

  void add(const std::string& name, const std::string& role, const std::vector<std::string>& hosts,
           std::optional<uint16_t> port) {
    Service service;
    service.name = name;
    service.role = role;
    for (const std::string& host : hosts) {
      topology_.hosts[host].addresses = {*Address::parse(host == "pangyo-1" ? "198.18.1.1" : "198.18.1.2")};
      service.instances.push_back({host, port, std::nullopt, false, {}});
    }
    topology_.services[name] = service;
  }
  PlanReturn back(const std::string& host, const std::string& service) const {
    return {host, "pangyo", service, topology_.services.at(service).role, false};
  }
  bool well(const std::string& host, const std::string& service) {
    if (!agents_.runs(host, service)) return false;
    const UnixNs started = agents_.started(host, service);
    if (started != 0 && never_well_.contains(service)) return false;
    return started == 0 || agents_.now >= started + Duration(2s).count();
  }
  const OutcomeReturn& of(const Outcome& outcome, const std::string& host, const std::string& service) const {
    const auto found =
        std::find_if(outcome.returns.instances.begin(), outcome.returns.instances.end(),
                     [&](const OutcomeReturn& each) { return each.host == host && each.service == service; });
    if (found == outcome.returns.instances.end())
      throw std::runtime_error(service + " is not in the outcome");
    return *found;
  }
  std::vector<std::string> phases(const Outcome& outcome) const {
    std::vector<std::string> names;
    for (const OutcomePhase& phase : outcome.phases) names.push_back(phase.phase);
    return names;
  }
  bool noted(const Outcome& outcome, const std::string& text) const {
    return std::any_of(outcome.notes.begin(), outcome.notes.end(),
                       [&](const std::string& note) { return note.find(text) != std::string::npos; });
  }
  // Says so once, when the return has lasted so long.
  void people_say(Duration after, std::vector<std::string> names) {
    said_returns_ = [=, this, said = false](bool) mutable {
      std::vector<SaidReturn> list;
      if (said || observer_.phase != "return") return list;
      if (return_began_ == 0) return_began_ = agents_.now;
      if (agents_.now - return_began_ < after.count()) return list;
      said = true;
      for (const std::string& name : names) list.push_back({name, "alice", agents_.now});
      return list;
    };
  }

  std::set<std::string> never_well_;
  UnixNs return_began_ = 0;
};

TEST_F(ReturnsTest, StagesComeBackInOrderEachWellBeforeTheNext) {
  experiment_.expect = Expect::kFail;
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, kExitPass) << outcome.reason;
  EXPECT_EQ(outcome.recovery_verdict, Verdict::kPass);
  EXPECT_EQ(phases(outcome), (std::vector<std::string>{"preflight", "steady", "arm", "fire", "hold", "revert",
                                                       "return", "recover", "residue"}));
  ASSERT_EQ(outcome.returns.instances.size(), 4u);
  const OutcomeReturn &db1 = of(outcome, "pangyo-1", "db"), &db2 = of(outcome, "pangyo-2", "db"),
                      &cache = of(outcome, "pangyo-1", "cache"), &app = of(outcome, "pangyo-2", "app");
  EXPECT_EQ(db1.started, db2.started) << "without a pace a stage starts at once";
  EXPECT_GE(db1.started, outcome.fired + Duration(20s).count());
  EXPECT_GE(cache.started, std::max(db1.well, db2.well));
  EXPECT_GE(app.started, cache.well);
  for (const OutcomeReturn* each : {&db1, &db2, &cache, &app}) {
    EXPECT_EQ(each->state, OutcomeReturn::State::kWell) << each->service;
    EXPECT_EQ(each->by, "pace");
    EXPECT_EQ(each->site, "pangyo");
    EXPECT_EQ(each->killed, outcome.fired);
    EXPECT_FALSE(waited_for_people(*each));
  }
  EXPECT_GE(db1.well - db1.started, Duration(2s).count());
  EXPECT_EQ(app.well, app.started) << "nobody asks it: well once it is started";
  EXPECT_EQ(db1.stage, 1u);
  EXPECT_EQ(app.stage, 3u);
  EXPECT_TRUE(nothing_armed());
  EXPECT_EQ(outcome.t0, outcome.fired) << "the first process killed";
  EXPECT_EQ(outcome.faults.at(0).processes.at("db").killed, 2u);
  EXPECT_EQ(std::count(observer_.events.begin(), observer_.events.end(), "return"), 3);
}

TEST_F(ReturnsTest, ThePaceCountsHostsThatLostTheirPower) {
  experiment_.recovery.pace_per_second = 0.5;
  plan_.stages = {
      {{},
       {back("pangyo-1", "db"), back("pangyo-1", "cache"), back("pangyo-2", "db"), back("pangyo-2", "app")}}};
  const Outcome outcome = run();
  const UnixNs first = of(outcome, "pangyo-1", "db").started;
  EXPECT_EQ(of(outcome, "pangyo-1", "cache").started, first);
  EXPECT_EQ(of(outcome, "pangyo-2", "db").started, first + Duration(2s).count());
  EXPECT_EQ(of(outcome, "pangyo-2", "app").started, first + Duration(2s).count());
}

TEST_F(ReturnsTest, ThePaceCountsInstancesThatWereKilled) {
  for (const char* host : {"pangyo-1", "pangyo-2"})
    plan_.orders.at(host).mutable_faults(0)->mutable_process()->set_act(contract::ProcessFault::KILL);
  experiment_.recovery.pace_per_second = 2;
  plan_.stages = {{{}, {back("pangyo-1", "db"), back("pangyo-1", "cache"), back("pangyo-2", "db")}},
                  {{"app"}, {back("pangyo-2", "app")}}};
  const Outcome outcome = run();
  const UnixNs first = of(outcome, "pangyo-1", "db").started;
  EXPECT_EQ(of(outcome, "pangyo-1", "cache").started, first + Duration(500ms).count());
  EXPECT_EQ(of(outcome, "pangyo-2", "db").started, first + Duration(1s).count());
  EXPECT_GT(of(outcome, "pangyo-2", "app").started, first + Duration(2s).count());
}

TEST_F(ReturnsTest, PeopleSayWhatComesBackAndTheirTimeIsTaken) {
  for (PlanStage& stage : plan_.stages)
    for (PlanReturn& each : stage.instances) each.manual = each.service == "db";
  people_say(7s, {"pangyo-1", "database"});
  const Outcome outcome = run();
  const OutcomeReturn &db1 = of(outcome, "pangyo-1", "db"), &cache = of(outcome, "pangyo-1", "cache");
  EXPECT_EQ(db1.by, "alice");
  EXPECT_EQ(cache.by, "pace") << "nobody has to say it";
  ASSERT_TRUE(waited_for_people(db1));
  EXPECT_NEAR(seconds(*waited_for_people(db1)), 7.0, 0.3);
  EXPECT_GE(db1.started, db1.asked);
  EXPECT_EQ(of(outcome, "pangyo-2", "db").by, "alice") << "by its role";
  EXPECT_EQ(outcome.recovery_verdict, Verdict::kPass);
  EXPECT_TRUE(std::count(observer_.events.begin(), observer_.events.end(), "return-asked"));
}

TEST_F(ReturnsTest, WhatWaitsForPeopleIsSaidOnceWithTheCommandAndTheLastMoment) {
  experiment_.recovery.within = 60s;
  for (PlanStage& stage : plan_.stages)
    for (PlanReturn& each : stage.instances) each.manual = each.service != "app";
  people_say(7s, {"db", "cache", "app"});
  const Outcome outcome = run();
  EXPECT_EQ(std::count(observer_.events.begin(), observer_.events.end(), "return-waits"), 1)
      << "the cache was let come back before its turn";
  const auto at = std::find(observer_.events.begin(), observer_.events.end(), "return-waits");
  const nlohmann::json& said = observer_.said[static_cast<size_t>(at - observer_.events.begin())];
  EXPECT_EQ(said["command"], "blackstart return db");
  EXPECT_EQ(said["until"], rfc3339(of(outcome, "pangyo-1", "db").due + Duration(60s).count()));
  EXPECT_EQ(said["instances"].size(), 2u);
  EXPECT_EQ(
      std::count(observer_.lines.begin(), observer_.lines.end(),
                 "stage 1 of 3 (database) waits for somebody: blackstart return db (or: database, pangyo); "
                 "until T0 + 1m 20s at the latest"),
      1);
  for (const char* line : {"return: db (alice)", "return: cache (alice)", "return: app (alice)",
                           "stage 1 of 3 (database): 2 of 2 on its way"})
    EXPECT_EQ(std::count(observer_.lines.begin(), observer_.lines.end(), line), 1) << line;
  ASSERT_TRUE(observer_.waited);
  EXPECT_EQ(observer_.waited->stage, "stage 1 of 3 (database)");
}

TEST_F(ReturnsTest, AWordOnWhatNobodyHasToLetComeBackIsNoneOfItsOwn) {
  people_say(0s, {"pangyo"});
  const Outcome outcome = run();
  for (const OutcomeReturn& each : outcome.returns.instances) {
    EXPECT_EQ(each.asked, 0) << each.service;
    EXPECT_EQ(each.by, "pace") << each.service;
  }
}

TEST(ReturnWait, NamesFirstWhatLetsAllOfThemComeBack) {
  const ReturnWait one{"", {{"pangyo-1", "pangyo", "session-cache", "cache", true}}, 0};
  EXPECT_EQ(one.text(), " waits for somebody: blackstart return session-cache (or: cache, pangyo)");
  const ReturnWait two{"",
                       {{"pangyo-1", "pangyo", "session-cache", "cache", true},
                        {"pangyo-2", "pangyo", "photos", "object-storage", true}},
                       0};
  EXPECT_EQ(two.command(), "blackstart return pangyo");
  EXPECT_EQ(names_of_return(two.instances),
            (std::vector<std::string>{"pangyo", "photos", "session-cache", "cache", "object-storage"}));
}

TEST_F(ReturnsTest, WithoutAWordTheConductorStartsTheRestAndSaysSo) {
  experiment_.recovery.within = 10s;
  plan_.stages[0].instances[0].manual = true;
  const Outcome outcome = run();
  const OutcomeReturn& db1 = of(outcome, "pangyo-1", "db");
  EXPECT_EQ(db1.by, "patience");
  EXPECT_EQ(db1.state, OutcomeReturn::State::kWell);
  EXPECT_NEAR(seconds(Duration(db1.started - db1.due)), 10.0, 0.3);
  EXPECT_EQ(of(outcome, "pangyo-2", "db").started, db1.due) << "it waited for nobody";
  EXPECT_TRUE(noted(outcome, "nobody said within 10s that db on pangyo-1 may come back"));
}

TEST_F(ReturnsTest, AStageThatDoesNotGetWellIsWaitedForAndThenPassedOver) {
  experiment_.recovery.within = 10s;
  never_well_ = {"db"};
  const Outcome outcome = run();
  EXPECT_EQ(of(outcome, "pangyo-1", "db").state, OutcomeReturn::State::kStarted);
  EXPECT_EQ(of(outcome, "pangyo-1", "db").well, 0);
  EXPECT_NEAR(
      seconds(Duration(of(outcome, "pangyo-1", "cache").started - of(outcome, "pangyo-1", "db").started)),
      10.0, 0.3);
  EXPECT_TRUE(noted(outcome, "stage 1 of 3 (database): db on pangyo-1, db on pangyo-2 were not well 10s"));
  EXPECT_EQ(outcome.recovery_verdict, Verdict::kFail);
  EXPECT_TRUE(outcome.returns.cycles.empty());
  EXPECT_TRUE(outcome.recovery.looked_at);
  ASSERT_EQ(outcome.recovery.not_back.size(), 2u);
  EXPECT_EQ(outcome.recovery.not_back[0].service, "db");
  EXPECT_TRUE(outcome.probes.at("login").still_failing);
}

TEST_F(ReturnsTest, AfterTheLastStageThereIsNoNext) {
  experiment_.recovery.within = 5s;
  never_well_ = {"cache", "db"};
  plan_.stages = {{{"database"}, {back("pangyo-1", "db"), back("pangyo-2", "db")}},
                  {{}, {back("pangyo-1", "cache"), back("pangyo-2", "app")}}};
  const Outcome outcome = run();
  EXPECT_TRUE(noted(outcome,
                    "stage 1 of 2 (database): db on pangyo-1, db on pangyo-2 were not well 5s after "
                    "the last start; the next stage began all the same"));
  EXPECT_TRUE(noted(outcome,
                    "stage 2 of 2 (the rest): cache on pangyo-1 was not well 5s after the last start; "
                    "the run went on without it"));
}

TEST_F(ReturnsTest, AKillThatCameLateEndsNoEarlierThanItBegan) {
  Reports reports;
  contract::HostReport& report = reports["pangyo-1"];
  contract::FaultReport& fault = *report.add_faults();
  fault.set_id("f1");
  contract::ProcessCount& count = *fault.add_processes();
  count.set_service("db");
  count.set_killed(1);
  contract::DownReport& down = *report.add_down();
  down.set_fault("f1");
  down.set_service("db");
  const UnixNs fired = agents_.now;
  down.set_killed_unix_ns(fired + Duration(20s + 5ms).count());
  Outcome outcome;
  fill_faults(plan_, reports, {0, fired, fired + Duration(21s).count(), fired + Duration(30s).count()},
              Duration::max(), "end", outcome);
  ASSERT_EQ(outcome.faults.size(), 1u);
  EXPECT_EQ(outcome.faults[0].first_effect, fired + Duration(20s + 5ms).count());
  EXPECT_EQ(outcome.faults[0].end, outcome.faults[0].first_effect);
}

TEST_F(ReturnsTest, WhatDoesNotGetWellFailsTheRecoveryAlsoWhereNoProbeAsks) {
  experiment_.recovery.within = 5s;
  experiment_.probes.clear();
  experiment_.hypothesis.clear();
  never_well_ = {"db", "app"};
  const Outcome failed = run();
  EXPECT_EQ(failed.exit_code, kExitFail) << failed.reason;
  EXPECT_EQ(failed.recovery_verdict, Verdict::kFail);
  EXPECT_TRUE(failed.reason.ends_with("is not well: db on pangyo-1, db on pangyo-2")) << failed.reason;

  for (auto& [name, host] : agents_.hosts_seen) host = {};
  never_well_ = {"app"};
  const Outcome passed = run();
  EXPECT_EQ(passed.exit_code, kExitPass) << "nobody can look at the app: " << passed.reason;

  // From the moment it is started nobody says anything of it.
  for (auto& [name, host] : agents_.hosts_seen) host = {};
  abort_when_ = [this]() -> std::optional<std::string> {
    if (observer_.phase == "return") agents_.mute_probes.insert("check:cache:pangyo-1:6379");
    return std::nullopt;
  };
  const Outcome unknown = run();
  EXPECT_EQ(of(unknown, "pangyo-1", "cache").state, OutcomeReturn::State::kUnseen);
  EXPECT_EQ(unknown.exit_code, kExitPass) << unknown.reason;
}

TEST_F(ReturnsTest, ServicesThatWaitForEachOtherAreACycle) {
  experiment_.recovery.within = 5s;
  plan_.cycles = {{"cache", "db"}, {"app", "db"}};
  never_well_ = {"db", "cache"};
  const Outcome outcome = run();
  EXPECT_EQ(outcome.returns.cycles, (std::vector<std::vector<std::string>>{{"cache", "db"}}))
      << "the app is well";
}

TEST_F(ReturnsTest, WhatCannotBeStartedAgainIsStrandedAndNamed) {
  proves("S1");
  agents_.cannot_start = {{"pangyo-1", "cache"}};
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, kExitStranded);
  EXPECT_EQ(outcome.verdict, Verdict::kStranded);
  EXPECT_NE(outcome.reason.find("cache on pangyo-1 could not be started again (no such file)"),
            std::string::npos)
      << outcome.reason;
  EXPECT_EQ(of(outcome, "pangyo-1", "cache").state, OutcomeReturn::State::kFailed);
  EXPECT_EQ(of(outcome, "pangyo-2", "app").state, OutcomeReturn::State::kWell) << "the others go on";
}

TEST_F(ReturnsTest, WhatWasDownBeforeStaysDownAndIsNoFinding) {
  agents_.was_down = {{"pangyo-1", "db"}};
  agents_.probe_succeeds = [this](const std::string& probe) {
    return probe.starts_with("check:db:pangyo-1") ? false : !dark();
  };
  experiment_.expect = Expect::kFail;
  const Outcome outcome = run();
  EXPECT_EQ(of(outcome, "pangyo-1", "db").state, OutcomeReturn::State::kWasDown);
  EXPECT_EQ(of(outcome, "pangyo-1", "db").started, 0);
  EXPECT_EQ(outcome.exit_code, kExitPass) << outcome.reason;
  EXPECT_EQ(outcome.faults.at(0).processes.at("db").killed, 1u);
}

TEST_F(ReturnsTest, WhatAnEarlierFaultKilledWasNotDownBefore) {
  Reports reports;
  contract::HostReport& report = reports["pangyo-1"];
  for (const auto& [fault, state] :
       {std::pair{"f1", contract::DownReport::STARTED}, {"f2", contract::DownReport::WAS_DOWN}}) {
    contract::DownReport& down = *report.add_down();
    down.set_fault(fault);
    down.set_service("db");
    down.set_state(state);
    down.set_started_unix_ns(7);
  }
  Outcome outcome;
  fill_returns({}, {}, {}, reports, {}, {}, outcome);
  ASSERT_EQ(outcome.returns.instances.size(), 1u);
  EXPECT_EQ(outcome.returns.instances[0].fault, "f1");
  EXPECT_EQ(outcome.returns.instances[0].state, OutcomeReturn::State::kWell);
}

TEST_F(ReturnsTest, AnAbortBringsEverythingBackAtOnce) {
  proves("S1,S4");
  for (const char* phase : {"hold", "return"}) {
    for (auto& [name, host] : agents_.hosts_seen) host = {};
    plan_.stages[0].instances[0].manual = true;
    UnixNs asked = 0;
    abort_when_ = [&]() -> std::optional<std::string> {
      if (observer_.phase != phase || !dark()) return std::nullopt;
      if (asked == 0) asked = agents_.now;
      return "stopped by a person";
    };
    const Outcome outcome = run();
    EXPECT_EQ(outcome.verdict, Verdict::kAborted) << phase;
    EXPECT_TRUE(nothing_armed()) << phase;
    for (const OutcomeReturn& each : outcome.returns.instances) {
      EXPECT_NE(each.started, 0) << phase << each.service;
      EXPECT_LE(each.started, asked + Duration(200ms).count()) << phase << each.service;
      EXPECT_NE(each.state, OutcomeReturn::State::kStarted) << phase << each.service << ": nobody looked";
    }
    EXPECT_EQ(of(outcome, "pangyo-1", "cache").state, OutcomeReturn::State::kUnseen) << phase;
    EXPECT_FALSE(outcome.recovery.looked_at) << phase;
    EXPECT_TRUE(outcome.recovery.not_back.empty()) << phase;
  }
}

TEST_F(ReturnsTest, AGuardKeepsToNoOrder) {
  Guard guard;
  guard.probe = "login";
  guard.success_ratio = {contract::COMPARISON_GREATER_EQUAL, 0.5, ">= 50%"};
  guard.over = 2s;
  guard.text = "login successRatio >= 50% over 2s";
  experiment_.guards.push_back(guard);
  const Outcome outcome = run();
  EXPECT_EQ(outcome.verdict, Verdict::kAborted);
  const auto names = phases(outcome);
  EXPECT_EQ(std::count(names.begin(), names.end(), "return"), 0);
  const UnixNs first = of(outcome, "pangyo-1", "db").started;
  EXPECT_NE(first, 0);
  EXPECT_EQ(of(outcome, "pangyo-2", "app").started, first);
  EXPECT_EQ(of(outcome, "pangyo-2", "app").by, "");
}

TEST_F(ReturnsTest, LeasesAreKeptUntilTheLastStage) {
  proves("S3");
  experiment_.recovery.pace_per_second = 0.05;
  const Outcome outcome = run();
  const OutcomePhase& back = *std::find_if(outcome.phases.begin(), outcome.phases.end(),
                                           [](const OutcomePhase& each) { return each.phase == "return"; });
  EXPECT_GT(back.end - back.start, Duration(20s).count());
  EXPECT_EQ(agents_.hosts_seen.at("pangyo-2").longest_silence, 100ms);
}

TEST_F(ReturnsTest, AnAgentThatIsLostOnTheWayBackIsWaitedForAndThenPassedOver) {
  experiment_.recovery.within = 10s;
  abort_when_ = [this]() -> std::optional<std::string> {
    if (observer_.phase == "return") agents_.silent.insert("pangyo-1");
    return std::nullopt;
  };
  const Outcome outcome = run();
  EXPECT_EQ(of(outcome, "pangyo-1", "db").state, OutcomeReturn::State::kDown);
  EXPECT_EQ(of(outcome, "pangyo-2", "app").state, OutcomeReturn::State::kWell);
  EXPECT_NE(outcome.exit_code, kExitPass);
  EXPECT_NE(outcome.exit_code, kExitStranded) << "its lease ends, and its agent starts everything";
}

TEST_F(ReturnsTest, TheRateIsOfHostsThatAreWellAgain) {
  plan_.stages = {{{"database"}, {back("pangyo-1", "db"), back("pangyo-2", "db")}},
                  {{}, {back("pangyo-1", "cache"), back("pangyo-2", "app")}}};
  const Outcome outcome = run();
  ASSERT_TRUE(outcome.returns.hosts_per_hour);
  UnixNs last = 0;
  for (const OutcomeReturn& each : outcome.returns.instances) last = std::max(last, each.well);
  const double took = seconds(Duration(last - outcome.faults.at(0).end));
  EXPECT_NEAR(*outcome.returns.hosts_per_hour, 2 * 3600 / took, 0.01);
  EXPECT_NEAR(seconds(*outcome.returns.extrapolated_32000), 16000 * took, 1);

  for (auto& [name, host] : agents_.hosts_seen) host = {};
  never_well_ = {"db"};
  experiment_.recovery.within = 2s;
  EXPECT_FALSE(run().returns.hosts_per_hour) << "no host is back";
}

TEST_F(ReturnsTest, AKillThatKilledNothingIsInconclusive) {
  agents_.was_down = {{"pangyo-1", "db"}, {"pangyo-2", "db"}, {"pangyo-1", "cache"}, {"pangyo-2", "app"}};
  agents_.probe_succeeds = [](const std::string&) { return true; };
  const Outcome outcome = run();
  EXPECT_EQ(outcome.verdict, Verdict::kInconclusive);
  EXPECT_EQ(outcome.reason, "0 processes matched: nothing was injected (f1 site-power-loss)");
  const auto names = phases(outcome);
  EXPECT_EQ(of(outcome, "pangyo-1", "db").started, 0);
}

TEST_F(ReturnsTest, ADrillWithoutPacketsHasAT0) {
  agents_.dropped_per_host = 0;
  for (auto& [host, order] : plan_.orders) order.mutable_faults()->Clear();
  for (PlanTarget& target : plan_.targets) target.faults.clear();
  contract::Fault& kill = *plan_.orders.at("pangyo-1").add_faults();
  kill.set_id("f1");
  kill.set_kind("service-kill");
  kill.set_start_ns(Duration(3s).count());
  kill.set_end_ns(Duration(20s).count());
  kill.mutable_process()->add_targets()->set_service("cache");
  for (PlanTarget& target : plan_.targets)
    if (target.host == "pangyo-1") target.faults.push_back({"f1", "service-kill", "ebpf", 3s, 20s});
  const Outcome outcome = run();
  EXPECT_EQ(outcome.t0, outcome.fired + Duration(3s).count());
  ASSERT_EQ(outcome.returns.instances.size(), 1u);
  EXPECT_EQ(of(outcome, "pangyo-1", "cache").fault, "f1");
}

}  // namespace
}  // namespace blackstart
