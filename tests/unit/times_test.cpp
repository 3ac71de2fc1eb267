// SPDX-License-Identifier: Apache-2.0
// How long things took, of runs whose true times are known; and the file that marks go through.
#include "injector/conduct/times.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "injector/record/marks.h"
#include "tests/support/promise.h"

namespace blackstart {
namespace {

using namespace std::chrono_literals;

constexpr UnixNs kSecond = 1'000'000'000;
constexpr UnixNs kZero = 1'700'000'000 * kSecond;

// Cut at 0 s, first packet at 0.5 s, taken back at 60 s, over at 80 s. Login failed until 30 s and photo
// until 62 s; login met its hypothesis at 30 s, photo never.
class TimesTest : public testing::Test {
 protected:
  TimesTest() {
    outcome_.t0 = kZero + kSecond / 2;
    outcome_.fired = kZero;
    outcome_.probes["login"].after = outcome_.probes["photo"].after = 1.0;
    outcome_.probes["login"].last_failure = kZero + 29 * kSecond;
    outcome_.probes["login"].impact_to = kZero + 30 * kSecond;
    outcome_.probes["photo"].last_failure = kZero + 61 * kSecond;
    outcome_.probes["photo"].impact_to = kZero + 62 * kSecond;
    outcome_.hypothesis = {{"login", "", true, 30s}, {"photo", "", false, std::nullopt}};
    experiment_.recovery.watch = 10s;
    experiment_.objectives.detect = 1min;
    experiment_.objectives.mitigate = 20min;
    experiment_.objectives.recover = 4h;
  }
  void fill(std::optional<bool> recovered = true) {
    fill_times(experiment_, times_, recovered, alerts_, outcome_);
    fill_objectives(experiment_.objectives, outcome_);
  }
  void mark(const std::string& name, Duration at, const std::string& source = "alice") {
    outcome_.marks.push_back({name, kZero + at.count(), source, ""});
  }
  std::optional<OutcomeTime> time(const std::string& name, const std::string& journey = "") const {
    for (const OutcomeTime& each : outcome_.times)
      if (each.time == name && each.journey == journey) return each;
    return std::nullopt;
  }
  const OutcomeObjective& objective(size_t index) const { return outcome_.objectives.at(index); }

