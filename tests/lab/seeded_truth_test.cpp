// SPDX-License-Identifier: Apache-2.0
// One drill on servers that write down what they did: what the run says is what they say, in every format.
#include <gmock/gmock.h>

#include "tests/lab/seeded_facts.h"
#include "tests/lab/seeded_truth.h"
#include "tests/support/promise.h"

namespace blackstart {
namespace {

constexpr const char* kHead = R"(
apiVersion: blackstart/v1
kind: Experiment
metadata: {name: seeded-truth, summary: What is known beforehand and what is told}
spec:
  steadyState:
    for: 1s
    probes:
      - {name: shop, from: phone-1, every: 200ms, timeout: 900ms, weight: 0.4, http: {url: "http://198.18.1.11:8080/buy", status: 200}}
      - {name: news, from: phone-1, every: 200ms, timeout: 900ms, weight: 0.3, http: {url: "http://198.18.2.11:8080/read", status: 200}}
      - {name: pay, from: phone-1, every: 200ms, timeout: 900ms, weight: 0.2, http: {url: "http://198.18.2.12:8080/pay", status: 200}}
      - {name: search, from: phone-1, every: 200ms, timeout: 900ms, weight: 0.1, http: {url: "http://198.18.2.13:8080/find", status: 200}}
  recovery: {watch: 2s}
)";
constexpr const char* kRest = R"(
  timeline: [{at: 0s, fault: site-blackhole, site: pangyo, for: 10s}]
  hypothesis:  # over less than a period: each attempt for itself
    - {probe: shop, successRatio: ">= 99%", over: 150ms, within: 8s}
    - {probe: news, successRatio: ">= 99%", over: 150ms, within: 8s}
    - {probe: pay, successRatio: ">= 99%", over: 150ms, within: 8s}
  objectives: {detect: 30s, mitigate: 20m, recover: 4h}
)";

struct Journey {
  const char *name, *host, *path;
  bool cut;  // while the cut lasts nobody reaches its server
};
constexpr Journey kJourneys[]{{"shop", "pangyo-shop-1", "/buy", true},
                              {"news", "anyang-news-1", "/read", false},
                              {"pay", "anyang-pay-1", "/pay", false},
                              {"search", "anyang-search-1", "/find", false}};

// All tests but the last look at the same run.
class SeededTruth : public SeededLab {
 protected:
  void SetUp() override {
    SeededLab::SetUp();
    if (IsSkipped() || HasFatalFailure() || drilled_) return;
    drilled_ = drill(std::string(kHead) + kRest,
                     {{"detected", 1500ms}, {"acknowledged", 2500ms}, {"decided", 3500ms}});
  }

  static const SeededRun& run() { return *drilled_; }
  static const json& probe(const char* name) { return run().outcome["probes"][name]; }
  static UnixNs cut_end() { return run().moment(run().outcome["faults"][0]["end"]); }
  // Up to where the run counted: no mark `command` was made, so that time ends there.
  static UnixNs ended() { return run().moment(run().time("command")["took"]); }
  static const ServerLog& log(const char* host) { return run().logs.at(host); }

  // `at` lies in [from, to], but for the slack of a busy machine.
  static void expect_in(UnixNs at, UnixNs from, UnixNs to, const std::string& what) {
    EXPECT_GE(seconds(Duration(at - from)), -seconds(kSlack)) << what;
    EXPECT_LE(seconds(Duration(at - to)), seconds(kSlack)) << what;
  }
  static void expect_every_format_says(const SeededRun& run) {
    std::map<std::string, std::string> texts;
    for (const auto& [format, text] : run.formats) texts[format] = plain(format, text);
    for (const Fact& fact : facts_of(run.outcome))
      for (const auto& [format, words] : fact.reads)
        EXPECT_TRUE(says(texts.at(format), words)) << fact.what << " in " << format << ": " << words;
  }

 private:
  static inline std::optional<SeededRun> drilled_;
};

