// SPDX-License-Identifier: Apache-2.0
// What records say, against a truth that is written down or drawn by lot here.
#include "injector/conduct/records.h"

#include <gtest/gtest.h>

#include <random>

#include "injector/conduct/preconditions.h"

namespace blackstart {
namespace {

using namespace std::chrono_literals;
using contract::Sample;

constexpr UnixNs kStart = 1'700'000'000'000'000'000;
constexpr Duration kEvery = 100ms;

class RecordsTest : public testing::Test {
 protected:
  RecordsTest() { experiment_.records.push_back(spec("orders")); }

  static RecordsSpec spec(const std::string& name) {
    RecordsSpec spec;
    spec.name = name;
    spec.write.from = "app-1";
    spec.write.probe.set_name("write:" + name);
    spec.write.probe.set_every_ns(kEvery.count());
    spec.read.from = "app-2";
    spec.read.probe.set_name("read:" + name);
    spec.read.probe.set_timeout_ns(Duration(1s).count());
    return spec;
  }
  static UnixNs due(uint64_t number) { return kStart + static_cast<int64_t>(number) * kEvery.count(); }
  void said(const std::string& probe, uint64_t number, Sample::Outcome outcome, const std::string& reason) {
    contract::Sample sample;
    sample.set_sequence(number);
    sample.set_scheduled_unix_ns(due(number));
    sample.set_outcome(outcome);
    sample.set_reason(reason);
    histories_[probe].add(sample);
  }
  void written(uint64_t number, bool acknowledged = true) {
    said("write:orders", number, acknowledged ? Sample::SUCCESS : Sample::FAILURE,
         acknowledged ? "" : "exit 1");
  }
  void read(uint64_t number, const std::string& reason) {
    said("read:orders", number, reason.empty() ? Sample::SUCCESS : Sample::FAILURE, reason);
  }
  OutcomeRecords judged(uint64_t until) {
    outcome_ = {};
    fill_records(experiment_, histories_, due(until), outcome_);
    return outcome_.records.at("orders");
  }

