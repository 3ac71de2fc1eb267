// SPDX-License-Identifier: Apache-2.0
// The agent's end of its sentinel. The sentinel is this program once more, playing the part that
// kPart names.
#include "agents/runtime/sentinel.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "agents/runtime/sentinel_words.h"
#include "tests/support/promise.h"

namespace blackstart {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr const char* kPart = "BLACKSTART_TEST_PART";

// Says at once that it is here, or two seconds later; then listens to nothing.
TEST(DISABLED_Part, IsPlayed) {
  const std::string part = std::getenv(kPart) ? std::getenv(kPart) : "";
  if (part == "slow") std::this_thread::sleep_for(2s);
  const int64_t here = kHere;
  (void)::send(kSentinelChannel, &here, sizeof here, MSG_NOSIGNAL);
  if (!part.empty()) std::this_thread::sleep_for(30s);
}

Result<std::unique_ptr<Sentinel>> start(const char* part) {
  ::setenv(kPart, part, 1);
  return Sentinel::start({"sentinel", "--gtest_also_run_disabled_tests",
                          "--gtest_filter=DISABLED_Part.IsPlayed", "--gtest_output="});
}

bool tended_until_alive(Sentinel& sentinel, bool alive, std::chrono::milliseconds at_most) {
  for (const auto end = Clock::now() + at_most; Clock::now() < end; std::this_thread::sleep_for(2ms)) {
    sentinel.tend();
    if (sentinel.alive() == alive) return true;
  }
  return false;
}

// While it watches, fd() is its pidfd.
pid_t pid_behind(const Sentinel& sentinel) {
  std::ifstream info("/proc/self/fdinfo/" + std::to_string(sentinel.fd()));
  for (std::string word; info >> word;)
    if (word == "Pid:") {
      pid_t pid = 0;
      info >> pid;
      return pid;
    }
  return 0;
}

TEST(Sentinel, StartingAnotherBlocksNothing) {
  const auto sentinel = start("quick");
  ASSERT_TRUE(sentinel) << sentinel.error().message();
  ::setenv(kPart, "slow", 1);
  ::kill(pid_behind(**sentinel), SIGKILL);
  ASSERT_TRUE(tended_until_alive(**sentinel, false, 1000ms));
  const auto before = Clock::now();
  for (int i = 0; i < 10; ++i) (*sentinel)->tend();
  EXPECT_LT(Clock::now() - before, 500ms);
  EXPECT_FALSE((*sentinel)->alive()) << "it has not said so yet";
  EXPECT_GE((*sentinel)->fd(), 0);
  EXPECT_TRUE(tended_until_alive(**sentinel, true, 5000ms));
}

TEST(Sentinel, OneThatDoesNotListenIsReplaced) {
  proves("S3");
  const auto sentinel = start("quick");
  ASSERT_TRUE(sentinel) << sentinel.error().message();
  const pid_t first = pid_behind(**sentinel);
  int64_t deadline = monotonic_now() + 3600'000'000'000;
  for (int i = 0; i < 20'000 && (*sentinel)->alive(); ++i) (*sentinel)->tell(++deadline);
  EXPECT_FALSE((*sentinel)->alive()) << "it could wake with a deadline that was renewed";
  ASSERT_TRUE(tended_until_alive(**sentinel, true, 3000ms));
  EXPECT_NE(pid_behind(**sentinel), first);
  EXPECT_NE(::kill(first, 0), 0);
}

TEST(Sentinel, OneThatDoesNotFollowIsKilled) {
  const auto sentinel = start("quick");
  ASSERT_TRUE(sentinel) << sentinel.error().message();
  const pid_t pid = pid_behind(**sentinel);
  ::kill(pid, SIGSTOP);
  (*sentinel)->goodbye();
  EXPECT_NE(::kill(pid, 0), 0);
}

}  // namespace
}  // namespace blackstart
