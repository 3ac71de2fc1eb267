// SPDX-License-Identifier: Apache-2.0
// The independent counter stays at zero behind a cut, and does not where there is none.
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
  std::this_thread::sleep_for(30ms);
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
  std::this_thread::sleep_for(30ms);
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
  std::this_thread::sleep_for(400ms);
  EXPECT_TRUE(ask_udp(kThereV4, kPatience).answered);
  EXPECT_EQ(leaked(*fault_), 1u);
  std::this_thread::sleep_for(300ms);
  EXPECT_TRUE(ask_udp(kThereV4, kPatience).answered);
  EXPECT_EQ(leaked(*fault_), 1u) << "too late";
}

TEST_F(LeakTest, PortsAndProtectionAreHeeded) {
  fault_ = armed(watch_there({port(kEchoPort, contract::PROTOCOL_UDP, contract::SIDE_PEER)}));
  fire(*fault_);
  std::this_thread::sleep_for(30ms);
  EXPECT_TRUE(say(flows_[0], kPatience));
  EXPECT_TRUE(ping(kThereV4, kPatience).answered);
  EXPECT_EQ(leaked(*fault_), 0u) << "neither TCP nor ICMP is watched";
  EXPECT_TRUE(ask_udp(kThereV6, kPatience).answered);
  EXPECT_EQ(leaked(*fault_), 1u);
  ASSERT_TRUE(fault_->revert());

  fault_ = armed(watch_there().protect({"198.18.2.11"}, {port(kEchoPort, contract::PROTOCOL_TCP)}));
  fire(*fault_);
  std::this_thread::sleep_for(30ms);
  EXPECT_TRUE(ping(kThereV4, kPatience).answered);
  EXPECT_TRUE(say(flows_[1], kPatience));
  EXPECT_EQ(leaked(*fault_), 0u) << "a protected prefix and a protected port";
  EXPECT_TRUE(ask_udp(kThereV6, kPatience).answered);
  EXPECT_EQ(leaked(*fault_), 1u);
}

}  // namespace
}  // namespace blackstart
