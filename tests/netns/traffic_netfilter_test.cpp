// SPDX-License-Identifier: Apache-2.0
// What the netfilter engine does when the kernel refuses.
#include "agents/faults/traffic/netfilter_engine.h"
#include "agents/kernel/nft_table.h"
#include "tests/netns/traffic_fixture.h"

namespace blackstart {
namespace {

using namespace test;

class NetfilterTest : public TrafficFaultTest {
 protected:
  NetfilterTest() : TrafficFaultTest("netfilter") {}
};

TEST_F(NetfilterTest, WhatTheKernelRefusesIsTriedAgainALittleLater) {
  auto table = NftTable::make("blackstart_test");
  ASSERT_TRUE(table) << table.error().message();
  NftGate gate(*table, {{0, 0, Duration(1h).count()}}, {});
  ASSERT_TRUE(table->commit());
  ASSERT_TRUE(table->revert());
  const int64_t before = monotonic_now();
  EXPECT_FALSE(gate.fire(before, {kForever, kForever})) << "there is no set any more";
  EXPECT_GE(gate.due(), before + 100'000'000) << "not at once";
  EXPECT_LE(gate.due(), monotonic_now() + 100'000'000);
}

TEST_F(NetfilterTest, AnInterfaceThatFailsLeavesTheOthersWithOneRule) {
  const contract::Order order = cut_there().engine(contract::ENGINE_NETFILTER);
  auto engine = NetfilterEngine::make(order, resolve(order).value(), NftRules::Own::kSilent, {});
  ASSERT_TRUE(engine) << engine.error().message();
  const std::vector<Interface> all = interfaces().value();
  std::vector<Interface> present;
  for (const Interface& one : all)
    if (one.name == "eth0") present.assign(2, one);
  ASSERT_EQ(present.size(), 2u);
  Interface& broken = present.back();
  for (const Interface& one : all)
    if (one.loopback) broken.index = one.index;
  broken.name = "longer-than-any-name";

  EXPECT_FALSE((*engine)->cover(present));
  EXPECT_THAT((*engine)->interfaces(), testing::ElementsAre("eth0"));
  present.pop_back();
  ASSERT_TRUE((*engine)->cover(present));
  const std::string chain = "egress" + std::to_string(present.front().index);
  EXPECT_NO_THROW(
      NetnsSandbox::run("test $(nft list chain netdev blackstart_cut " + chain + " | grep -c jump) = 1"));
  ASSERT_TRUE((*engine)->revert());
}

}  // namespace
}  // namespace blackstart
