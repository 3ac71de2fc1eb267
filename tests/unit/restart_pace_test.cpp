// SPDX-License-Identifier: Apache-2.0
#include "agents/runtime/restart_pace.h"

#include <gtest/gtest.h>

namespace blackstart {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

TEST(RestartPace, FiveAtOnceThenOneEveryFiveSeconds) {
  RestartPace pace;
  int64_t now = 100 * kSecond;
  for (size_t i = 0; i < RestartPace::kAtOnce; ++i) EXPECT_EQ(pace.next(now), Duration::zero());
  for (int i = 0; i < 3; ++i) {
    const Duration pause = pace.next(now);
    EXPECT_EQ(pause, RestartPace::kPause);
    now += pause.count();
  }
  EXPECT_EQ(pace.next(now + 20 * kSecond), Duration::zero()) << "calm is forgiven";
}

TEST(RestartPace, SurvivesAnExec) {
  RestartPace pace;
  for (size_t i = 0; i < RestartPace::kAtOnce; ++i) (void)pace.next(kSecond);
  RestartPace next = RestartPace::from_text(pace.text());
  EXPECT_EQ(next.next(kSecond), RestartPace::kPause);
  RestartPace none = RestartPace::from_text("no numbers");
  EXPECT_EQ(none.next(kSecond), Duration::zero());
}

}  // namespace
}  // namespace blackstart
