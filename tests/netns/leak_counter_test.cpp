// SPDX-License-Identifier: Apache-2.0
// The independent counter stays at zero behind a cut, and does not where there is none.
#include <cstdlib>
#include <ctime>

#include "tests/netns/traffic_fixture.h"

namespace blackstart {
namespace {

using namespace test;

// Opens flows of every kind, then keeps sending on them.
class LeakTest : public TrafficFaultTest {
 protected:
  void SetUp() override {
    TrafficFaultTest::SetUp();
    for (const char* there : {kThereV4, kThereV6}) flows_.push_back(connect_tcp(there, kPatience).socket);
    for (const Fd& flow : flows_) ASSERT_TRUE(say(flow, kPatience));
  }
  void talk() {
    for (const Fd& flow : flows_) (void)say(flow, 50ms);
    for (const char* there : {kThereV4, kThereV6}) (void)ask_udp(there, 50ms);
    (void)ping(kThereV4, 50ms);
  }
  static uint64_t leaked(const TrafficFault& fault) {
    const auto report = observed(fault);
    EXPECT_EQ(report.leaks_size(), 1);
    return report.leaks(0).packets();
  }
  static OrderBuilder watch_there(std::vector<contract::PortMatch> ports = {}) {
    return OrderBuilder().leak({"198.18.2.0/24", "fd00:18:2::/64"}, ports);
  }
  std::vector<Fd> flows_;
};

TEST_F(LeakTest, NothingLeaksThroughTheCut) {
  fault_ = armed(cut_there().leak({"198.18.2.0/24", "fd00:18:2::/64"}));
  fire(*fault_);
  attend(*fault_, 30ms);
  talk();
  EXPECT_GT(packets(observed(*fault_), "drop"), 0u);
  EXPECT_EQ(leaked(*fault_), 0u);
  ASSERT_TRUE(fault_->revert());
  talk();
  EXPECT_EQ(leaked(*fault_), 0u) << "the witness left before the cut ended";
}

TEST_F(LeakTest, WithoutACutEveryKindOfPacketIsCounted) {
  fault_ = armed(watch_there());
  fire(*fault_);
  attend(*fault_, 30ms);
  uint64_t seen = leaked(*fault_);
  const auto grew = [&] {
    const uint64_t was = std::exchange(seen, leaked(*fault_));
    return seen > was;
  };
  EXPECT_TRUE(ask_udp(kThereV4, kPatience).answered);
  EXPECT_TRUE(grew());
  EXPECT_TRUE(ask_udp(kThereV6, kPatience).answered);
  EXPECT_TRUE(grew());
  EXPECT_TRUE(ping(kThereV4, kPatience).answered);
  EXPECT_TRUE(grew());
  for (const Fd& flow : flows_) {
    EXPECT_TRUE(say(flow, kPatience));
    EXPECT_TRUE(grew());
  }
  EXPECT_TRUE(ping("198.18.1.1", kPatience).answered);
  EXPECT_FALSE(grew()) << "the neighbour is not watched";
}

TEST_F(LeakTest, CountsOnlyInItsWindow) {
  fault_ = armed(OrderBuilder().leak({"198.18.2.0/24"}, {}, 300ms, 600ms));
  fire(*fault_);
  EXPECT_TRUE(ask_udp(kThereV4, kPatience).answered);
  EXPECT_EQ(leaked(*fault_), 0u) << "too early";
  attend(*fault_, 400ms);
  EXPECT_TRUE(ask_udp(kThereV4, kPatience).answered);
  EXPECT_EQ(leaked(*fault_), 1u);
  attend(*fault_, 300ms);
  EXPECT_TRUE(ask_udp(kThereV4, kPatience).answered);
  EXPECT_EQ(leaked(*fault_), 1u) << "too late";
}

TEST_F(LeakTest, AWallClockThatJumpsOpensAndClosesNothing) {
  proves("S15");
  if (!std::getenv("BLACKSTART_TEST_SETS_CLOCK"))
    GTEST_SKIP() << "BLACKSTART_TEST_SETS_CLOCK is not set: this machine's clock is not ours";
  const auto jump = [](int seconds) {
    timespec wall{};
    ::clock_gettime(CLOCK_REALTIME, &wall);
    wall.tv_sec += seconds;
    ASSERT_EQ(::clock_settime(CLOCK_REALTIME, &wall), 0);
  };
  for (const int hour : {3600, -3600}) {
    fault_ = armed(OrderBuilder().leak({"198.18.2.0/24"}, {}, 0s, 60s));
    fire(*fault_);
    jump(hour);
    attend(*fault_, 100ms);
    EXPECT_TRUE(ask_udp(kThereV4, kPatience).answered);
    EXPECT_EQ(leaked(*fault_), 1u);
    jump(-hour);
    ASSERT_TRUE(fault_->revert());
  }
}

TEST_F(LeakTest, WhatALaterHorizonLetsInIsCountedOnceEverybodyHeardOfIt) {
  fault_ = armed(OrderBuilder().leak({"198.18.2.0/24"}, {}, 100ms, 60s));
  ASSERT_TRUE(fault_->fire(monotonic_now(), {kForever, 50'000'000}));
  attend(*fault_, 150ms);
  ASSERT_TRUE(fault_->renew({kForever, kForever}));
  attend(*fault_, 500ms);
  EXPECT_TRUE(ask_udp(kThereV4, kPatience).answered);
  EXPECT_EQ(leaked(*fault_), 0u);
  attend(*fault_, 600ms);
  EXPECT_TRUE(ask_udp(kThereV4, kPatience).answered);
  EXPECT_EQ(leaked(*fault_), 1u);
}

TEST_F(LeakTest, PortsAndProtectionAreHeeded) {
  fault_ = armed(watch_there({port(kEchoPort, contract::PROTOCOL_UDP, contract::SIDE_PEER)}));
  fire(*fault_);
  attend(*fault_, 30ms);
  EXPECT_TRUE(say(flows_[0], kPatience));
  EXPECT_TRUE(ping(kThereV4, kPatience).answered);
  EXPECT_EQ(leaked(*fault_), 0u) << "neither TCP nor ICMP is watched";
  EXPECT_TRUE(ask_udp(kThereV6, kPatience).answered);
  EXPECT_EQ(leaked(*fault_), 1u);
  ASSERT_TRUE(fault_->revert());

  fault_ = armed(watch_there().protect({"198.18.2.11"}, {port(kEchoPort, contract::PROTOCOL_TCP)}));
  fire(*fault_);
  attend(*fault_, 30ms);
  EXPECT_TRUE(ping(kThereV4, kPatience).answered);
  EXPECT_TRUE(say(flows_[1], kPatience));
  EXPECT_EQ(leaked(*fault_), 0u) << "a protected prefix and a protected port";
  EXPECT_TRUE(ask_udp(kThereV6, kPatience).answered);
  EXPECT_EQ(leaked(*fault_), 1u);
}

}  // namespace
}  // namespace blackstart