  Experiment experiment_;
  Histories histories_;
  Outcome outcome_;
};

TEST_F(RecordsTest, LostAreThoseAcknowledgedAndNotThere) {
  for (uint64_t number = 0; number < 20; ++number) {
    written(number, number != 12);
    read(number, number >= 10 && number < 15 ? "exit 1: no such row" : "");
  }
  const OutcomeRecords records = judged(19);
  EXPECT_EQ(records.from, "app-1");
  EXPECT_EQ(records.asked, 20u);
  EXPECT_EQ(records.acknowledged, 19u);
  EXPECT_EQ(records.lost, 4u) << "what was never acknowledged is not lost";
  EXPECT_EQ(records.unknown, 0u);
  EXPECT_EQ(records.first_lost, due(10));
  EXPECT_EQ(records.last_lost, due(14));
  EXPECT_EQ(records.rpo, 500ms) << "from the first lost one to the one after the last";
}

TEST_F(RecordsTest, NothingLostIsAnRpoOfNothing) {
  for (uint64_t number = 0; number < 5; ++number) {
    written(number);
    read(number, "");
  }
  EXPECT_EQ(judged(4).rpo, 0ms);
}

TEST_F(RecordsTest, WhatNobodyCouldReadOrMissIsUnknown) {
  for (uint64_t number = 0; number < 6; ++number) written(number);
  read(0, "");
  read(1, "exit 2: connection refused");
  read(2, "exit 10");
  read(3, "timeout");
  said("read:orders", 4, Sample::MISSED, "");  // and nothing of the last
  const OutcomeRecords records = judged(5);
  EXPECT_EQ(records.acknowledged, 6u);
  EXPECT_EQ(records.lost, 0u);
  EXPECT_EQ(records.unknown, 5u);
  EXPECT_FALSE(records.rpo);
}

TEST_F(RecordsTest, OneUnknownMakesTheRpoUnknownAlthoughSomeAreLost) {
  written(0);
  read(0, "exit 1");
  written(1);
  EXPECT_EQ(judged(1).lost, 1u);
  EXPECT_FALSE(judged(1).rpo);
}

TEST_F(RecordsTest, WithoutAnAcknowledgementNothingIsClaimed) {
  written(0, false);
  read(0, "exit 1");
  EXPECT_EQ(judged(0).asked, 1u);
  EXPECT_FALSE(judged(0).rpo);
  histories_.clear();
  EXPECT_EQ(judged(0).asked, 0u);
  EXPECT_FALSE(judged(0).rpo);
}

TEST_F(RecordsTest, WhatWasWrittenAfterTheEndIsNotJudged) {
  for (uint64_t number = 0; number < 10; ++number) written(number);
  for (uint64_t number = 0; number < 10; ++number) read(number, number < 6 ? "" : "exit 1");
  EXPECT_EQ(judged(5).asked, 6u);
  EXPECT_EQ(judged(5).lost, 0u);
  EXPECT_EQ(read_back_time(experiment_, histories_, due(5)), 6 * kReadEvery + 1s + 2s);
}

TEST_F(RecordsTest, TheWorstOfThemIsHeldAgainstTheObjective) {
  experiment_.records.push_back(spec("carts"));
  experiment_.objectives.rpo = 1s;
  for (uint64_t number = 0; number < 10; ++number) {
    written(number);
    read(number, number >= 7 ? "exit 1" : "");
    said("write:carts", number, Sample::SUCCESS, "");
    said("read:carts", number, number == 2 ? Sample::FAILURE : Sample::SUCCESS, "exit 1");
  }
  judged(9);
  ASSERT_EQ(outcome_.objectives.size(), 1u);
  EXPECT_EQ(outcome_.objectives[0].objective, "rpo");
  EXPECT_EQ(outcome_.objectives[0].achieved, 300ms);
  histories_.erase("read:carts");
  judged(9);
  EXPECT_FALSE(outcome_.objectives[0].achieved) << "one that is unknown makes the worst unknown";
}

TEST_F(RecordsTest, AgreesWithEveryTruthDrawnByLot) {
  enum Truth { kNotAcknowledged, kThere, kAbsent, kUnreadable };
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 lot(seed);
    histories_.clear();
    const uint64_t count = 1 + lot() % 60;
    const unsigned unreadable_in = seed % 2 == 0 ? 0 : 20;  // half of the truths can be known whole
    uint64_t acknowledged = 0, lost = 0, unknown = 0, first = count, last = 0;
    for (uint64_t number = 0; number < count; ++number) {
      Truth truth = lot() % 5 == 0 ? kNotAcknowledged : lot() % 4 == 0 ? kAbsent : kThere;
      if (unreadable_in != 0 && lot() % unreadable_in == 0 && truth != kNotAcknowledged) truth = kUnreadable;
      written(number, truth != kNotAcknowledged);
      if (truth != kUnreadable || lot() % 2 == 0)
        read(number, truth == kThere ? "" : truth == kUnreadable ? "timeout" : "exit 1");
      acknowledged += truth != kNotAcknowledged;
      unknown += truth == kUnreadable;
      if (truth != kAbsent) continue;
      ++lost;
      first = std::min(first, number);
      last = number;
    }
    const OutcomeRecords records = judged(count - 1);
    EXPECT_EQ(records.asked, count);
    EXPECT_EQ(records.acknowledged, acknowledged);
    EXPECT_EQ(records.lost, lost);
    EXPECT_EQ(records.unknown, unknown);
    ASSERT_EQ(records.rpo.has_value(), acknowledged > 0 && unknown == 0);
    if (records.rpo) {
      EXPECT_EQ(*records.rpo, lost == 0 ? 0ms : static_cast<int64_t>(last - first + 1) * kEvery);
    }
  }
}

TEST_F(RecordsTest, EveryWordOfTheCommandsKnowsTheRun) {
  RecordsSpec& spec = experiment_.records[0];
  for (const char* word : {"put", "t_{run}", "{run}/{n}/{run}"})
    spec.write.probe.mutable_command()->add_argv(word);
  spec.read.from.clear();
  spec.read.probe.mutable_command()->add_argv("{run}");
  const auto writers = record_writers(experiment_, "r-7"), readers = record_readers(experiment_, "r-7");
  ASSERT_TRUE(writers.contains("app-1"));
  const auto& words = writers.at("app-1").at(0).command().argv();
  EXPECT_EQ(std::vector<std::string>(words.begin(), words.end()),
            (std::vector<std::string>{"put", "t_r-7", "r-7/{n}/r-7"}));
  EXPECT_EQ(readers.at(kOwnPlace).at(0).command().argv(0), "r-7");
}

}  // namespace
}  // namespace blackstart
