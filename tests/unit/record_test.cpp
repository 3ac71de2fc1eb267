// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "injector/plan/sha256.h"
#include "injector/record/event_log.h"
#include "injector/record/judge.h"
#include "injector/record/lever.h"
#include "injector/record/metrics_table.h"
#include "injector/record/outcome_json.h"
#include "injector/record/record.h"
#include "injector/record/run_registry.h"
#include "injector/record/score.h"
#include "tests/support/promise.h"
#include "tests/unit/outcome_fixture.h"

namespace blackstart {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

// ------------------------------------------------------------------------------------------------

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

// ------------------------------------------------------------------------------------------------

class Log : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = std::filesystem::temp_directory_path() / ("record_test_" + std::to_string(::getpid()));
    std::filesystem::create_directories(dir_);
    file_ = dir_ / "events.log";
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::string write_three() {
    auto log = EventLog::create(file_).value();
    EXPECT_EQ(log.head(), "");
    EXPECT_TRUE(log.append("armed", {{"hosts", 3}}, 100));
    EXPECT_TRUE(log.append("fired", {{"t0", 1.5}, {"note", "판교 \"dark\"\n"}}, 200));
    EXPECT_TRUE(log.append("reverted", json::object(), 300));
    return log.head();
  }
  std::string content() const {
    std::ifstream in(file_);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void replace(const std::string& text) const { std::ofstream(file_, std::ios::trunc) << text; }

  std::filesystem::path dir_, file_;
};

TEST_F(Log, VerifiesWhatItWrote) {
  const std::string head = write_three();
  const auto verified = verify_log(file_, head);
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(verified->events, 3u);
  EXPECT_EQ(verified->head, head);
  const json first = json::parse(content().substr(0, content().find('\n')));
  EXPECT_EQ(first["seq"], 0);
  EXPECT_EQ(first["unix_ns"], 100);
  EXPECT_EQ(first["type"], "armed");
  EXPECT_EQ(first["data"]["hosts"], 3);
  EXPECT_EQ(first["prev"], "");
  EXPECT_FALSE(EventLog::create(file_)) << "a run's log is its own";
}

TEST_F(Log, WhatIsTakenOutOrAddedIsFound) {
  proves("S14");
  const std::string head = write_three(), good = content();
  const size_t first = good.find('\n') + 1, second = good.find('\n', first) + 1;
  replace(good.substr(0, first) + good.substr(second));
  EXPECT_FALSE(verify_log(file_));
  replace(good.substr(first));
  EXPECT_FALSE(verify_log(file_));
  replace(good.substr(0, second));  // the end cut off: only the head can tell
  EXPECT_TRUE(verify_log(file_));
  EXPECT_FALSE(verify_log(file_, head));
  replace(good + good.substr(second));
  EXPECT_FALSE(verify_log(file_));
  replace(good.substr(0, good.size() - 1));
  EXPECT_FALSE(verify_log(file_));
}

TEST_F(Log, SaysWhichLineAndFieldDoNotFit) {
  proves("S14");
  write_three();
  const std::string good = content();
  const auto said = [&](const std::string& from, const std::string& to) {
    std::string bad = good;
    bad.replace(bad.rfind(from), from.size(), to);
    replace(bad);
    const auto verified = verify_log(file_);
    return verified ? "intact" : verified.error().at.text() + " " + verified.error().message;
  };
  EXPECT_THAT(said("\"seq\":1", "\"seq\":4"), HasSubstr("events.log:2 `seq`"));
  EXPECT_THAT(said("\"unix_ns\":200", "\"unix_ns\":201"), HasSubstr("events.log:2 `hash`"));
  EXPECT_THAT(said("\"prev\":\"", "\"prev\":\"0"), HasSubstr("events.log:3 `prev`"));
  EXPECT_THAT(said("{", "["), HasSubstr("events.log:3 this is no event"));
}

TEST_F(Log, HostileLinesAreNoEventsAndCostLittle) {
  replace(std::string(1 << 20, '[') + "\n");
  EXPECT_FALSE(verify_log(file_));
  replace("{\"data\":" + std::string(1 << 20, '[') + std::string(1 << 20, ']') +
          ",\"hash\":\"\",\"prev\":\"\",\"seq\":0,\"type\":7}\n");
  EXPECT_FALSE(verify_log(file_));
  replace(std::string(1, '\0') + "\n");
  EXPECT_FALSE(verify_log(file_));
}

// A whole record: plan, chain, outcome.
class Record : public Log {
 protected:
  void SetUp() override {
    Log::SetUp();
    const std::string plan = "{\"plan\": 1}\n", outcome = "{\"verdict\": \"pass\"}\n";
    for (const auto& [name, text] : std::map<std::string, std::string>{{"plan", plan}, {"outcome", outcome}})
      std::ofstream(dir_ / (name + ".json")) << text;
    auto log = EventLog::create(dir_ / "events.jsonl").value();
    ASSERT_TRUE(seal_plan(log, plan));
    ASSERT_TRUE(log.append("fired", {{"t0", 1.5}, {"note", "판교 \"dark\"\n"}}));
    ASSERT_TRUE(log.append("reverted", {{"reason", "end"}}));
    unsealed_head_ = log.head();
    ASSERT_TRUE(seal_outcome(log, outcome));
    head_ = log.head();
  }
  std::string read(const std::string& name) const {
    std::ifstream in(dir_ / name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(dir_ / name, std::ios::trunc) << text;
  }
  [[nodiscard]] auto verify(const std::string& head = {}) const { return verify_record(dir_, head); }

  std::string head_, unsealed_head_;
};

TEST_F(Record, IsIntactAsWritten) {
  const auto record = verify(head_);
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_TRUE(record->sealed);
  EXPECT_EQ(record->events, 4u);
  EXPECT_EQ(record->head, head_);
}

TEST_F(Record, EveryFlippedByteIsFound) {
  proves("S14");
  for (const std::string name : {"plan.json", "events.jsonl", "outcome.json"}) {
    const std::string good = read(name);
    ASSERT_GT(good.size(), 10u);
    for (size_t at = 0; at < good.size(); ++at)
      for (const int mask : {0x01, 0x20, 0x80}) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ mask);
        write(name, bad);
        ASSERT_FALSE(verify()) << name << " byte " << at << " mask " << mask;
      }
    write(name, good);
    ASSERT_TRUE(verify());
  }
}