TEST_F(SeededTruth, TheCutIsWhereTheServersSawIt) {
  const UnixNs silent = log("anyang-search-1").when("silent"), heard = log("anyang-search-1").when("heard");
  ASSERT_GT(silent, 0);
  ASSERT_GT(heard, 0);
  const json& fault = run().outcome["faults"][0];
  expect_in(run().zero(), silent, silent + Duration(20ms).count(), "T0");
  expect_in(cut_end(), heard - Duration(40ms).count(), heard, "the end of the cut");
  EXPECT_NEAR(seconds(Duration(cut_end() - run().moment(run().outcome["fired"]))), seconds(kCut), 1e-6);
  EXPECT_EQ(fault["packets"]["leaked"], 0);
  EXPECT_EQ(log("pangyo-shop-1").answered("/buy", 200, run().zero(), cut_end()), 0);
  uint64_t dropped = 0;
  for (const json& pair : fault["pairs"])
    if (pair["verdict"] == "drop") dropped += pair["packets"].get<uint64_t>();
  EXPECT_EQ(fault["packets"]["dropped"], dropped);
  EXPECT_GT(dropped, 2 * kCut / kPeriod);
}

TEST_F(SeededTruth, EveryAttemptIsCountedThatAServerAnsweredOrNobodyCould) {
  const UnixNs from = run().moment(run().outcome["phases"][0]["start"]);
  for (const Journey& journey : kJourneys) {
    const json& told = probe(journey.name);
    const ServerLog& server = log(journey.host);
    const int well = server.answered(journey.path, 200, from, ended()),
              bad = server.answered(journey.path, 503, from, ended());
    const int attempts = told["attempts"], failures = told["failures"];
    SCOPED_TRACE(journey.name);
    EXPECT_NEAR(attempts - failures, well, 1) << "one may have been on its way when the counting ended";
    EXPECT_NEAR(failures - bad, journey.cut ? kCut / kPeriod : 0, journey.cut ? 1 : 0);
    EXPECT_EQ(told["missed"], 0);
    EXPECT_EQ(told["before"], 1.0);
    EXPECT_EQ(told["after"], 1.0);
    uint64_t in_series = 0;
    for (const json& span : told["series"]) in_series += span["failures"].get<uint64_t>();
    EXPECT_EQ(told["failures"], in_series);

    const double reached = server.answered(journey.path, 200, run().zero(), cut_end());
    EXPECT_NEAR(told["during"], reached / static_cast<double>(kCut / kPeriod), 0.05);
  }
  EXPECT_EQ(probe("news")["failures"], 0);
  EXPECT_GT(probe("pay")["failures"], 10) << "it was silent for three seconds";
}

TEST_F(SeededTruth, WhoFailedIsWhoCouldNotAnswer) {
  struct Said {
    const char *service, *predicted, *observed;
  };
  for (const Said& said : {Said{"shop", "down", "down"}, Said{"news", "unaffected", "ok"},
                           Said{"pay", "degraded", "degraded"}, Said{"search", "unaffected", "ok"}}) {
    const json& told = run().outcome["services"][said.service];
    EXPECT_EQ(told["predicted"], said.predicted) << said.service;
    EXPECT_EQ(told["observed"], said.observed) << said.service;
  }
  // Of search alone the check says well while the journey fails. It is looked at second by second.
  ASSERT_EQ(run().outcome["gray"].size(), 1u) << run().outcome["gray"];
  const json& gray = run().outcome["gray"][0];
  EXPECT_EQ(gray["service"], "search");
  EXPECT_EQ(gray["journey"], "search");
  const UnixNs silent = log("anyang-search-1").when("silent"), heard = log("anyang-search-1").when("heard");
  constexpr int64_t kSecond = 1'000'000'000;
  expect_in(run().moment(gray["from"]), silent, silent + kSecond, "from");
  expect_in(run().moment(gray["to"]), heard - kSecond, heard, "to");
}

