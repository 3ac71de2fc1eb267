// SPDX-License-Identifier: Apache-2.0
// Cold starts against a keeper that says what the test wants.
#include "agents/faults/cold_start/cold_starts.h"

#include <gmock/gmock.h>
#include <poll.h>
#include <unistd.h>

#include <filesystem>

#include "agents/contract/units.h"
#include "agents/kernel/seqpacket.h"

namespace blackstart {
namespace {

using contract::ColdStartReport;
using testing::HasSubstr;
using namespace std::chrono_literals;

bool readable(int fd, int patience_ms = 2000) {
  pollfd polled{fd, POLLIN, 0};
  return ::poll(&polled, 1, patience_ms) == 1;
}

constexpr int64_t ns(Duration duration) {
  return duration.count();
}

class ColdStartsTest : public testing::Test {
 protected:
  ColdStartsTest() {
    std::string name = "/tmp/blackstart-keeper-XXXXXX";
    folder_ = mkdtemp(name.data());
    listener_ = std::move(*listen_packets(folder_ / "keeper"));
    family_ = std::move(*ColdStarts::make(folder_ / "keeper"));
    order_.set_host("anyang-gw-1");
  }
  ~ColdStartsTest() override {
    family_.reset();
    std::filesystem::remove_all(folder_);
  }

  void add(const std::string& service, Duration start, Duration end) {
    auto* one = order_.add_cold_starts();
    one->set_id("c" + std::to_string(order_.cold_starts_size()));
    one->set_service(service);
    one->set_start_ns(ns(start));
    one->set_end_ns(ns(end));
  }
  void arm_and_fire(Duration horizon = 1h) {
    const auto armed = family_->arm(order_);
    ASSERT_TRUE(armed) << armed.error().message();
    while (accept_packets(listener_).valid()) {
    }  // arm looks whether somebody is there
    t0_ = monotonic_now();
    const auto fired = family_->fire(t0_, {INT64_MAX, ns(horizon)});
    ASSERT_TRUE(fired) << fired.error().message();
  }
  // Lets the family work until it asks; what it asked, and the connection.
  std::string asked(Fd& connection) {
    if (!readable(family_->wake_fd())) return "nothing";
    EXPECT_TRUE(family_->wake());
    if (!readable(listener_.get())) return "nothing";
    connection = accept_packets(listener_);
    if (!readable(connection.get())) return "nothing";
    return receive_packet(connection).value().value_or("nothing");
  }
  void tell(const Fd& connection, const std::string& text) {
    ASSERT_TRUE(send_packet(connection, text));
    ASSERT_TRUE(readable(family_->wake_fd()));
    ASSERT_TRUE(family_->wake());
  }
  ColdStartReport report(int index = 0) const {
    contract::HostReport host;
    family_->observe(host);
    return host.cold_starts(index);
  }

  std::filesystem::path folder_;
  Fd listener_;
  std::unique_ptr<ColdStarts> family_;
  contract::Order order_;
  int64_t t0_ = 0;
};

TEST_F(ColdStartsTest, AnOrderWithoutAnyArmsToNothing) {
  auto none = ColdStarts::make("");
  EXPECT_TRUE((*none)->arm(order_));
  EXPECT_EQ((*none)->wake_fd(), -1);
}

TEST_F(ColdStartsTest, WithoutAKeeperItIsNotArmed) {
  add("photo", 0s, 5s);
  auto none = ColdStarts::make("");
  const auto armed = (*none)->arm(order_);
  ASSERT_FALSE(armed);
  EXPECT_EQ(armed.error().kind, ErrorKind::kMissing);
  EXPECT_THAT(armed.error().hint, HasSubstr("blackstart lab up"));

  listener_.reset();
  const auto deaf = family_->arm(order_);
  ASSERT_FALSE(deaf);
  EXPECT_EQ(deaf.error().kind, ErrorKind::kMissing);
}

TEST_F(ColdStartsTest, AsksAtItsMomentAndReportsTheLastWords) {
  add("photo", 150ms, 5s);
  arm_and_fire();
  EXPECT_EQ(report().state(), ColdStartReport::WAITING);
  Fd connection;
  EXPECT_THAT(asked(connection), testing::MatchesRegex("fresh anyang-gw-1 photo 4[78].."));
  EXPECT_GE(monotonic_now() - t0_, ns(150ms));
  EXPECT_EQ(report().state(), ColdStartReport::STARTING);
  tell(connection, "ok 123");
  EXPECT_EQ(report().state(), ColdStartReport::STARTING);
  tell(connection, "died 40\ncannot reach photo-store-1.lab:8080\nexiting");
  EXPECT_EQ(report().state(), ColdStartReport::DIED);
  EXPECT_EQ(report().last_words(), "cannot reach photo-store-1.lab:8080\nexiting");
  EXPECT_GE(report().settled_unix_ns(), report().started_unix_ns());
}

TEST_F(ColdStartsTest, OneThatIsReadyLivesUntilTheRevert) {
  add("photo", 0s, 5s);
  arm_and_fire();
  Fd connection;
  ASSERT_THAT(asked(connection), testing::StartsWith("fresh "));
  tell(connection, "ready 200");
  EXPECT_EQ(report().state(), ColdStartReport::READY);
  EXPECT_TRUE(family_->lift());
  EXPECT_FALSE(readable(connection.get(), 0)) << "the end of the faults is not its end";
  EXPECT_TRUE(family_->revert());
  ASSERT_TRUE(readable(connection.get()));
  EXPECT_FALSE(receive_packet(connection)) << "its connection is gone, and it with it";
  EXPECT_EQ(report().state(), ColdStartReport::READY);
  EXPECT_TRUE(family_->revert());
}

TEST_F(ColdStartsTest, SeveralAreIndependent) {
  add("photo", 0s, 5s);
  add("login", 0s, 5s);
  arm_and_fire();
  Fd photo, login;
  ASSERT_THAT(asked(photo), HasSubstr(" photo "));
  ASSERT_TRUE(readable(listener_.get()));
  login = accept_packets(listener_);
  tell(login, "error lab x has no login");
  EXPECT_EQ(report(0).state(), ColdStartReport::STARTING);
  EXPECT_EQ(report(1).state(), ColdStartReport::NOT_STARTED);
  EXPECT_EQ(report(1).last_words(), "lab x has no login");
  photo.reset();
  ASSERT_TRUE(readable(family_->wake_fd()));
  EXPECT_TRUE(family_->wake());
  EXPECT_EQ(report(0).state(), ColdStartReport::NOT_STARTED);
  EXPECT_THAT(report(0).last_words(), HasSubstr("keeper"));
}

TEST_F(ColdStartsTest, WaitsForTheConductorsWord) {
  add("photo", 50ms, 300ms);
  arm_and_fire(40ms);
  EXPECT_FALSE(readable(family_->wake_fd(), 120)) << "its start is behind the horizon";
  EXPECT_TRUE(family_->renew({INT64_MAX, ns(1h)}));
  Fd connection;
  EXPECT_THAT(asked(connection), testing::StartsWith("fresh "));
}

TEST_F(ColdStartsTest, WhatWasNeverStartedIsSaid) {
  add("photo", 20ms, 60ms);
  arm_and_fire(10ms);
  EXPECT_FALSE(readable(family_->wake_fd(), 80));
  EXPECT_EQ(report().state(), ColdStartReport::NOT_STARTED);
}

}  // namespace
}  // namespace blackstart