TEST_F(Record, ACutOffEndIsNeverWholeAndTheHeadTells) {
  proves("S14");
  for (const std::string name : {"plan.json", "events.jsonl", "outcome.json"}) {
    const std::string good = read(name);
    for (size_t length = 0; length < good.size(); ++length) {
      write(name, good.substr(0, length));
      const auto record = verify();
      ASSERT_FALSE(record && record->sealed) << name << " cut to " << length;
      ASSERT_FALSE(verify(head_)) << name << " cut to " << length;
    }
    std::filesystem::remove(dir_ / name);
    ASSERT_FALSE(verify()) << name;
    write(name, good);
  }
}

// What the chain alone cannot know, the head that was printed does.
TEST_F(Record, ARewrittenEndIsFoundByTheHeadAlone) {
  proves("S14");
  const std::string events = read("events.jsonl"), forged = "{\"verdict\": \"fail\"}\n";
  write("outcome.json", forged);
  json last = json::parse(events.substr(events.rfind('\n', events.size() - 2)));
  last["data"]["sha256"] = sha256_hex(forged);
  last.erase("hash");
  last["hash"] = sha256_hex(last.dump());
  write("events.jsonl", events.substr(0, events.rfind('\n', events.size() - 2) + 1) + last.dump() + "\n");
  EXPECT_TRUE(verify()) << "if this is found without the head, say so in the documentation";
  EXPECT_FALSE(verify(head_));
}

// ------------------------------------------------------------------------------------------------

