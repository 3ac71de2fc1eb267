// SPDX-License-Identifier: Apache-2.0
// A unit that starts again whatever happens, one that a connection starts and one that a timer starts:
// killed, they do not come back by any way, and afterwards they are as they were. It writes into
// /etc/systemd.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <thread>

#include "agents/faults/process/units.h"
#include "agents/kernel/systemd.h"
#include "tests/support/emulated.h"
#include "tests/support/promise.h"

namespace blackstart {
namespace {

using namespace test;
using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

const std::string kEtc = "/etc/systemd/system/", kRun = "/run/systemd/system/";
const std::string kTool = "bs-tool.service", kSocket = "bs-tool.socket", kTimer = "bs-tool.timer";
const std::string kBegan = "/run/bs-tool-began", kAddress = "/run/bs-tool.sock";

class Steps final : public StepLog {
 public:
  Result<uint64_t> record(const contract::Step& step) override {
    open[++last_] = step;
    return last_;
  }
  Result<> taken_back(uint64_t step) override {
    open.erase(step);
    return {};
  }
  std::map<uint64_t, contract::Step> open;

 private:
  uint64_t last_ = 0;
};

class HeldUnits : public testing::Test {
 protected:
  void SetUp() override {
    if (!emulated() || ::access("/run/systemd/private", F_OK) != 0)
      GTEST_SKIP() << "needs a systemd as process 1 of a machine nobody needs: ./dev test --vm";
    systemd_.emplace(Systemd::connect().value());
    fs::create_directories(kEtc);
    clean();
  }
  void TearDown() override {
    if (!systemd_) return;
    EXPECT_THAT(steps_.open, IsEmpty());
    for (const std::string& unit : {kTool, kSocket, kTimer})
      EXPECT_FALSE(fs::exists(kRun + unit + ".d")) << unit;
    clean();
  }
  void clean() {
    for (const std::string& unit : {kSocket, kTimer, kTool}) {
      (void)systemd_->stop(unit);
      (void)within(5000ms, [&] { return !active(unit); });
      fs::remove(kEtc + unit);
      fs::remove(kEtc + "multi-user.target.wants/" + unit);
      fs::remove_all(kEtc + unit + ".d");
    }
    fs::remove(kBegan);
    (void)systemd_->reload();
  }
  // Its first act is a line in a file.
  void write_tool(const std::string& more, const std::string& then = "exec sleep 1000") {
    std::ofstream(kEtc + kTool)
        << "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sh -c 'echo began >>" << kBegan << "; "
        << then << "'\n"
        << more << "\n[Install]\nWantedBy=multi-user.target\n";
  }
  void reload_and_start(const std::string& unit) {
    ASSERT_TRUE(systemd_->reload());
    const auto started = systemd_->start(unit);
    ASSERT_TRUE(started) << started.error().message();
    ASSERT_TRUE(within(10s, [&] { return active(unit); })) << systemd_->unit(unit)->active_state;
  }
  [[nodiscard]] bool active(const std::string& unit) {
    const auto state = systemd_->unit(unit);
    return state && state->active_state == "active";
  }
  static size_t began() {
    std::ifstream file(kBegan);
    return static_cast<size_t>(std::count(std::istreambuf_iterator<char>(file), {}, '\n'));
  }
  template <typename Holds>
  static bool within(std::chrono::milliseconds at_most, Holds holds) {
    const auto end = std::chrono::steady_clock::now() + at_most;
    while (!holds()) {
      if (std::chrono::steady_clock::now() >= end) return false;
      std::this_thread::sleep_for(10ms);
    }
    return true;
  }
  // How many times the tool began while it was held, whatever was tried.
  size_t began_within_the_hold(const std::function<void()>& trying) {
    const size_t before = began();
    const auto end = std::chrono::steady_clock::now() + held_for_;
    while (std::chrono::steady_clock::now() < end) {
      trying();
      std::this_thread::sleep_for(50ms);
    }
    return began() - before;
  }
  static bool connects() {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    kAddress.copy(address.sun_path, sizeof address.sun_path - 1);
    const bool done = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return done;
  }

