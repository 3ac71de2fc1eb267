// SPDX-License-Identifier: Apache-2.0

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "injector/record/judge.h"
#include "injector/record/metrics_table.h"
#include "injector/record/outcome_json.h"
#include "injector/record/score.h"
#include "tests/support/promise.h"
#include "tests/unit/outcome_fixture.h"

namespace blackstart {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

// Every combination of facts, against the order of precedence written out as a list.
TEST(Judge, TheFirstOfThePrecedenceWins) {
  const std::optional<bool> kThree[]{true, false, std::nullopt};
  int combinations = 0;
  for (int bits = 0; bits < 32; ++bits)
    for (const auto& first : kThree)
      for (const auto& second : kThree)
        for (const auto& recovered : kThree) {
          RunFacts facts;
          facts.stranded = bits & 1;
          facts.error = bits & 2;
          facts.aborted = bits & 4;
          facts.injected = facts.touched = bits & 8;
          facts.expect_failure = bits & 16;
          facts.hypothesis = {first, second};
          facts.recovered = recovered;
          const bool any_failed = first == std::optional(false) || second == std::optional(false);
          const bool any_unknown = !first || !second;
          const bool held = !any_failed && !any_unknown;
          int expected;
          if (facts.stranded)
            expected = 7;
          else if (facts.error)
            expected = 70;
          else if (facts.aborted)
            expected = 2;
          else if (!facts.injected)
            expected = 3;
          else if (recovered == std::optional(false))
            expected = 1;
          else if (facts.expect_failure ? held : any_failed)
            expected = 1;
          else if (!recovered || (!any_failed && any_unknown))
            expected = 3;
          else
            expected = 0;
          const Judgement judgement = judge(facts);
          EXPECT_EQ(judgement.exit_code, expected) << "bits " << bits;
          EXPECT_FALSE(judgement.reason.empty());
          if (judgement.exit_code == 0) {
            EXPECT_EQ(judgement.verdict, facts.expect_failure ? Verdict::kFail : Verdict::kPass);
          }
          EXPECT_EQ(judgement.recovery == Verdict::kNone, !facts.injected);
          ++combinations;
        }
  EXPECT_EQ(combinations, 32 * 27);
}

TEST(ExitCode, NothingHidesThatSomethingWasLeftBehind) {
  EXPECT_EQ(graver(kExitStranded, kExitInternal), kExitStranded);
  EXPECT_EQ(graver(kExitMissing, kExitStranded), kExitStranded);
  EXPECT_EQ(graver(kExitPass, kExitMissing), kExitMissing);
  EXPECT_EQ(graver(kExitFail, kExitInternal), kExitInternal);
  EXPECT_EQ(graver(kExitInconclusive, kExitFail), kExitInconclusive);
}

TEST(Judge, WithoutAHypothesisTheRecoveryDecides) {
  RunFacts facts;
  facts.injected = facts.touched = true;
  facts.recovered = true;
  EXPECT_EQ(judge(facts).verdict, Verdict::kPass);
  facts.recovered = false;
  EXPECT_EQ(judge(facts).exit_code, kExitFail);
  EXPECT_EQ(judge(facts).recovery, Verdict::kFail);
}

TEST(Judge, WhatWasKilledAndDoesNotGetWellIsAFailedRecovery) {
  RunFacts facts;
  facts.injected = facts.touched = true;
  facts.asked = false;
  facts.never_well = {"db on pangyo-1"};
  EXPECT_EQ(judge(facts).exit_code, kExitFail) << "also where nothing else was asked";
  EXPECT_EQ(judge(facts).recovery, Verdict::kFail);
  facts.asked = facts.expect_failure = true;
  facts.hypothesis = {false};
  facts.recovered = true;
  EXPECT_EQ(judge(facts).exit_code, kExitFail) << "expect: fail is about the hypothesis alone";
  facts.stranded = true;
  EXPECT_EQ(judge(facts).exit_code, kExitStranded);
}

// ------------------------------------------------------------------------------------------------

TEST(Score, UnknownCountsNowhere) {
  proves("S15");
  const PredictionScore s = score(pangyo_went_dark());
  EXPECT_EQ(s.hurt_as_predicted, 1u);
  EXPECT_THAT(s.missed, ::testing::ElementsAre("send"));
  EXPECT_THAT(s.false_alarms, ::testing::ElementsAre("gateway"));
  EXPECT_THAT(s.unknown, ::testing::ElementsAre("session-cache"));
  EXPECT_EQ(s.precision, 0.5);
  EXPECT_EQ(s.recall, 0.5);
  EXPECT_EQ(score(Outcome{}).precision, std::nullopt);
}

TEST(Score, WhatWasHurtBeforeTheCutCountsNowhere) {
  proves("S15");
  Outcome outcome = pangyo_went_dark();
  outcome.services["send"].before = Impact::kDegraded;   // observed degraded, predicted unaffected
  outcome.services["gateway"].before = Impact::kDown;    // observed ok, predicted degraded
  outcome.services["login"].before = Impact::kDegraded;  // observed down: that is the run's doing
  const PredictionScore s = score(outcome);
  EXPECT_THAT(s.hurt_before, ::testing::ElementsAre("gateway", "send"));
  EXPECT_EQ(s.hurt_as_predicted, 1u);
  EXPECT_EQ(s.precision, 1.0);
  EXPECT_EQ(s.recall, 1.0);
  EXPECT_TRUE(s.missed.empty() && s.false_alarms.empty());
  const std::string text = prometheus_text(outcome);
  EXPECT_THAT(text,
              HasSubstr("blackstart_service_impact{basis=\"observed\",service=\"send\",tier=\"2\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("blackstart_blast_radius_services_ratio{basis=\"observed\"} 1\n"));
  EXPECT_EQ(outcome_json(outcome)["services"]["send"]["before"], "degraded");
}

// ------------------------------------------------------------------------------------------------

TEST(OutcomeJson, ReadsBackWhatItWrote) {
  for (const Outcome& outcome : {pangyo_went_dark(), pangyo_went_dark_bridged(), pangyo_lost_power()}) {
    const json written = outcome_json(outcome);
    const auto read = read_outcome(json::parse(written.dump()));
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(outcome_json(*read), written);
    EXPECT_EQ(read->t0, outcome.t0);
    EXPECT_EQ(read->fired, outcome.fired);
    EXPECT_EQ(read->probes.at("login").last_failure, outcome.probes.at("login").last_failure);
    EXPECT_EQ(read->services.at("session-cache").observed, outcome.services.at("session-cache").observed);
    EXPECT_EQ(read->services.at("send").before, outcome.services.at("send").before);
    EXPECT_EQ(read->apply_skew, outcome.apply_skew);
  }
}

TEST(OutcomeJson, WhatIsNotKnownIsNull) {
  proves("S15");
  Outcome o = pangyo_went_dark();
  json out = outcome_json(o);
  EXPECT_EQ(out["t0"], "2023-11-14T22:13:20.123Z");
  EXPECT_TRUE(out["probes"]["photo"]["during"].is_null());
  EXPECT_TRUE(out["probes"]["photo"]["impactFrom"].is_null());
  EXPECT_EQ(out["probes"]["login"]["impactFrom"], 0.5);
  EXPECT_EQ(out["services"]["session-cache"]["observed"], "unknown");
  EXPECT_EQ(out["services"]["gateway"]["observed"], "ok");
  EXPECT_EQ(out["services"]["login"]["predicted"], "down");
  EXPECT_TRUE(out["hypothesis"][1]["met"].is_null());
  EXPECT_EQ(out["faults"][0]["packets"]["dropped"], 1234);
  EXPECT_TRUE(out["faults"][0]["processes"]["killed"].is_null());
  o.t0 = 0;  // no packet was hit: times count from the common instant
  o.faults[0].first_effect = 0;
  out = outcome_json(o);
  EXPECT_TRUE(out["t0"].is_null());
  EXPECT_TRUE(out["faults"][0]["firstEffect"].is_null());
  EXPECT_EQ(out["fired"], 0.0);
  const auto read = read_outcome(out);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->t0, 0);
  EXPECT_EQ(read->fired, o.fired);
}

TEST(OutcomeJson, TellsWhatBecameOfProcesses) {
  const Outcome outcome = pangyo_lost_power();
  const json out = outcome_json(outcome);
  EXPECT_EQ(out["faults"][1]["processes"]["killed"], 4);
  EXPECT_EQ(out["faults"][1]["processes"]["respawnsKilled"], 41);
  EXPECT_EQ(out["faults"][1]["processes"]["services"]["login"]["killed"], 3);
  EXPECT_EQ(out["returns"]["instances"][0]["state"], "well");
  EXPECT_EQ(out["returns"]["instances"][0]["by"], "alice");
  EXPECT_EQ(out["returns"]["instances"][0]["asked"], 67.0);
  EXPECT_TRUE(out["returns"]["instances"][1]["well"].is_null());
  EXPECT_EQ(out["returns"]["extrapolated32000"], 288000.0);
  EXPECT_EQ(out["coldStarts"][0]["diedFor"], "session-cache");
  EXPECT_EQ(out["absent"], json({"the network team"}));
  const auto read = read_outcome(out);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->returns.instances[0].well, outcome.returns.instances[0].well);
  EXPECT_EQ(waited_for_people(read->returns.instances[0]), std::chrono::seconds(7));
  EXPECT_EQ(read->roles, outcome.roles);
}

