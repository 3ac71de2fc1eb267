// SPDX-License-Identifier: Apache-2.0
// The recovery curve of answers whose truth is written down here.
#include "injector/conduct/recovery_curve.h"

#include <gtest/gtest.h>

namespace blackstart {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr UnixNs kCut = 1'700'000'000 * kSecond;

// Two hosts in Pangyo, one in Anyang; `login` stands on all of them, `cache` on the first alone.
class RecoveryCurveTest : public testing::Test {
 protected:
  RecoveryCurveTest() {
    for (const auto& [host, site] : std::map<std::string, std::string>{
             {"pangyo-1", "pangyo"}, {"pangyo-2", "pangyo"}, {"anyang-1", "anyang"}})
      topology_.hosts[host] = {host, site, {}, {}, {}};
  }

  // An answer a second, 400 ms into it; the cut is at '|'. '+' passed, '-' failed, ' ' nobody asked, 'm'
  // missed.
  void seen(const std::string& service, const std::string& host, const std::string& answers) {
    ImpactWatch::Check check{service, host, ProbeHistory()};
    UnixNs at = kCut - static_cast<int64_t>(answers.find('|')) * kSecond + kSecond * 2 / 5;
    uint64_t sequence = 0;
    for (const char answer : answers) {
      if (answer == '|') continue;
      contract::Sample sample;
      sample.set_sequence(sequence++);
      sample.set_scheduled_unix_ns(at);
      sample.set_outcome(answer == '+'   ? contract::Sample::SUCCESS
                         : answer == '-' ? contract::Sample::FAILURE
                         : answer == 'm' ? contract::Sample::MISSED
                                         : contract::Sample::UNKNOWN);
      check.history.add(sample);
      at += kSecond;
    }
    checks_.emplace("check:" + service + ":" + host, std::move(check));
  }
  // "second:services/pangyo/anyang" of every point.
  static std::string text(const OutcomeRecovery& recovery) {
    std::string out;
    for (const OutcomeRecovery::Point& point : recovery.curve) {
      out += (out.empty() ? "" : " ") + std::to_string((point.at - kCut) / kSecond) + ":" +
             std::to_string(point.services);
      for (const char* site : {"pangyo", "anyang"})
        out += "/" + (point.hosts.contains(site) ? std::to_string(point.hosts.at(site)) : "");
    }
    return out;
  }
  OutcomeRecovery curve(int seconds) const {
    return recovery_curve(checks_, topology_, {kCut - 10 * kSecond, kCut, kCut, kCut + seconds * kSecond});
  }

  Topology topology_;
  ImpactWatch::Checks checks_;
};

TEST_F(RecoveryCurveTest, HasAPointForEachChange) {
  seen("login", "pangyo-1", "+++|---++++");
  seen("login", "pangyo-2", "+++|----+++");
  seen("login", "anyang-1", "+++|+++++++");
  seen("cache", "pangyo-1", "+++|-----++");
  const OutcomeRecovery recovery = curve(7);
  EXPECT_EQ(recovery.services, 2u);
  EXPECT_EQ(recovery.hosts, (std::map<std::string, size_t>{{"anyang", 1}, {"pangyo", 2}}));
  EXPECT_EQ(text(recovery), "0:0/0/1 4:1/1/1 5:2/2/1");
  EXPECT_TRUE(recovery.not_back.empty());
}

TEST_F(RecoveryCurveTest, NamesWhatIsNotBack) {
  seen("login", "pangyo-1", "+++|---++++");
  seen("login", "pangyo-2", "+++|----+--");
  seen("cache", "pangyo-1", "--+|-------");
  seen("pay", "", "+++|++-----");
  seen("down", "anyang-1", "---|-------");
  std::string names;
  for (const OutcomeRecovery::Instance& each : curve(7).not_back)
    names += each.service + "/" + each.host + "/" + each.site + " ";
  EXPECT_EQ(names, "login/pangyo-2/pangyo pay// ");
  EXPECT_EQ(text(curve(7)), "0:1/0/ 2:0/0/ 4:1/1/ 5:0/0/") << "the cache was not well before, nor its host";
}

TEST_F(RecoveryCurveTest, CountsOnlyThoseThatWereWellAtTheEndOfTheSteadyState) {
  seen("login", "pangyo-1",
       "++-|----+++");  // its last answer before the cut may have met it
  seen("login", "pangyo-2", "+-+|----+++");
  seen("login", "anyang-1", "   |+++++++");
  seen("cache", "pangyo-1", "-++|---++++");
  const OutcomeRecovery recovery = curve(7);
  EXPECT_EQ(recovery.services, 1u) << "login was not well on two of its hosts";
  EXPECT_EQ(recovery.hosts, (std::map<std::string, size_t>{{"pangyo", 1}}));
  EXPECT_EQ(text(recovery), "0:0/0/ 3:1/0/ 4:1/1/");
}

TEST_F(RecoveryCurveTest, WhatNobodyAskedIsAsItWasLastSeen) {
  seen("login", "pangyo-1", "+++|  --m +");
  seen("cache", "pangyo-2", "++ |-+     ");
  EXPECT_EQ(text(curve(7)), "0:1/1/ 1:2/2/ 2:1/1/ 6:2/2/");
  EXPECT_EQ(text(curve(2)), "0:1/1/ 1:2/2/") << "not beyond its end";
}

TEST_F(RecoveryCurveTest, AnAddressOfNoHostCountsForItsServiceAlone) {
  seen("photo", "", "+++|--+");
  const OutcomeRecovery recovery = curve(3);
  EXPECT_TRUE(recovery.hosts.empty());
  EXPECT_EQ(text(recovery), "0:0// 2:1//");
}

TEST_F(RecoveryCurveTest, IsEmptyWithoutACutOrWithoutAnybodyWell) {
  seen("login", "pangyo-1", "---|---");
  EXPECT_TRUE(curve(3).curve.empty());
  seen("cache", "pangyo-2", "+++|+++");
  EXPECT_FALSE(curve(3).curve.empty());
  EXPECT_TRUE(recovery_curve(checks_, topology_, {kCut, 0, 0, kCut + kSecond}).curve.empty());
}

}  // namespace
}  // namespace blackstart