  const std::chrono::seconds held_for_{
      std::getenv("BLACKSTART_HOLD_SECONDS") ? std::atoi(std::getenv("BLACKSTART_HOLD_SECONDS")) : 10};
  std::optional<Systemd> systemd_;
  Steps steps_;
};

TEST_F(HeldUnits, WhatRestartsEveryTenMillisecondsStaysDead) {
  write_tool("Restart=always\nRestartSec=10ms");
  fs::create_directories(kEtc + "multi-user.target.wants");
  fs::create_symlink(kEtc + kTool, kEtc + "multi-user.target.wants/" + kTool);
  fs::create_directories(kEtc + kTool + ".d");
  std::ofstream(kEtc + kTool + ".d/50-own.conf") << "[Service]\nNice=1\n";
  reload_and_start(kTool);
  ASSERT_TRUE(systemd_->kill(kTool, SIGKILL));
  ASSERT_TRUE(within(10s, [] { return began() >= 2; })) << "by itself it comes back";

  auto hold = UnitHold::find(kTool, &steps_).value();
  EXPECT_THAT(hold.was_active(), ElementsAre(kTool));
  ASSERT_TRUE(hold.hold());
  EXPECT_EQ(steps_.open.size(), 1u);
  const size_t before = began();
  ASSERT_TRUE(hold.kill(SIGKILL));
  EXPECT_EQ(began_within_the_hold([&] { (void)systemd_->start(kTool); }), 0u);
  EXPECT_FALSE(active(kTool));
  EXPECT_EQ(systemd_->unit(kTool)->file_state, "enabled");

  ASSERT_TRUE(hold.release());
  std::this_thread::sleep_for(500ms);
  EXPECT_EQ(began(), before) << "released is not started";
  ASSERT_TRUE(start_units(hold.was_active()));
  EXPECT_TRUE(within(10s, [&] { return active(kTool) && began() > before; }));
  EXPECT_EQ(systemd_->unit(kTool)->file_state, "enabled");
  EXPECT_TRUE(fs::exists(kEtc + kTool + ".d/50-own.conf"));
}

TEST_F(HeldUnits, WhatAConnectionStartsStaysDead) {
  write_tool("", "sleep 1000");
  std::ofstream(kEtc + kSocket) << "[Socket]\nListenStream=" << kAddress << "\n";
  reload_and_start(kSocket);
  ASSERT_TRUE(connects());
  ASSERT_TRUE(within(10s, [] { return began() == 1; }));

  auto hold = UnitHold::find(kTool, &steps_).value();
  EXPECT_THAT(hold.was_active(), ElementsAre(kSocket, kTool));
  ASSERT_TRUE(hold.hold());
  EXPECT_EQ(steps_.open.size(), 2u);
  ASSERT_TRUE(hold.kill(SIGKILL));
  EXPECT_EQ(began_within_the_hold([&] {
              (void)connects();
              (void)systemd_->start(kSocket);
            }),
            0u);
  ASSERT_TRUE(hold.release());
  ASSERT_TRUE(start_units(hold.was_active()));
  EXPECT_TRUE(within(10s, [&] { return active(kSocket) && active(kTool) && began() == 2; }));
}

TEST_F(HeldUnits, WhatATimerStartsStaysDead) {
  write_tool("Type=oneshot", "true");
  std::ofstream(kEtc + kTimer) << "[Timer]\nOnActiveSec=10ms\nOnUnitInactiveSec=50ms\nAccuracySec=1ms\n";
  reload_and_start(kTimer);
  ASSERT_TRUE(within(10s, [] { return began() >= 2; }));

  auto hold = UnitHold::find(kTool, &steps_).value();
  EXPECT_THAT(hold.was_active(), Contains(kTimer));
  ASSERT_TRUE(hold.hold());
  ASSERT_TRUE(hold.kill(SIGKILL));
  EXPECT_TRUE(within(5s, [&] { return !active(kTimer); }));
  EXPECT_EQ(began_within_the_hold([] {}), 0u);
  const size_t before = began();
  ASSERT_TRUE(hold.release());
  ASSERT_TRUE(start_units({kTimer}));
  EXPECT_TRUE(within(10s, [&] { return began() > before + 1; }));
}

TEST_F(HeldUnits, WhatADeadAgentHeldIsTakenBack) {
  proves("S2,S10");
  write_tool("Restart=always\nRestartSec=10ms");
  reload_and_start(kTool);
  {
    auto hold = UnitHold::find(kTool, &steps_).value();
    ASSERT_TRUE(hold.hold());
    ASSERT_TRUE(hold.kill(SIGKILL));
  }
  ASSERT_EQ(steps_.open.size(), 1u);
  const contract::Step::HeldUnit held = steps_.open.begin()->second.held_unit();
  EXPECT_TRUE(fs::exists(held.drop_in()));
  EXPECT_EQ(take_back(held), true);
  EXPECT_EQ(take_back(held), false) << "it is idempotent";
  EXPECT_FALSE(fs::exists(held.drop_in()));
  ASSERT_TRUE(start_units({kTool}));
  EXPECT_TRUE(within(10s, [&] { return active(kTool); }));
  steps_.open.clear();
}

TEST_F(HeldUnits, WhatWasDownStaysDown) {
  write_tool("");
  ASSERT_TRUE(systemd_->reload());
  auto hold = UnitHold::find(kTool, &steps_).value();
  EXPECT_THAT(hold.was_active(), IsEmpty());
  EXPECT_FALSE(hold.ran());
  ASSERT_TRUE(hold.hold());
  ASSERT_TRUE(hold.kill(SIGKILL));
  ASSERT_TRUE(hold.release());
  ASSERT_TRUE(start_units(hold.was_active()));
  EXPECT_EQ(systemd_->unit(kTool)->active_state, "inactive");
}

TEST_F(HeldUnits, WhatNobodyCouldStartAgainIsRefused) {
  proves("S6");
  write_tool("");
  reload_and_start(kTool);
  fs::remove(kEtc + kTool);
  fs::create_symlink("/dev/null", kEtc + kTool);
  ASSERT_TRUE(systemd_->reload());
  const auto masked = UnitHold::find(kTool, &steps_);
  ASSERT_FALSE(masked);
  EXPECT_EQ(masked.error().kind, ErrorKind::kRefused);
  EXPECT_THAT(masked.error().message(), HasSubstr("masked"));
  const auto none = UnitHold::find("bs-none.service", &steps_);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::kInvalid);
  EXPECT_FALSE(UnitHold::find("../../etc/x.service", &steps_));
}

}  // namespace
}  // namespace blackstart