  Experiment experiment_;
  RunTimes times_{kZero - 5 * kSecond, kZero, kZero + 60 * kSecond, kZero + 80 * kSecond};
  bool alerts_ = false;
  Outcome outcome_;
};

TEST_F(TimesTest, AreToldFromTheFirstAffectedPacket) {
  mark("detected", 10s);
  mark("detected", 20s);
  mark("decided", 15s);
  fill();
  EXPECT_EQ(time("detect")->took, 9500ms);
  EXPECT_EQ(time("decide")->took, 14500ms);
  EXPECT_EQ(time("mitigate", "login")->took, 29500ms);
  EXPECT_EQ(time("recover", "login")->took, 29500ms);
  EXPECT_EQ(time("recover", "photo")->took, 61500ms);
  EXPECT_FALSE(time("recover", "photo")->censored);
  EXPECT_EQ(objective(0).achieved, 9500ms);
  EXPECT_EQ(objective(2).achieved, 61500ms);
}

TEST_F(TimesTest, WhatTheRunWasTooShortToSeeIsALowerBound) {
  outcome_.probes["photo"].last_failure = kZero + 79 * kSecond;
  mark("detected", 10s);
  fill(false);
  EXPECT_TRUE(time("mitigate", "photo")->censored);
  EXPECT_EQ(time("mitigate", "photo")->took, 59500ms) << "it was seen while the fault lasted";
  EXPECT_TRUE(time("recover", "photo")->censored);
  EXPECT_EQ(time("recover", "photo")->took, 79500ms);
  EXPECT_FALSE(time("recover", "login")->censored) << "login came back, whatever photo did";
  EXPECT_TRUE(time("acknowledge")->censored) << "people spoke, and did not say it";
  EXPECT_TRUE(objective(1).censored);
  EXPECT_TRUE(objective(2).censored);
}

TEST_F(TimesTest, AHypothesisWhoseTimeWasCutShortStillBoundsTheMitigation) {
  outcome_.hypothesis[1].met.reset();
  outcome_.hypothesis[1].at.reset();
  outcome_.probes["photo"].during = 0.0;
  fill(std::nullopt);
  ASSERT_TRUE(time("mitigate", "photo"));
  EXPECT_TRUE(time("mitigate", "photo")->censored);
  EXPECT_EQ(time("mitigate", "photo")->took, 59500ms);
}

TEST_F(TimesTest, WhatNobodyCouldHaveSaidIsUnknown) {
  proves("S15");
  outcome_.probes["photo"].after.reset();
  outcome_.hypothesis[1].met.reset();
  fill(std::nullopt);
  EXPECT_FALSE(time("detect")) << "nobody marks, nothing listens for alerts";
  EXPECT_FALSE(time("mitigate", "photo"));
  EXPECT_FALSE(time("recover", "photo"));
  for (const OutcomeObjective& each : outcome_.objectives)
    EXPECT_FALSE(each.achieved) << each.objective << " is that of the worst journey, and one is unknown";
}

TEST_F(TimesTest, AJourneyNobodyAskedToTheEndIsNotTakenForRecovered) {
  proves("S15");
  outcome_.series_step = 1s;
  outcome_.probes["login"].series = {{kZero + 62 * kSecond, 4, 0}};  // its prober died then
  outcome_.probes["photo"].series = {{kZero + 79 * kSecond, 4, 0}};
  fill(std::nullopt);
  EXPECT_FALSE(time("recover", "login"));
  ASSERT_TRUE(time("recover", "photo"));
  EXPECT_FALSE(time("recover", "photo")->censored);
  EXPECT_FALSE(objective(2).achieved) << "one journey is unknown";
}

TEST_F(TimesTest, ASilentAlertmanagerSaysThatNobodyWasTold) {
  alerts_ = true;
  fill();
  EXPECT_TRUE(time("detect")->censored);
  EXPECT_FALSE(time("decide")) << "an alert decides nothing";
}

TEST_F(TimesTest, NothingTookAnyTimeWhenNoPacketWasHit) {
  proves("S15");
  outcome_.t0 = 0;
  mark("detected", 10s);
  fill();
  EXPECT_TRUE(outcome_.times.empty());
  EXPECT_FALSE(objective(0).achieved);
}

TEST_F(TimesTest, AMarkFromBeforeTheCutDetectsNothing) {
  mark("detected", -3s);
  mark("detected", 5s);
  fill();
  EXPECT_EQ(time("detect")->took, 4500ms);
}

TEST_F(TimesTest, TheClockOfARespondObjectiveStopsWhenSomebodyHasIt) {
  experiment_.objectives.clock = "respond";
  mark("command", 40s);
  fill();
  EXPECT_EQ(objective(1).achieved, 39500ms) << "command, as nobody acknowledged";
  EXPECT_FALSE(objective(1).censored);
  EXPECT_EQ(objective(1).clock, "respond");
  outcome_.times.clear();
  outcome_.objectives.clear();
  mark("acknowledged", 50s);
  fill();
  EXPECT_EQ(objective(2).achieved, 39500ms) << "the earlier of the two";
}

class MarksTest : public testing::Test {
 protected:
  const std::string file_ =
      std::filesystem::temp_directory_path() / ("blackstart-marks-" + std::to_string(getpid()));
  void TearDown() override { std::filesystem::remove(file_); }
};

TEST_F(MarksTest, AreTakenOnceAndRefusedAfterTheRecordIsClosed) {
  proves("S14");
  auto taken = MarksTaken::open(file_);
  ASSERT_TRUE(taken);
  ASSERT_TRUE(say_mark(file_, {"detected", 7, "alice", "a \"note\"\nof two lines"}));
  const auto first = taken->take();
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].mark, "detected");
  EXPECT_EQ(first[0].at, 7);
  EXPECT_EQ(first[0].note, "a \"note\"\nof two lines");
  EXPECT_TRUE(taken->take().empty());
  ASSERT_TRUE(say_mark(file_, {"decided", 8, "bob", ""}));
  const auto last = taken->close();
  ASSERT_EQ(last.size(), 1u);
  EXPECT_EQ(last[0].source, "bob");
  const auto late = say_mark(file_, {"recovered", 9, "bob", ""});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::kRefused);
  EXPECT_NE(late.error().message().find("closed"), std::string::npos) << late.error().message();
}

TEST_F(MarksTest, AWrongNameGetsTheNearestMilestone) {
  EXPECT_TRUE(check_milestone("acknowledged"));
  const auto wrong = check_milestone("aknowledged");
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message().find("did you mean acknowledged?"), std::string::npos)
      << wrong.error().message();
}

}  // namespace
}  // namespace blackstart
