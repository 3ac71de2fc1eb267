// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "injector/conduct/evaluate.h"
#include "injector/conduct/fill_outcome.h"
#include "injector/conduct/gates.h"
#include "tests/support/promise.h"

namespace blackstart {
namespace {

using namespace std::chrono_literals;
constexpr UnixNs kSecond = 1'000'000'000;
constexpr UnixNs kStart = 1'000'000 * kSecond;

// One attempt each 250 ms from kStart on: '+' success, '-' failure, 'm' missed, '.' not heard of. A success
// takes no time.
ProbeHistory history(const std::string& outcomes, Duration failure_takes = 0s) {
  ProbeHistory made;
  for (size_t i = 0; i < outcomes.size(); ++i) {
    if (outcomes[i] == '.') continue;
    contract::Sample sample;
    sample.set_probe("login");
    sample.set_sequence(i);
    sample.set_scheduled_unix_ns(kStart + static_cast<int64_t>(i) * kSecond / 4);
    sample.set_outcome(outcomes[i] == '+'   ? contract::Sample::SUCCESS
                       : outcomes[i] == '-' ? contract::Sample::FAILURE
                                            : contract::Sample::MISSED);
    sample.set_reason(outcomes[i] == '-' ? "timeout" : "");
    sample.set_duration_ns(outcomes[i] == '-' ? failure_takes.count() : 0);
    made.add(sample);
  }
  return made;
}

std::string repeat(char outcome, size_t count) {
  return std::string(count, outcome);
}

UnixNs at(double second) {
  return kStart + static_cast<int64_t>(second * 1e9);
}

Hypothesis login_back_within(Duration within) {
  Hypothesis hypothesis;
  hypothesis.probe = "login";
  hypothesis.success_ratio = {contract::COMPARISON_GREATER_EQUAL, 0.99, ">= 99%"};
  hypothesis.over = 2s;
  hypothesis.within = within;
  return hypothesis;
}

// The steady state from 0 s, the cut from 5 s to 25 s, the end at 35 s.
const RunTimes kTimes{at(0), at(5), at(25), at(35)};

TEST(ProbeHistory, CountsAttemptsAndKeepsMissedApart) {
  const auto count = history("++-m+").count(kStart - 1, at(10));
  EXPECT_EQ(count.attempts, 4u);
  EXPECT_EQ(count.failures, 1u);
  EXPECT_EQ(count.missed, 1u);
  EXPECT_DOUBLE_EQ(*count.success_ratio(), 0.75);
  EXPECT_FALSE(history("mmm").count(0, at(10)).success_ratio());
}

TEST(ProbeHistory, TheWindowEndsWhereAnswersAreStillUnderWay) {
  // A later success has come in before an earlier attempt: nothing behind the hole counts yet.
  const auto made = history("++++.+++");
  EXPECT_EQ(made.settled(), at(0.75));
  EXPECT_DOUBLE_EQ(*made.recent_ratio(10s, at(2)), 1.0);
  EXPECT_FALSE(made.recent_ratio(10s, at(20)));  // silent
}

TEST(Hypothesis, MetWhenTheProbeComesBackAndStays) {
  const Histories histories{{"login", history(repeat('+', 20) + repeat('-', 20) + repeat('+', 100))}};
  const auto outcome = evaluate(login_back_within(10s), histories, kTimes);
  EXPECT_TRUE(outcome.met.value());
  // Failures until 9.75 s; the 2 s window is clean from 12 s on, 7 s after T0.
  EXPECT_NEAR(seconds(*outcome.at), 7.0, 0.3);
  EXPECT_FALSE(evaluate(login_back_within(6s), histories, kTimes).met.value());
}

TEST(Hypothesis, NotMetWhenItDoesNotLast) {
  const Histories histories{{"login", history(repeat('+', 90) + repeat('-', 10) + repeat('+', 40))}};
  const auto outcome = evaluate(login_back_within(10s), histories, kTimes);
  EXPECT_FALSE(outcome.met.value());
  EXPECT_FALSE(outcome.at);
}

TEST(Hypothesis, WhatHappensAfterTheCutDoesNotSaveIt) {
  const Histories histories{{"login", history(repeat('+', 20) + repeat('-', 80) + repeat('+', 40))}};
  EXPECT_FALSE(evaluate(login_back_within(20s), histories, kTimes).met.value());
}

TEST(Hypothesis, UnknownWithoutAttemptsOrWithoutACut) {
  proves("S15");
  EXPECT_FALSE(evaluate(login_back_within(10s), {}, kTimes).met);
  EXPECT_FALSE(evaluate(login_back_within(10s), {{"login", history(repeat('m', 140))}}, kTimes).met);
  EXPECT_FALSE(
      evaluate(login_back_within(10s), {{"login", history(repeat('+', 140))}}, {at(0), 0, 0, at(9)}).met);
}

TEST(Hypothesis, UnknownWhenTheRunEndsBeforeItsTimeIsUp) {
  proves("S15");
  const Histories histories{{"login", history(repeat('+', 20) + repeat('-', 40))}};
  const RunTimes cut_short{at(0), at(5), at(9), at(12)};
  EXPECT_FALSE(evaluate(login_back_within(10s), histories, cut_short).met);
  EXPECT_FALSE(evaluate(login_back_within(3s), histories, cut_short).met.value());
}

// What a gate at 5 s after a cut at 5 s says once its patience is over.
std::optional<bool> gate_passed(const std::string& outcomes) {
  Gate gate;
  gate.at = 5s;
  gate.probes = {"login"};
  gate.success_ratio = {contract::COMPARISON_GREATER_EQUAL, 0.5, ">= 50%"};
  gate.over = 4s;
  Gates gates({gate});
  gates.judge({{"login", history(outcomes)}}, at(5), at(16), [](const OutcomeGate&) {});
  return gates.outcome().at(0).passed;
}

TEST(Gate, PassesOnAnswersUpToItAndNotOnThoseOfAProbeThatDied) {
  proves("S15");
  const std::optional<bool> yes = true, no = false;
  EXPECT_EQ(gate_passed(repeat('+', 44)), yes);
  EXPECT_EQ(gate_passed(repeat('+', 20) + repeat('-', 24)), no);
  EXPECT_EQ(gate_passed(repeat('+', 28)), no) << "nothing is known of the last 3 s before it";
  EXPECT_EQ(gate_passed(repeat('+', 28) + repeat('m', 16)), no) << "the host was too busy to ask";
}

TEST(Guard, BreachedByFailuresAndByMissingData) {
  proves("S15");
  Guard guard;
  guard.probe = "login";
  guard.success_ratio = {contract::COMPARISON_GREATER_EQUAL, 0.5, ">= 50%"};
  guard.over = 5s;
  const auto healthy = Histories{{"login", history(repeat('+', 40))}};
  EXPECT_FALSE(breach(guard, healthy, at(10), {}));
  EXPECT_TRUE(breach(guard, {{"login", history(repeat('+', 20) + repeat('-', 20))}}, at(10), {}));
  EXPECT_TRUE(breach(guard, healthy, at(60), {}));  // the probe fell silent
  EXPECT_TRUE(breach(guard, {}, at(10), {}));
  guard.on_missing = Guard::OnMissing::kIgnore;
  EXPECT_FALSE(breach(guard, {}, at(10), {}));
}

// Successes that take this long, one each 250 ms; 0: a failure.
ProbeHistory answers(const std::vector<Duration>& took) {
  ProbeHistory made;
  for (size_t i = 0; i < took.size(); ++i) {
    contract::Sample sample;
    sample.set_sequence(i);
    sample.set_scheduled_unix_ns(kStart + static_cast<int64_t>(i) * kSecond / 4);
    sample.set_outcome(took[i] > 0s ? contract::Sample::SUCCESS : contract::Sample::FAILURE);
    sample.set_duration_ns(took[i].count());
    made.add(sample);
  }
  return made;
}

TEST(Demand, APercentileIsTheNearestRankAndAFailureIsSlowerThanAnything) {
  std::vector<Duration> took;
  for (int i = 1; i <= 20; ++i)
    took.emplace_back(i * 10ms);  // p50 100 ms, p90 180 ms, p95 190 ms, p99 200 ms
  const auto holds = [&](int percentile, Duration limit) {
    Demand demand;
    demand.latency[percentile] = {contract::COMPARISON_LESS_EQUAL, seconds(limit), ""};
    return look(demand, "login", {{"login", answers(took)}}, at(-1), at(60))->holds;
  };
  for (const auto& [percentile, exact] :
       std::map<int, Duration>{{50, 100ms}, {90, 180ms}, {95, 190ms}, {99, 200ms}}) {
    EXPECT_TRUE(holds(percentile, exact)) << percentile;
    EXPECT_FALSE(holds(percentile, exact - 1ms)) << percentile;
  }
  took[3] = 0s;  // one of twenty fails: p99 is that failure, p95 the slowest answer
  EXPECT_FALSE(holds(99, 1h));
  EXPECT_TRUE(holds(95, 200ms));
  Demand demand;
  demand.latency[50] = {contract::COMPARISON_LESS, 1, "< 1s"};
  EXPECT_FALSE(look(demand, "login", {{"login", history("mmm")}}, at(-1), at(60))) << "nobody was asked";
}

TEST(Hypothesis, LatencyIsMetAndKeptLikeASuccessRatio) {
  Hypothesis hypothesis;
  hypothesis.probe = "login";
  hypothesis.latency[95] = {contract::COMPARISON_LESS, 0.5, "< 500ms"};
  hypothesis.over = 2s;
  hypothesis.within = 10s;
  const auto run = [&](size_t slow_from, size_t slow_to) {
    std::vector<Duration> took(140, 20ms);
    std::fill(took.begin() + static_cast<long>(slow_from), took.begin() + static_cast<long>(slow_to), 900ms);
    return evaluate(hypothesis, {{"login", answers(took)}}, kTimes);
  };
  EXPECT_TRUE(run(20, 40).met.value());
  EXPECT_NEAR(seconds(*run(20, 40).at), 7.0, 0.3);
  EXPECT_FALSE(run(20, 80).met.value()) << "too late";
  EXPECT_FALSE(run(90, 100).met.value()) << "not kept";
  EXPECT_EQ(run(0, 1).text, "login p95 < 500ms over 2s within 10s");
}

TEST(Hypothesis, AStretchWithoutAnswersIsUnknownUnlessItFailedAnyway) {
  proves("S15");
  // The prober dies 5 s into the cut and nobody asks for the rest of it.
  EXPECT_FALSE(evaluate(login_back_within(10s), {{"login", history(repeat('+', 40))}}, kTimes).met);
  EXPECT_FALSE(
      evaluate(login_back_within(10s), {{"login", history(repeat('+', 40) + repeat('m', 100))}}, kTimes).met);
  // ... or comes back before its end.
  EXPECT_FALSE(evaluate(login_back_within(10s),
                        {{"login", history(repeat('+', 40) + repeat('.', 30) + repeat('+', 70))}}, kTimes)
                   .met);
  // What failed to the last answer, or was met only after the silence, is known.
  EXPECT_EQ(
      evaluate(login_back_within(10s), {{"login", history(repeat('+', 20) + repeat('-', 20))}}, kTimes).met,
      std::optional(false));
  EXPECT_EQ(
      evaluate(login_back_within(15s),
               {{"login", history(repeat('+', 20) + repeat('-', 4) + repeat('.', 20) + repeat('+', 96))}},
               kTimes)
          .met,
      std::optional(true));
}

TEST(Guard, ItTakesSoManyOfTheLastWindows) {
  proves("S15");
  Guard guard;
  guard.probe = "login";
  guard.success_ratio = {contract::COMPARISON_GREATER_EQUAL, 0.5, ">= 50%"};
  guard.over = 1s;
  guard.breaches = 2;
  guard.windows = 3;
  const auto breached = [&](const std::string& outcomes, double now) {
    return breach(guard, {{"login", history(outcomes)}}, at(now), {}).has_value();
  };
  const std::string well = repeat('+', 4), ill = repeat('-', 4);
  EXPECT_FALSE(breached(well + well + well + ill, 4));
  EXPECT_TRUE(breached(well + well + ill + ill, 4));
  EXPECT_TRUE(breached(well + ill + well + ill, 4));
  EXPECT_FALSE(breached(ill + ill + well + well, 4)) << "too long ago";
  EXPECT_FALSE(breached(ill, 1)) << "one window is all there is";
  // A silent prober: the newest window is missing at once, the next a window later.
  EXPECT_TRUE(breached(well + well + ill, 9));
  EXPECT_TRUE(breached(well + well + well, 12));
  guard.on_missing = Guard::OnMissing::kIgnore;
  EXPECT_FALSE(breached(well + well + well, 12));
}

TEST(Guard, AnAnswerOfPrometheusIsABreachAndNoAnswerIsMissing) {
  proves("S15");
  Guard guard;
  guard.query.emplace().probe.set_name("guard:1");
  guard.text = "prometheus up = 1";
  const auto breached = [&](const std::vector<std::string>& reasons, Duration later = 0s) {
    ProbeHistory made;
    for (size_t i = 0; i < reasons.size(); ++i) {
      contract::Sample sample;
      sample.set_sequence(i);
      sample.set_scheduled_unix_ns(kStart + static_cast<int64_t>(i) * kSecond);
      sample.set_outcome(reasons[i].empty() ? contract::Sample::SUCCESS : contract::Sample::FAILURE);
      sample.set_reason(reasons[i]);
      made.add(sample);
    }
    const UnixNs now = kStart + static_cast<int64_t>(reasons.size()) * kSecond + later.count();
    return breach(guard, {{"guard:1", made}}, now, {}).has_value();
  };
  EXPECT_FALSE(breached({"", ""}));
  EXPECT_TRUE(breached({"", "value 0 is not == 1"}));
  EXPECT_FALSE(breached({"value 0 is not == 1", ""}));
  for (const char* no_answer : {"timeout", "refused", "empty no sample", "value NaN", "status 503"}) {
    guard.on_missing = Guard::OnMissing::kBreach;
    EXPECT_TRUE(breached({"", no_answer})) << no_answer;
    guard.on_missing = Guard::OnMissing::kIgnore;
    EXPECT_FALSE(breached({"", no_answer})) << no_answer;
  }
  EXPECT_FALSE(breached({"", ""}, 60s));
  guard.on_missing = Guard::OnMissing::kBreach;
  EXPECT_TRUE(breached({"", ""}, 60s)) << "the prober fell silent";
  guard.breaches = 2;
  guard.windows = 3;
  EXPECT_FALSE(breached({"", "", "value 0 is not == 1"}));
  EXPECT_TRUE(breached({"timeout", "", "value 0 is not == 1"}));
  EXPECT_FALSE(breached({"timeout", "", "", "value 0 is not == 1"}));
}

TEST(Guard, CountsLeaksAndLostAgents) {
  Guard leak, lost;
  leak.leaked = Comparison{contract::COMPARISON_LESS_EQUAL, 0, "<= 0"};
  lost.agents_lost = Comparison{contract::COMPARISON_LESS_EQUAL, 0.1, "<= 10%"};
  EXPECT_FALSE(breach(leak, {}, at(10), {.leaked = 0}));
  EXPECT_TRUE(breach(leak, {}, at(10), {.leaked = 1}));
  EXPECT_FALSE(breach(lost, {}, at(10), {.agents = 10, .agents_lost = 1}));
  EXPECT_TRUE(breach(lost, {}, at(10), {.agents = 10, .agents_lost = 2}));
}

TEST(Guard, CountsUnexpectedServices) {
  Guard guard;
  guard.unexpected_services = Comparison{contract::COMPARISON_LESS_EQUAL, 2, "<= 2"};
  EXPECT_FALSE(breach(guard, {}, at(10), {.unexpected_services = 2}));
  EXPECT_TRUE(breach(guard, {}, at(10), {.unexpected_services = 3}));
  EXPECT_TRUE(breach(guard, {}, at(10), {.services_unseen = true}));
  guard.on_missing = Guard::OnMissing::kIgnore;
  EXPECT_FALSE(breach(guard, {}, at(10), {.services_unseen = true}));
}

std::vector<ProbeSpec> login_probe() {
  ProbeSpec spec;
  spec.from = "phone-1";
  spec.weight = 1;
  spec.probe.set_name("login");
  spec.probe.set_every_ns(kSecond / 4);
  spec.probe.set_timeout_ns(kSecond);
  return {spec};
}

TEST(Steady, NeedsEveryAttemptAnsweredAndWell) {
  const auto probes = login_probe();
  const std::optional<bool> yes = true, no = false;
  const auto held = [&](const std::string& outcomes, Duration over, UnixNs now) {
    return steady(probes, {{"login", history(outcomes)}}, over, at(0), now).held;
  };
  EXPECT_EQ(held(repeat('+', 41), 10s, at(10)), yes);
  EXPECT_EQ(held(repeat('+', 40) + "-", 10s, at(10)), no);
  EXPECT_EQ(held(repeat('+', 20), 10s, at(10)), std::nullopt);  // only 5 s are settled
  EXPECT_EQ(held(repeat('+', 41), 10s, at(30)), std::nullopt);  // the probe fell silent
  EXPECT_EQ(steady(probes, {}, 10s, at(0), at(10)).held, std::nullopt);
  // What hangs may yet fail: the window ends before it.
  EXPECT_EQ(held(repeat('+', 12) + "." + repeat('+', 8), 5s, at(5)), std::nullopt);
  EXPECT_NE(
      why_not_steady(probes, {{"login", history("+-")}}, at(-1), at(10)).find("1 of 2 failed (timeout)"),
      std::string::npos);
}

TEST(Steady, AStretchNobodyAskedInIsUnknown) {
  proves("S15");
  const auto probes = login_probe();
  const auto held = [&](const std::string& outcomes) {
    return steady(probes, {{"login", history(outcomes)}}, 10s, at(0), at(10)).held;
  };
  EXPECT_EQ(held(repeat('+', 10) + repeat('m', 8) + repeat('+', 23)), std::optional(true)) << "2 s";
  for (const std::string& holed :
       {repeat('+', 10) + repeat('m', 16) + repeat('+', 15),
        repeat('+', 1) + repeat('m', 20) + repeat('+', 20), repeat('+', 20) + repeat('m', 21)}) {
    EXPECT_EQ(held(holed), std::nullopt) << holed;
    EXPECT_NE(why_not_steady(probes, {{"login", history(holed)}}, at(0), at(10)).find("were missed"),
              std::string::npos);
  }
  EXPECT_EQ(held(repeat('+', 20) + repeat('m', 20) + "-"), std::optional(false));
}

TEST(Summary, SplitsBeforeDuringAfter) {
  const auto outcome =
      summarize(login_probe()[0], history(repeat('+', 20) + repeat('-', 80) + repeat('+', 40)), kTimes);
  EXPECT_DOUBLE_EQ(*outcome.before, 1.0);
  EXPECT_LT(*outcome.during, 0.05);
  EXPECT_DOUBLE_EQ(*outcome.after, 1.0);
  EXPECT_EQ(outcome.attempts, 140u);
  EXPECT_EQ(outcome.failures, 80u);
  EXPECT_GE(outcome.impact_from, at(5));
  EXPECT_EQ(outcome.failed, 20s);
  EXPECT_FALSE(outcome.still_failing);
  EXPECT_EQ(outcome.last_reason, "timeout");
}

TEST(Summary, SaysHowLongItFailedAndWhetherItStillDoes) {
  // Down from 5 s to 10 s and again from 20 s to beyond the end at 35 s.
  const auto made = history(repeat('+', 20) + repeat('-', 20) + repeat('+', 40) + repeat('-', 80));
  const auto outcome = summarize(login_probe()[0], made, kTimes);
  EXPECT_TRUE(outcome.still_failing);
  EXPECT_EQ(outcome.failed, 20s);
  EXPECT_EQ(outcome.impact_from, at(5));
  EXPECT_EQ(outcome.impact_to, at(35)) << "nothing is told from after the end";
  const auto early = summarize(login_probe()[0], history(repeat('-', 8) + repeat('+', 152)), kTimes);
  EXPECT_EQ(early.failed, 0s) << "before the cut";
  EXPECT_FALSE(early.still_failing);
}

TEST(Summary, WhatWasUnderWayWhenTheCutCameIsNotHeldAgainstTheTimeBefore) {
  // One failure in good time, two attempts that the cut caught at 4.5 s and 4.75 s.
  const auto made = history("++++-" + repeat('+', 13) + repeat('-', 82) + repeat('+', 40), 600ms);
  const auto outcome = summarize(login_probe()[0], made, kTimes);
  EXPECT_DOUBLE_EQ(*outcome.before, 16.0 / 17);
  EXPECT_EQ(outcome.failures, 83u) << "they happened all the same";
}

TEST(Series, NoSpanStraddlesTheCutAndNoneIsInvented) {
  // Up until 5 s, down until 25 s, missed for a second, never heard of for another, up again.
  const Histories histories{
      {"login", history(repeat('+', 20) + repeat('-', 80) + "mmmm...." + repeat('+', 32))}};
  Outcome outcome;
  outcome.probes["login"];
  fill_series(histories, kTimes, outcome);
  EXPECT_EQ(outcome.series_step, 1s);
  uint64_t attempts = 0, failures = 0;
  for (const OutcomeSpan& span : outcome.probes["login"].series) {
    EXPECT_EQ(span.failures, span.at >= at(5) && span.at < at(25) ? span.attempts : 0) << span.at - kStart;
    EXPECT_TRUE(span.at < at(25) || span.at >= at(27)) << "nobody asked then";
    attempts += span.attempts;
    failures += span.failures;
  }
  EXPECT_EQ(attempts, 20u + 80u + 32u);
  EXPECT_EQ(failures, 80u);
}

TEST(Series, ALongRunGetsLongerSpans) {
  const Histories histories{{"login", history(repeat('+', 4 * 3600))}};
  Outcome outcome;
  outcome.probes["login"];
  fill_series(histories, {at(0), at(7), at(3000), at(3600)}, outcome);
  EXPECT_GT(outcome.series_step, 1s);
  EXPECT_LE(outcome.probes["login"].series.size(), static_cast<size_t>(kMostSpans));
}

}  // namespace
}  // namespace blackstart