class LeverTest : public Log {};

TEST_F(LeverTest, StaysEngagedUntilItIsReleased) {
  proves("S7");
  const std::string folder = dir_ / "state";
  Lever lever(folder);
  EXPECT_FALSE(lever.engaged());
  ASSERT_TRUE(lever.engage({1'700'000'000'123'000'000, "alice", "the wrong \"site\""}));
  ASSERT_TRUE(lever.engage({1, "bob", "again"})) << "whoever engaged it first is told";
  const auto state = Lever(folder).engaged();
  ASSERT_TRUE(state);
  EXPECT_EQ(state->text(),
            "the lever is engaged since 2023-11-14T22:13:20.123Z by alice: the wrong \"site\"");
  EXPECT_EQ(engaged_lever(folder)->by, "alice");
  const RunRegistry registry(dir_ / "live", folder);
  ASSERT_FALSE(registry.may_start());
  EXPECT_EQ(registry.may_start().error().kind, ErrorKind::kRefused);
  EXPECT_THAT(registry.may_start().error().message(), HasSubstr("alice"));
  EXPECT_THAT(registry.may_start().error().message(), HasSubstr("lever release"));
  EXPECT_THAT(registry.abort_requested("r1").value_or(""), HasSubstr("alice"));
  EXPECT_TRUE(lever.release().value());
  EXPECT_FALSE(lever.release().value());
  EXPECT_FALSE(lever.engaged());
}

TEST_F(LeverTest, AnyFileEngagesIt) {
  proves("S7");
  const Lever lever(dir_);
  const std::string file = lever.file();
  for (const std::string text :
       {"", "fire drill\n", "{\"why\": 3, \"by\": [], \"engaged_unix_ns\": \"x\"}", "[]"}) {
    std::ofstream(file, std::ios::trunc) << text;
    ASSERT_TRUE(lever.engaged()) << text;
    EXPECT_THAT(lever.engaged()->text(), HasSubstr("the lever is engaged"));
  }
  std::ofstream(file, std::ios::trunc) << "fire drill\n";
  EXPECT_EQ(lever.engaged()->why, "fire drill");
  std::filesystem::remove(file);
  std::filesystem::create_symlink("/nonexistent", file);
  EXPECT_TRUE(lever.engaged());
  std::filesystem::remove(file);
  ASSERT_EQ(mkfifo(file.c_str(), 0600), 0);
  EXPECT_TRUE(lever.engaged()) << "and nobody waits for a writer";
}

// ------------------------------------------------------------------------------------------------

TEST(OutcomeJson, ReadsBackWhatItWrote) {
  for (const Outcome& outcome : {pangyo_went_dark(), pangyo_went_dark_bridged()}) {
    const json written = outcome_json(outcome);
    const auto read = read_outcome(json::parse(written.dump()));
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(outcome_json(*read), written);
    EXPECT_EQ(read->t0, outcome.t0);
    EXPECT_EQ(read->fired, outcome.fired);
    EXPECT_EQ(read->probes.at("login").last_failure, outcome.probes.at("login").last_failure);
    EXPECT_EQ(read->services.at("session-cache").observed, outcome.services.at("session-cache").observed);
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

TEST(OutcomeJson, ReadsOlderRecords) {
  json older = outcome_json(pangyo_went_dark());
  for (const char* key : {"changes", "seriesStep", "warnings", "blind", "untouched", "versions"})
    older.erase(key);
  for (auto& [name, probe] : older["probes"].items()) probe.erase("series");
  for (const json& head : {json(), json(std::string(64, 'b'))}) {
    older["log"]["head"] = head;
    const auto read = read_outcome(older);
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(read->log_head, head.is_null() ? "" : std::string(64, 'b'));
    EXPECT_TRUE(read->changes.empty() && read->versions.empty());
    EXPECT_EQ(read->probes.at("login").failures, 122u);
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
    const auto samples = metric.samples(pangyo_went_dark_bridged());
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