TEST(Metrics, TellProcessesCyclesAndColdStarts) {
  Outcome outcome = pangyo_lost_power();
  outcome.single_site.push_back({"login", "session-cache", "pangyo", "cold_start"});
  const std::string text = prometheus_text(outcome);
  for (const char* line :
       {"blackstart_processes_killed_total{fault=\"f2\",respawn=\"false\",service=\"login\"} 3\n",
        "blackstart_processes_killed_total{fault=\"f2\",respawn=\"true\",service=\"login\"} 41\n",
        "blackstart_dependency_cycle_members{cycle=\"gateway,login\"} 2\n", "evidence=\"cold_start\""})
    EXPECT_THAT(text, HasSubstr(line));
}

TEST(OutcomeJson, ReadsOlderRecords) {
  json older = outcome_json(pangyo_went_dark());
  for (const char* key : {"changes", "seriesStep", "warnings", "blind", "untouched", "versions", "returns",
                          "coldStarts", "roles", "absent"})
    older.erase(key);
  older["faults"][0]["processes"] = {{"killed", nullptr}, {"respawnsKilled", nullptr}};
  for (auto& [name, probe] : older["probes"].items()) probe.erase("series");
  for (auto& [name, service] : older["services"].items()) service.erase("before");
  for (auto& [name, probe] : older["probes"].items())
    for (const char* key : {"failed", "stillFailing"}) probe.erase(key);
  older["recovery"].erase("notBack");
  for (const json& head : {json(), json(std::string(64, 'b'))}) {
    older["log"]["head"] = head;
    const auto read = read_outcome(older);
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(read->log_head, head.is_null() ? "" : std::string(64, 'b'));
    EXPECT_TRUE(read->changes.empty() && read->versions.empty());
    EXPECT_EQ(read->probes.at("login").failures, 122u);
    EXPECT_EQ(read->probes.at("login").failed, std::chrono::milliseconds(60'500));
    EXPECT_TRUE(read->recovery.looked_at);
  }
  older["log"].erase("head");
  EXPECT_TRUE(read_outcome(older));
}

TEST(OutcomeJson, TextOfWhatIsNoUtf8IsStillJson) {
  Outcome outcome = pangyo_went_dark();
  outcome.probes["login"].last_reason = "answered \xff\xfe";
  const json parsed = json::parse(json_text(outcome_json(outcome)), nullptr, false);
  ASSERT_FALSE(parsed.is_discarded());
  EXPECT_EQ(parsed["probes"]["login"]["lastReason"], "answered \xef\xbf\xbd\xef\xbf\xbd");
}

TEST(OutcomeJson, RefusesWhatItDidNotWrite) {
  EXPECT_FALSE(read_outcome(json::array()));
  json other = outcome_json(pangyo_went_dark());
  other["kind"] = "Plan";
  EXPECT_FALSE(read_outcome(other));
  other = outcome_json(pangyo_went_dark());
  other["probes"]["login"].erase("during");
  EXPECT_FALSE(read_outcome(other));
}

// ------------------------------------------------------------------------------------------------

TEST(Metrics, UnknownIsAbsentOrItsOwnValue) {
  proves("S15");
  const std::string text = prometheus_text(pangyo_went_dark());
  EXPECT_THAT(text, HasSubstr("blackstart_verdict{verdict=\"fail\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("blackstart_verdict{verdict=\"pass\"} 0\n"));
  EXPECT_THAT(
      text,
      HasSubstr("blackstart_service_impact{basis=\"observed\",service=\"session-cache\",tier=\"1\"} -1\n"));
  EXPECT_THAT(text,
              HasSubstr("blackstart_service_impact{basis=\"predicted\",service=\"login\",tier=\"1\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("blackstart_prediction_recall_ratio{experiment=\"pangyo-blackhole\"} 0.5\n"));
  EXPECT_THAT(text, HasSubstr("blackstart_fault_effectiveness_ratio{fault=\"f1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("blackstart_single_site_dependency{dependency=\"session-cache\",evidence="
                              "\"declared\",role=\"cache\""));
  EXPECT_THAT(text, Not(HasSubstr("requests_ratio"))) << "one journey is unknown, so the sum is";
  EXPECT_THAT(text, HasSubstr("user_seconds_total{journey=\"login\"}"));
  EXPECT_THAT(text, Not(HasSubstr("user_seconds_total{journey=\"photo\"}")))
      << "what nobody saw during the cut is not 0";
  EXPECT_THAT(prometheus_text(pangyo_went_dark_bridged()),
              HasSubstr("blackstart_blast_radius_requests_ratio{basis=\"observed\"} 0.0042"));
  EXPECT_THAT(text, HasSubstr("blackstart_fault_revert_seconds{fault=\"f1\",reason=\"end\"} 0.25\n"));
  EXPECT_THAT(text, HasSubstr("blackstart_recovered_hosts_ratio{site=\"pangyo\"} 1\n"));
  Outcome cut_off = pangyo_went_dark();
  cut_off.faults[0].ended_by.clear();
  cut_off.recovery.curve.pop_back();
  const std::string unheard = prometheus_text(cut_off);
  EXPECT_THAT(unheard, Not(HasSubstr("revert_seconds"))) << "not every host said how it ended";
  EXPECT_THAT(unheard, HasSubstr("blackstart_recovered_hosts_ratio{site=\"pangyo\"} 0\n"));
  cut_off.recovery.looked_at = false;
  EXPECT_THAT(prometheus_text(cut_off), Not(HasSubstr("recovered_hosts")));
  EXPECT_TRUE(outcome_json(cut_off)["recovery"]["notBack"].is_null());
  cut_off.recovery = {};
  EXPECT_THAT(prometheus_text(cut_off), Not(HasSubstr("recovered_hosts")));
  Outcome early = pangyo_went_dark();
  early.faults[0].last_effect = early.faults[0].end - 1'000'000'000;
  EXPECT_THAT(prometheus_text(early),
              HasSubstr("blackstart_fault_revert_seconds{fault=\"f1\",reason=\"end\"} 0\n"));
  Outcome silent = pangyo_went_dark();
  silent.faults[0].dropped = 0;
  EXPECT_THAT(prometheus_text(silent), HasSubstr("blackstart_fault_effectiveness_ratio{fault=\"f1\"} NaN\n"));
}

TEST(Metrics, EverySampleHasTheLabelsOfItsRow) {
  for (const Metric& metric : metrics_table()) {
    EXPECT_TRUE(std::string(metric.name).starts_with("blackstart_"));
    EXPECT_EQ(std::string(metric.name).ends_with("_total"), std::string(metric.type) == "counter")
        << metric.name;
    std::set<std::string> declared;
    std::istringstream words(metric.labels);
    for (std::string word; words >> word;) declared.insert(word);
    auto samples = metric.samples(pangyo_went_dark_bridged());
    if (samples.empty()) samples = metric.samples(pangyo_lost_power());
    const bool may_be_absent =
        std::set<std::string>{"blackstart_single_site_dependency", "blackstart_run_phase"}.contains(
            metric.name);
    EXPECT_FALSE(samples.empty() && !may_be_absent) << metric.name;
    for (const MetricSample& sample : samples) {
      std::set<std::string> used;
      for (const auto& [key, value] : sample.labels) used.insert(key);
      EXPECT_EQ(used, declared) << metric.name;
    }
  }
}

}  // namespace
}  // namespace blackstart
