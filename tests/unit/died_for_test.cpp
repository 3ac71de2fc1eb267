// SPDX-License-Identifier: Apache-2.0
// What a fresh instance died for, as its last words and the checks of what it needs say.
#include "injector/conduct/cold_starts.h"

#include "agents/contract/ip.h"
#include "tests/unit/conduct_fixture.h"

namespace blackstart {
namespace {

// login needs session-cache and tokens, session-cache needs disks; pangyo holds cache and disks alone.
class ColdStartTest : public ConductTest {
 protected:
  ColdStartTest() {
    add("login", {{"pangyo-1", 8080}}, {"session-cache", "tokens"});
    add("session-cache", {{"pangyo-1", 6379}}, {"disks"});
    add("tokens", {{"pangyo-2", 9000}, {"anyang-1", 9000}}, {});
    add("disks", {{"pangyo-2", 3260}}, {});
    topology_.services["disks"].endpoints.push_back({"iscsi.store.lab", 3260});
    topology_.hosts["pangyo-1"].addresses = {*Address::parse("198.18.1.1")};
    topology_.hosts["pangyo-2"].addresses = {*Address::parse("198.18.1.2"), *Address::parse("fd00:18:1::2")};
    topology_.hosts["anyang-1"].addresses = {*Address::parse("198.18.2.1")};
    plan_.cold_starts.push_back({"c1", "login", "anyang-1", "anyang", 2s, 5s});
    auto& order = *plan_.orders.at("anyang-1").add_cold_starts();
    order.set_id("c1");
    order.set_service("login");
    order.set_start_ns(Duration(2s).count());
    order.set_end_ns(Duration(7s).count());
  }
  void add(const std::string& name, const std::vector<std::pair<std::string, uint16_t>>& where,
           const std::vector<std::string>& needs) {
    Service service;
    service.name = name;
    for (const auto& [host, port] : where) service.instances.push_back({host, port, std::nullopt, false, {}});
    for (const std::string& need : needs) service.needs.push_back({need, Need::While::kAny, {}});
    topology_.services[name] = service;
  }
  std::string blamed(const std::string& last_words) const {
    return died_for(topology_, "login", last_words, ImpactWatch(topology_, plan_), 0);
  }
  // What checks say for ten seconds when one service is down.
  ImpactWatch seen_with_down(const std::string& down) const {
    ImpactWatch watch(topology_, plan_);
    for (const contract::Probe& probe : watch.probes())
      for (uint64_t i = 0; i < 10; ++i) {
        contract::Sample sample;
        sample.set_probe(probe.name());
        sample.set_sequence(i);
        sample.set_scheduled_unix_ns(agents_.now + static_cast<int64_t>(i) * Duration(1s).count());
        sample.set_outcome(probe.name().starts_with("check:" + down + ":") ? contract::Sample::FAILURE
                                                                           : contract::Sample::SUCCESS);
        watch.add(sample);
      }
    return watch;
  }
  // As its agent says it once it is over.
  void ends(contract::ColdStartReport::State state, const std::string& last_words) {
    contract::ColdStartReport& report = agents_.cold_starts["c1"];
    report.set_id("c1");
    report.set_service("login");
    report.set_state(state);
    report.set_last_words(last_words);
    report.set_started_unix_ns(agents_.now + Duration(10s).count());
    report.set_settled_unix_ns(agents_.now + Duration(11s).count());
  }
};

TEST_F(ColdStartTest, LastWordsNameTheNeed) {
  const std::vector<std::pair<const char*, const char*>> kWords{
      {"cannot reach session-cache", "session-cache"},
      {"connect 198.18.1.1:6379: timed out", "session-cache"},
      {"connect to [fd00:18:1::2]:9000 failed", "tokens"},
      {"no route to 198.18.1.2:3260", "disks"},
      {"iscsi.store.lab: no such host", "disks"},
      {"disks and session-cache are away", "session-cache"},
      {"connect 198.18.1.11: timed out", ""},
      {"the session-cacher is unwell", ""},
      {"198.18.1.1:7777 refused", ""},
      {"login: I give up", ""},
      {"", ""}};
  for (const auto& [words, need] : kWords) EXPECT_EQ(blamed(words), need) << words;
}

TEST_F(ColdStartTest, LastWordsNameANeedNobodyDeclared) {
  add("registry", {{"pangyo-2", 5000}}, {});
  EXPECT_EQ(blamed("cannot pull registry.ops:5000/login"), "registry");
  EXPECT_EQ(blamed("neither registry nor tokens answer"), "tokens") << "a declared one comes first";
}

TEST_F(ColdStartTest, WithoutAWordTheNeedThatIsDownIsBlamed) {
  const ImpactWatch watch = seen_with_down("disks");
  const UnixNs died = agents_.now + Duration(8s).count();
  EXPECT_EQ(died_for(topology_, "login", "segmentation fault", watch, died), "disks");
  EXPECT_EQ(died_for(topology_, "login", "no tokens", watch, died), "tokens") << "its own word comes first";
  EXPECT_EQ(died_for(topology_, "tokens", "segmentation fault", watch, died), "") << "it needs nothing";
}

TEST_F(ColdStartTest, ANameThatIsNotResolvedIsTheNameServersFault) {
  add("ops-dns", {{"pangyo-2", 53}}, {});
  topology_.services["ops-dns"].role = "ops/dns";
  const UnixNs died = agents_.now + Duration(8s).count();
  const std::string words = "curl: (28) Resolving timed out; session-cache is not there";
  EXPECT_EQ(died_for(topology_, "login", words, seen_with_down("ops-dns"), died), "ops-dns");
  EXPECT_EQ(died_for(topology_, "login", words, seen_with_down("none"), died), "session-cache")
      << "the name server answers";
}

TEST_F(ColdStartTest, OneThatDiesIsAFindingAndEvidence) {
  ends(contract::ColdStartReport::DIED, "connect 198.18.1.1:6379: timed out");
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, kExitPass) << outcome.reason;
  ASSERT_EQ(outcome.cold_starts.size(), 1u);
  const OutcomeColdStart& login = outcome.cold_starts[0];
  EXPECT_EQ(login.state, "died");
  EXPECT_EQ(login.died_for, "session-cache");
  EXPECT_EQ(login.site, "anyang");
  EXPECT_EQ(login.took, 1s);
  ASSERT_TRUE(login.at);
  const auto evidence = std::find_if(outcome.single_site.begin(), outcome.single_site.end(),
                                     [](const auto& each) { return each.evidence == "cold_start"; });
  ASSERT_NE(evidence, outcome.single_site.end());
  EXPECT_EQ(evidence->dependency, "session-cache");
  EXPECT_EQ(evidence->site, "pangyo");
}

TEST_F(ColdStartTest, OneThatIsReadyIsNoEvidence) {
  ends(contract::ColdStartReport::READY, "");
  const Outcome outcome = run();
  EXPECT_EQ(outcome.cold_starts.at(0).state, "ready");
  EXPECT_EQ(outcome.cold_starts[0].died_for, "");
  EXPECT_TRUE(outcome.single_site.empty());
}

TEST_F(ColdStartTest, ANeedInTwoSitesIsNoSingleSite) {
  ends(contract::ColdStartReport::LATE, "waiting for tokens");
  const Outcome outcome = run();
  EXPECT_EQ(outcome.cold_starts.at(0).died_for, "tokens");
  EXPECT_TRUE(outcome.single_site.empty());
}

TEST_F(ColdStartTest, OneThatNobodyStartedLeavesTheQuestionOpen) {
  const Outcome outcome = run();
  EXPECT_EQ(outcome.cold_starts.at(0).state, "waiting");
  EXPECT_EQ(outcome.exit_code, kExitInconclusive);
  EXPECT_NE(outcome.reason.find("what login needs to start in anyang is not known"), std::string::npos)
      << outcome.reason;
}

}  // namespace
}  // namespace blackstart
