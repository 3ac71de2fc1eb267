// SPDX-License-Identifier: Apache-2.0
// What a host can run out of, and a clock that jumps, while an agent holds a fault on it.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>

#include "tests/crash/crash_fixture.h"

namespace blackstart {
namespace {

using namespace test;
namespace fs = std::filesystem;

// Mounts made while this lives are the calling thread's and its children's alone.
class OwnMounts {
 public:
  OwnMounts() : home_(::open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC)) {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      throw std::runtime_error("no mount namespace");
  }
  ~OwnMounts() { (void)::setns(home_.get(), CLONE_NEWNS); }
  OwnMounts(const OwnMounts&) = delete;
  OwnMounts& operator=(const OwnMounts&) = delete;

 private:
  Fd home_;
};

TEST_F(CrashTest, AFullDiskArmsNothing) {
  proves("S6,S8,S10");
  constexpr int kPairs = 24;
  end();
  {
    const OwnMounts mounts;
    fs::remove_all(state());
    fs::create_directory(state());
    ASSERT_EQ(::mount("tmpfs", state().c_str(), "tmpfs", 0, "size=16k,mode=700"), 0) << strerror(errno);
    start();
    ASSERT_TRUE(wait_until_it_answers()) << log();
    // Full but for the page the journal has: it takes many interfaces to fill that one.
    for (int i = 0; i < kPairs; ++i)
      NetnsSandbox::run("ip link add many" + std::to_string(i) + " type veth peer name more" +
                        std::to_string(i));
    std::ofstream(state() + "/filler") << std::string(100'000, '\0');
    const std::string crowded = inventory();
    const auto refused = arm(order(60s, kClsact));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ENOSPC) << refused.error().message();
    EXPECT_TRUE(healthy());
    EXPECT_EQ(inventory(), crowded) << "what was attached before it was full is taken back";
    EXPECT_FALSE(hello().value().report().armed());
    fs::remove(state() + "/filler");
    EXPECT_TRUE(arm(order(60s, kClsact))) << "with room again it obeys";
    EXPECT_TRUE(revert());
    for (int i = 0; i < kPairs; ++i) NetnsSandbox::run("ip link del many" + std::to_string(i));
    end();
    EXPECT_TRUE(journal_empty());
  }
}

// A memory cgroup of either version; skipped where there is none.
class MemoryGroup {
 public:
  MemoryGroup() {
    for (const char* root : {"/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified"}) {
      std::ifstream controllers(std::string(root) + "/cgroup.controllers");
      std::ostringstream list;
      list << controllers.rdbuf();
      const bool v1 = fs::exists(std::string(root) + "/memory.limit_in_bytes");
      if (!v1 && list.str().find("memory") == std::string::npos) continue;
      if (!v1) std::ofstream(std::string(root) + "/cgroup.subtree_control") << "+memory";
      path_ = std::string(root) + "/blackstart-crash-test";
      std::error_code code;
      fs::create_directory(path_, code);
      limit_ = path_ + (v1 ? "/memory.limit_in_bytes" : "/memory.max");
      usage_ = path_ + (v1 ? "/memory.usage_in_bytes" : "/memory.current");
      if (fs::exists(limit_)) return;
      fs::remove(path_, code);
      path_.clear();
    }
  }
  ~MemoryGroup() {
    if (!path_.empty())
      (void)until(2000ms, [this] { return ::rmdir(path_.c_str()) == 0 || errno == ENOENT; });
  }
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;

  [[nodiscard]] bool available() const { return !path_.empty(); }
  void add(pid_t pid) const { std::ofstream(path_ + "/cgroup.procs") << pid << std::flush; }
  void leave_room(size_t bytes) const {
    size_t used = 0;
    std::ifstream(usage_) >> used;
    std::ofstream(limit_) << used + bytes << std::flush;
  }

 private:
  std::string path_, limit_, usage_;
};

TEST_F(CrashTest, AnAgentOutOfMemoryIsADeadAgent) {
  proves("S2");
  const MemoryGroup group;
  if (!group.available()) GTEST_SKIP() << "there is no memory cgroup to put an agent in";
  const AgentProcesses now = processes();
  arm_and_fire(60s);
  group.add(now.agent);
  group.add(now.sentinel);
  group.leave_room(48u << 20);  // for an agent and its sentinel, but not for what comes now
  contract::Request huge;       // 60 MiB that it has to read
  huge.mutable_collect()->set_run(std::string(60u << 20, 'x'));
  (void)ask(huge, patience(5000ms));
  EXPECT_TRUE(until(kRestHeals, [&] { return processes().agent != now.agent; }))
      << "it should have been killed";
  EXPECT_TRUE(until_healthy(kNetworkHeals));
  EXPECT_TRUE(whole_within(2000ms)) << log();
  EXPECT_TRUE(journal_empty());
  EXPECT_EQ(inventory(), before_);
  end();
}

// Deadlines stand on CLOCK_MONOTONIC. Where the machine's clock is ours to set: the emulated kernel.
TEST_F(CrashTest, AWallClockThatJumpsMovesNoDeadline) {
  proves("S1");
  if (!std::getenv("BLACKSTART_TEST_SETS_CLOCK"))
    GTEST_SKIP() << "BLACKSTART_TEST_SETS_CLOCK is not set: this machine's clock is not ours";
  for (const int hour : {3600, -3600}) {
    arm_and_fire(1500ms);
    const auto fired = std::chrono::steady_clock::now();
    timespec wall{};
    ::clock_gettime(CLOCK_REALTIME, &wall);
    wall.tv_sec += hour;
    ASSERT_EQ(::clock_settime(CLOCK_REALTIME, &wall), 0);
    std::this_thread::sleep_for(500ms);
    EXPECT_FALSE(healthy()) << "not earlier";
    EXPECT_TRUE(until_healthy(3000ms));
    EXPECT_LE(std::chrono::steady_clock::now() - fired, patience(1700ms)) << "not later";
    EXPECT_TRUE(until(kRestHeals, [this] { return journal_empty(); }));
    ::clock_gettime(CLOCK_REALTIME, &wall);
    wall.tv_sec -= hour;
    ASSERT_EQ(::clock_settime(CLOCK_REALTIME, &wall), 0);
  }
}

}  // namespace
}  // namespace blackstart
