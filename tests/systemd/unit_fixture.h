// SPDX-License-Identifier: Apache-2.0
// A tool that systemd, as process 1 of a machine nobody needs, starts in several ways. Writes into
// /etc/systemd.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "agents/kernel/systemd.h"
#include "tests/support/emulated.h"
#include "tests/support/promise.h"
#include "tests/support/steps.h"

namespace blackstart::test {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

inline const std::string kEtc = "/etc/systemd/system/", kRun = "/run/systemd/system/";
inline const std::string kTool = "bs-tool.service", kSocket = "bs-tool.socket", kTimer = "bs-tool.timer";
inline const std::string kBegan = "/run/bs-tool-began", kAddress = "/run/bs-tool.sock";

// `Base`: what else the test needs.
template <typename Base>
class WithUnits : public Base {
 protected:
  void SetUp() override {
    if (!emulated() || ::access("/run/systemd/private", F_OK) != 0)
      GTEST_SKIP() << "needs a systemd as process 1 of a machine nobody needs: ./dev test --vm";
    Base::SetUp();
    if (this->HasFatalFailure()) return;
    systemd_.emplace(Systemd::connect().value());
    fs::create_directories(kEtc);
    clean();
  }
  void TearDown() override {
    if (systemd_) put_back();
    Base::TearDown();
  }
  void put_back() {
    EXPECT_THAT(steps_.open, testing::IsEmpty());
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
    const auto end = std::chrono::steady_clock::now() + patience(at_most);
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
using UnitTest = WithUnits<testing::Test>;

}  // namespace blackstart::test