TEST_F(SeededTruth, TimesAreTheMomentsOfPeopleAndServers) {
  const auto took = [](const char* name, const char* journey = "") {
    const json time = run().time(name, journey);
    EXPECT_FALSE(time["censored"]) << name << " " << journey;
    return run().moment(time["took"]);
  };
  for (const auto& [mark, time] : std::map<std::string, const char*>{
           {"detected", "detect"}, {"acknowledged", "acknowledge"}, {"decided", "decide"}})
    EXPECT_NEAR(seconds(Duration(took(time) - run().said.at(mark))), 0.1, 0.1) << mark;

  const UnixNs promoted = log("anyang-pay-1").when("promoted"), heard = log("anyang-search-1").when("heard");
  ASSERT_GT(promoted, 0);
  const int64_t period = kPeriod.count();
  expect_in(took("mitigate", "pay"), promoted, promoted + period, "mitigate pay");
  expect_in(took("recover", "pay"), promoted, promoted + period, "recover pay");
  expect_in(took("recover", "search"), heard, heard + period, "recover search");
  expect_in(took("recover", "shop"), cut_end(), cut_end() + period, "recover shop");
  expect_in(took("full-restore"), cut_end(), cut_end() + 1'000'000'000, "full-restore");
  EXPECT_EQ(run().time("mitigate", "news")["took"], 0);
  EXPECT_EQ(run().time("recover", "news")["took"], 0);
  EXPECT_GE(took("full-restore"), took("recover", "search"));
  for (const char* journey : {"news", "pay"}) {
    const json& told = run().outcome["hypothesis"][journey == std::string("news") ? 1 : 2];
    EXPECT_EQ(told["probe"], journey);
    EXPECT_EQ(told["at"], run().time("mitigate", journey)["took"]);
  }

  // Nobody took command, and shop did not come back as long as it could have been mitigated.
  EXPECT_TRUE(run().time("command")["censored"]);
  EXPECT_TRUE(run().time("mitigate", "shop")["censored"]);
  expect_in(run().moment(run().time("mitigate", "shop")["took"]), cut_end(), cut_end(), "mitigate shop");

  const json& objectives = run().outcome["objectives"];
  ASSERT_EQ(objectives.size(), 3u);
  EXPECT_EQ(objectives[0]["achieved"], run().time("detect")["took"]);
  EXPECT_EQ(objectives[1]["achieved"], run().time("mitigate", "shop")["took"]);
  EXPECT_TRUE(objectives[1]["censored"]) << "a bound is no answer";
  EXPECT_EQ(objectives[2]["achieved"],
            std::max(run().time("recover", "search")["took"], run().time("recover", "shop")["took"]));
  EXPECT_FALSE(objectives[2]["censored"]);
}

TEST_F(SeededTruth, PangyoIsAwayForTheWholeCutAndThenBack) {
  const json& recovery = run().outcome["recovery"];
  EXPECT_EQ(recovery["services"], 4);
  EXPECT_EQ(recovery["hosts"], (json{{"pangyo", 2}, {"anyang", 3}}));
  ASSERT_FALSE(recovery["curve"].empty());
  for (const json& point : recovery["curve"]) {
    const UnixNs at = run().moment(point["at"]);
    if (at < cut_end()) {
      EXPECT_EQ(point["hosts"]["pangyo"], 0) << point;
      EXPECT_EQ(point["services"], 2) << "news and search: " << point;
    } else if (at >= cut_end() + 1'000'000'000) {
      EXPECT_EQ(point["hosts"]["pangyo"], 2) << point;
    }
  }
  // pay's standby, whose check tells the truth, is away until it takes over.
  EXPECT_EQ(recovery["curve"].front()["hosts"]["anyang"], 2);
  const auto whole = std::find_if(recovery["curve"].begin(), recovery["curve"].end(),
                                  [](const json& point) { return point["hosts"]["anyang"] == 3; });
  ASSERT_NE(whole, recovery["curve"].end());
  const UnixNs promoted = log("anyang-pay-1").when("promoted");
  expect_in(run().moment((*whole)["at"]), promoted - 1'000'000'000, promoted + 1'000'000'000,
            "anyang is whole");
  EXPECT_EQ(recovery["curve"].back()["hosts"], recovery["hosts"]);
  EXPECT_EQ(recovery["curve"].back()["services"], 4);
}

TEST_F(SeededTruth, TheVerdictIsWhatShopAloneDeserves) {
  EXPECT_EQ(run().result.exit_code, 1);
  EXPECT_EQ(run().outcome["exitCode"], 1);
  EXPECT_EQ(run().outcome["verdict"], "fail");
  EXPECT_EQ(run().outcome["recoveryVerdict"], "pass");
  EXPECT_EQ(run().outcome["reason"], "the hypothesis failed: shop");
  EXPECT_TRUE(run().outcome["residue"].empty());
  std::map<std::string, bool> met;
  for (const json& each : run().outcome["hypothesis"]) met[each["probe"]] = each["met"];
  EXPECT_EQ(met, (std::map<std::string, bool>{{"shop", false}, {"news", true}, {"pay", true}}));
}

TEST_F(SeededTruth, EveryFormatSaysTheSame) {
  expect_every_format_says(run());
  // What is kept, and what is asked for later, are one.
  EXPECT_EQ(json::parse(run().formats.at("json"), nullptr, false), run().outcome);

  // Were a number another, it would be found missing.
  json other = run().outcome;
  other["probes"]["shop"]["failures"] = probe("shop")["failures"].get<int>() + 1;
  for (json& time : other["times"]) time["took"] = time["took"].get<double>() + 0.001;
  std::map<std::string, int> found;
  for (const Fact& fact : facts_of(other))
    if (fact.what == "probe shop" || fact.what == "failures of shop" || fact.what == "full-restore ")
      for (const auto& [format, words] : fact.reads)
        found[format] += says(plain(format, run().formats.at(format)), words);
  EXPECT_EQ(found, (std::map<std::string, int>{
                       {"html", 0}, {"junit", 0}, {"markdown", 0}, {"prometheus", 0}, {"terminal", 0}}));
}

TEST_F(SeededTruth, TheEventLogSaysTheSame) {
  proves("S14");
  const json& outcome = run().outcome;
  const json& verdict = run().event("verdict")["data"];
  for (const char* key : {"verdict", "exitCode", "reason"}) EXPECT_EQ(verdict[key], outcome[key]) << key;
  EXPECT_EQ(run().event("run")["data"]["hash"], outcome["hash"]);
  EXPECT_EQ(run().event("fire")["data"]["at"], rfc3339(run().moment(outcome["fired"])));
  EXPECT_EQ(run().events.back()["hash"], outcome["log"]["head"]);
  size_t phases = 0, marks = 0;
  for (const json& event : run().events) {
    if (event["type"] == "phase") {
      ASSERT_LT(phases, outcome["phases"].size());
      const json& told = outcome["phases"][phases++];
      EXPECT_EQ(event["data"]["phase"], told["phase"]);
      expect_in(event["unix_ns"], run().moment(told["start"]), run().moment(told["start"]), told["phase"]);
    } else if (event["type"] == "mark") {
      ASSERT_LT(marks, outcome["marks"].size());
      const json& told = outcome["marks"][marks++];
      for (const char* key : {"mark", "source", "note"}) EXPECT_EQ(event["data"][key], told[key]);
      EXPECT_EQ(event["data"]["at"], rfc3339(run().moment(told["at"])));
    }
  }
  EXPECT_EQ(phases, outcome["phases"].size());
  EXPECT_EQ(marks, 3u);
}

// The same cut, shorter, of which only what stands in Anyang is asked: it passes, and nobody's times are
// known.
TEST_F(SeededTruth, WhatStandsInAnyangPasses) {
  const SeededRun passed = drill(std::string(kHead) + R"(
  timeline: [{at: 0s, fault: site-blackhole, site: pangyo, for: 3s}]
  hypothesis: [{probe: news, successRatio: ">= 99%", over: 150ms, within: 1s}]
  objectives: {detect: 30s, mitigate: 20m}
)");
  EXPECT_EQ(passed.result.exit_code, 0) << passed.result.out;
  EXPECT_EQ(passed.outcome["verdict"], "pass");
  EXPECT_EQ(passed.outcome["recoveryVerdict"], "pass");
  EXPECT_EQ(passed.outcome["probes"]["news"]["failures"], 0);
  EXPECT_NEAR(passed.outcome["probes"]["shop"]["failures"], 15, 1);
  EXPECT_EQ(passed.outcome["objectives"][0]["achieved"], nullptr) << "nobody said anything";
  EXPECT_EQ(passed.outcome["objectives"][1]["achieved"], 0);
  for (const json& time : passed.outcome["times"])
    EXPECT_THAT(time["time"].get<std::string>(), testing::AnyOf("mitigate", "recover", "full-restore"));
  expect_every_format_says(passed);
}

}  // namespace
}  // namespace blackstart
