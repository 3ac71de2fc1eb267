// SPDX-License-Identifier: Apache-2.0
// What the packet classifier decides, asked of the real program with BPF_PROG_TEST_RUN.
#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <linux/pkt_cls.h>

#include <thread>

#include "agents/contract/units.h"
#include "agents/faults/traffic/datapath.h"
#include "tests/support/order_builder.h"
#include "tests/support/packet.h"
#include "tests/support/promise.h"

namespace blackstart {
namespace {

using namespace packet;
using namespace test;

constexpr int kDrop = TC_ACT_SHOT;
constexpr int kNext = -1;
constexpr int64_t kForever = INT64_MAX;

class ClassifierTest : public testing::Test {
 protected:
  // Loads the order and fires it `since` ago.
  void given(const contract::Order& order, Duration since = 1s, int64_t lease_end = kForever) {
    auto classifier = classify(order);
    ASSERT_TRUE(classifier) << classifier.error().message();
    classifier_ = *classifier;
    auto datapath = Datapath::make(*classifier, order.run(), Datapath::Entry::kDirect);
    ASSERT_TRUE(datapath) << datapath.error().message();
    datapath_ = std::move(*datapath);
    // Nothing fires before the machine booted: on one that just has, let the clock run.
    while (monotonic_now() <= since.count()) std::this_thread::sleep_for(100ms);
    t0_ = monotonic_now() - since.count();
    datapath_->fire(t0_, {lease_end, kForever});
  }

  int verdict(const Packet& packet, Hook hook, LinkLayer layer = LinkLayer::kEthernet) {
    LIBBPF_OPTS(bpf_test_run_opts, opts);
    opts.data_in = packet.bytes.data();
    opts.data_size_in = static_cast<uint32_t>(packet.bytes.size());
    const int code = bpf_prog_test_run_opts(datapath_->classifier(layer, hook), &opts);
    EXPECT_EQ(code, 0) << "test run: " << strerror(-code);
    return static_cast<int>(opts.retval);
  }
  // Out of a host a packet must vanish without its sender's stack being told: by a redirect to nowhere.
  int out(const Packet& packet, LinkLayer layer = LinkLayer::kEthernet) {
    return silent(verdict(packet, Hook::kEgress, layer));
  }
  static int silent(int said) {
    EXPECT_NE(said, TC_ACT_SHOT);
    return said == TC_ACT_REDIRECT ? kDrop : said;
  }
  int in(const Packet& packet) { return verdict(packet, Hook::kIngress); }

  traffic_count counted(uint32_t fault, uint32_t site, Hook hook, traffic_verdict verdict) {
    const auto all = datapath_->counts();
    EXPECT_TRUE(all);
    return (*all)[traffic_counter_index(classifier_.config.sites, fault, site, static_cast<uint32_t>(hook),
                                        verdict)];
  }

  Classifier classifier_;
  std::unique_ptr<Datapath> datapath_;
  int64_t t0_ = 0;
};

Packet to(const std::string& peer) {
  if (peer.find(':') != std::string::npos) return Ethernet() / IPv6{.daddr = peer};
  return Ethernet() / IPv4{.daddr = peer};
}
Packet from(const std::string& peer) {
  if (peer.find(':') != std::string::npos) return Ethernet() / IPv6{.saddr = peer};
  return Ethernet() / IPv4{.saddr = peer};
}

TEST_F(ClassifierTest, EveryProtocolToAndFromASiteVanishes) {
  given(OrderBuilder().fault({{.peers = {"198.18.1.0/24", "fd00:18:1::/64"}}}));
  const Packet v4 = to("198.18.1.11"), v6 = to("fd00:18:1::11");
  for (const Packet& packet :
       {v4 / TCP{.dport = 443}, v4 / UDP{}, v4 / ICMP{}, v4, v6 / TCP{}, v6 / UDP{}, v6 / ICMPv6{}, v6})
    EXPECT_EQ(out(packet), kDrop);
  EXPECT_EQ(in(from("198.18.1.11") / TCP{}), kDrop);
  EXPECT_EQ(in(from("fd00:18:1::11") / ICMPv6{.type = 129}), kDrop);
}

TEST_F(ClassifierTest, StrangersAndNeighboursPass) {
  given(OrderBuilder().fault({{.peers = {"198.18.1.0/24", "fd00:18:1::/64"}}}));
  for (const std::string peer :
       {"198.18.0.255", "198.18.2.0", "8.8.8.8", "fd00:18:0:ffff::1", "fd00:18:2::1"}) {
    EXPECT_EQ(out(to(peer) / TCP{}), kNext) << peer;
    EXPECT_EQ(in(from(peer) / TCP{}), kNext) << peer;
  }
  // The peer is the other end: our own address, even inside the prefix, does not count.
  EXPECT_EQ(out(Ethernet() / IPv4{.saddr = "198.18.1.11", .daddr = "8.8.8.8"} / TCP{}), kNext);
  EXPECT_EQ(in(Ethernet() / IPv4{.saddr = "8.8.8.8", .daddr = "198.18.1.11"} / TCP{}), kNext);
}

TEST_F(ClassifierTest, WhatIsNotIpPasses) {
  proves("S5");
  given(OrderBuilder().fault({{.peers = {"0.0.0.0/0", "::/0"}}}));
  EXPECT_EQ(out(Ethernet() / Arp{}), kNext);
  EXPECT_EQ(in(Ethernet() / Arp{}), kNext);
  EXPECT_EQ(out(Ethernet() / Payload{64}), kNext);
  for (unsigned type = 133; type <= 137; ++type)
    EXPECT_EQ(out(to("fd00:18:1::1") / ICMPv6{.type = type}), kNext);
  EXPECT_EQ(out(to("fd00:18:1::1") / ICMPv6{.type = 132}), kDrop);
  EXPECT_EQ(out(to("fd00:18:1::1") / ICMPv6{.type = 138}), kDrop);
  EXPECT_EQ(out(to("fd00:18:1::1") / Options6{} / ICMPv6{.type = 135}), kNext);
  EXPECT_EQ(out(to("198.18.1.1") / TCP{.dport = 135}), kDrop);
}

TEST_F(ClassifierTest, CutShortHeadersPass) {
  given(OrderBuilder().fault({{.peers = {"0.0.0.0/0", "::/0"}}}));
  // Behind a VLAN tag, since the kernel checks the first header of a test packet itself.
  Packet packet = Ethernet() / Vlan{} / IPv4{.daddr = "198.18.1.1"};
  EXPECT_EQ(out(packet), kDrop);
  packet.bytes.resize(packet.bytes.size() - 1);
  EXPECT_EQ(out(packet), kNext);
}

TEST_F(ClassifierTest, UpToTwoVlanTagsAreLookedThrough) {
  given(OrderBuilder().fault({{.peers = {"198.18.1.11", "fd00:18:1::11"}}}));
  const IPv4 v4{.daddr = "198.18.1.11"};
  const IPv6 v6{.daddr = "fd00:18:1::11"};
  EXPECT_EQ(out(Ethernet() / Vlan{} / v4 / TCP{}), kDrop);
  EXPECT_EQ(out(Ethernet() / Vlan{.type = 0x88a8} / Vlan{} / v4 / TCP{}), kDrop);
  EXPECT_EQ(out(Ethernet() / Vlan{.type = 0x88a8} / Vlan{} / v6 / UDP{}), kDrop);
  EXPECT_EQ(out(Ethernet() / Vlan{} / Vlan{} / Vlan{} / v4 / TCP{}), kNext);
  EXPECT_EQ(out(Ethernet() / Vlan{} / Arp{}), kNext);
}

TEST_F(ClassifierTest, DevicesWithoutLinkHeader) {
  given(OrderBuilder().fault({{.peers = {"198.18.1.11", "fd00:18:1::11"}}}).protect({}, {port(22)}));
  const auto raw = [&](const Packet& packet) { return out(packet, LinkLayer::kRaw); };
  EXPECT_EQ(raw(Raw() / IPv4{.daddr = "198.18.1.11"} / TCP{}), kDrop);
  EXPECT_EQ(raw(Raw() / IPv4{.daddr = "198.18.1.11"} / TCP{.dport = 22}), kNext);
  EXPECT_EQ(raw(Raw() / IPv4{.daddr = "198.18.1.12"} / TCP{}), kNext);
  EXPECT_EQ(raw(Raw() / IPv6{.daddr = "fd00:18:1::11"} / UDP{}), kDrop);
  EXPECT_EQ(raw(Raw() / IPv6{.daddr = "fd00:18:1::12"} / UDP{}), kNext);
}

TEST_F(ClassifierTest, DirectionIsSeenFromTheHost) {
  given(OrderBuilder()
            .fault({{.peers = {"198.18.1.0/24"}, .direction = contract::DIRECTION_INGRESS}})
            .fault({{.peers = {"198.18.2.0/24"}, .direction = contract::DIRECTION_EGRESS}}));
  EXPECT_EQ(in(from("198.18.1.1")), kDrop);
  EXPECT_EQ(out(to("198.18.1.1")), kNext);
  EXPECT_EQ(in(from("198.18.2.1")), kNext);
  EXPECT_EQ(out(to("198.18.2.1")), kDrop);
}

TEST_F(ClassifierTest, RulesWithPorts) {
  given(OrderBuilder().fault({{.peers = {"198.18.1.0/24"},
                               .ports = {port(80, contract::PROTOCOL_TCP, contract::SIDE_PEER),
                                         port(5000, contract::PROTOCOL_ANY, contract::SIDE_LOCAL)}}}));
  const Packet packet = to("198.18.1.1");
  EXPECT_EQ(out(packet / TCP{.dport = 80}), kDrop);
  EXPECT_EQ(out(packet / UDP{.dport = 80}), kNext);
  EXPECT_EQ(out(packet / TCP{.sport = 80, .dport = 81}), kNext);
  EXPECT_EQ(out(packet / UDP{.sport = 5000}), kDrop);
  EXPECT_EQ(out(packet / ICMP{}), kNext);
  EXPECT_EQ(in(from("198.18.1.1") / TCP{.sport = 80, .dport = 40000}), kDrop);
  EXPECT_EQ(in(from("198.18.1.1") / TCP{.sport = 1, .dport = 5000}), kDrop);
  EXPECT_EQ(in(from("198.18.1.1") / TCP{.sport = 5000, .dport = 80}), kNext);
  EXPECT_EQ(out(Ethernet() / IPv4{.daddr = "198.18.1.1", .options = 3} / TCP{.dport = 80}), kDrop);
}

TEST_F(ClassifierTest, ProtectedPrefixesAndPortsAlwaysPass) {
  proves("S5");
  given(OrderBuilder()
            .fault({{.peers = {"198.18.0.0/15", "fd00:18::/32"}}})
            .protect({"198.18.0.0/24", "198.18.1.11"},
                     {port(22), port(53, contract::PROTOCOL_UDP, contract::SIDE_PEER)}));
  EXPECT_EQ(out(to("198.18.0.9") / TCP{}), kNext);
  EXPECT_EQ(out(to("198.18.1.11") / ICMP{}), kNext);
  EXPECT_EQ(out(to("198.18.1.12") / ICMP{}), kDrop);
  EXPECT_EQ(out(to("198.18.1.12") / TCP{.dport = 22}), kNext);
  EXPECT_EQ(out(to("198.18.1.12") / TCP{.sport = 22}), kNext);
  EXPECT_EQ(out(to("fd00:18::1") / Options6{} / Auth6{} / TCP{.dport = 22}), kNext);
  EXPECT_EQ(out(to("198.18.1.12") / UDP{.dport = 53}), kNext);
  EXPECT_EQ(out(to("198.18.1.12") / UDP{.sport = 53, .dport = 54}), kDrop);
  EXPECT_EQ(out(to("198.18.1.12") / TCP{.dport = 53}), kDrop);
}

TEST_F(ClassifierTest, FragmentsThatMayBeProtectedPass) {
  proves("S5");
  given(OrderBuilder()
            .fault({{.peers = {"198.18.1.0/24", "fd00:18:1::/64"}}})
            .protect({}, {port(22, contract::PROTOCOL_TCP)}));
  const auto v4 = [](unsigned protocol, unsigned fragment) {
    return Ethernet() / IPv4{.daddr = "198.18.1.1", .protocol = protocol, .fragment = fragment, .more = true};
  };
  EXPECT_EQ(out(v4(6, 100) / Payload{}), kNext);
  EXPECT_EQ(out(v4(17, 100) / Payload{}), kDrop);
  EXPECT_EQ(out(v4(6, 0) / TCP{.dport = 80}), kDrop);
  EXPECT_EQ(out(v4(6, 0) / TCP{.dport = 22}), kNext);
  EXPECT_EQ(out(v4(6, 0)), kNext) << "a first fragment too short to hold ports";
  const Packet v6 = to("fd00:18:1::1");
  EXPECT_EQ(out(v6 / Fragment6{.fragment = 9} / TCP{.dport = 80}), kNext);
  EXPECT_EQ(out(v6 / Fragment6{.fragment = 9} / UDP{.dport = 80}), kDrop);
  EXPECT_EQ(out(v6 / Fragment6{.fragment = 0} / TCP{.dport = 80}), kDrop);
  EXPECT_EQ(out(v6 / Fragment6{.fragment = 9} / ICMPv6{.type = 135}), kDrop);
}

TEST_F(ClassifierTest, FragmentsWithoutPortsMatchRulesWithoutPortsOnly) {
  given(OrderBuilder()
            .fault({{.peers = {"198.18.1.1"}}})
            .fault({{.peers = {"198.18.1.2"}, .ports = {port(80)}}}));
  const IPv4 later{.protocol = 6, .fragment = 100};
  for (const auto& [peer, expected] : {std::pair{"198.18.1.1", kDrop}, {"198.18.1.2", kNext}}) {
    IPv4 ip = later;
    ip.daddr = peer;
    EXPECT_EQ(out(Ethernet() / ip / Payload{}), expected) << peer;
  }
}

TEST_F(ClassifierTest, ExtensionHeadersAreWalkedSoFar) {
  const Rule site{.peers = {"fd00:18:1::/64"}};
  Packet deep = to("fd00:18:1::1"), deeper = deep;
  for (int i = 0; i < 7; ++i) deep = deep / Options6{.kind = 60, .words = 1};
  for (int i = 0; i < 9; ++i) deeper = deeper / Options6{.kind = 60};

  given(OrderBuilder().fault({site}).protect({}, {port(22)}));
  EXPECT_EQ(out(deep / TCP{.dport = 22}), kNext);
  EXPECT_EQ(out(deep / TCP{.dport = 23}), kDrop);
  EXPECT_EQ(out(deeper / TCP{.dport = 23}), kNext) << "what it is cannot be known, so it may be protected";
  given(OrderBuilder().fault({site}));
  EXPECT_EQ(out(deeper / TCP{.dport = 23}), kDrop);
}

TEST_F(ClassifierTest, TheMostSpecificPrefixDecides) {
  given(OrderBuilder().fault(
      {{.peers = {"198.18.0.0/15", "198.18.1.64/28"}, .except = {"198.18.1.0/24", "198.18.1.70"}}}));
  EXPECT_EQ(out(to("198.18.2.1")), kDrop);
  EXPECT_EQ(out(to("198.18.1.1")), kNext);
  EXPECT_EQ(out(to("198.18.1.65")), kDrop);
  EXPECT_EQ(out(to("198.18.1.70")), kNext);
}

TEST_F(ClassifierTest, AShareOfASite) {
  std::vector<std::string> half;
  for (int i = 0; i < 256; i += 2) half.push_back("198.18.1." + std::to_string(i));
  given(OrderBuilder().fault({{.peers = half}}));
  EXPECT_EQ(classifier_.exact_v4.size(), 129u) << "128 targets and the self-test";
  for (int i = 0; i < 256; ++i)
    EXPECT_EQ(out(to("198.18.1." + std::to_string(i))), i % 2 == 0 ? kDrop : kNext) << i;
}

TEST_F(ClassifierTest, ManySingleAddressesOfBothFamilies) {
  std::vector<std::string> peers;
  for (int i = 0; i < 1000; ++i) {
    const std::string high = std::to_string(i / 100), low = std::to_string(i % 100 * 2);
    peers.push_back("198.18." + high + "." + low);
    peers.push_back("fd00:18:" + high + "::" + low);
  }
  given(OrderBuilder().fault({{.peers = peers}}));
  ASSERT_EQ(classifier_.exact_v4.size(), 1001u);
  ASSERT_EQ(classifier_.exact_v6.size(), 1001u);
  for (const std::string& peer : peers) EXPECT_EQ(out(to(peer)), kDrop) << peer;
  for (int i = 0; i < 1000; ++i) {
    const std::string high = std::to_string(i / 100), low = std::to_string(i % 100 * 2 + 1);
    EXPECT_EQ(out(to("198.18." + high + "." + low)), kNext) << i;
    EXPECT_EQ(out(to("fd00:18:" + high + "::" + low)), kNext) << i;
  }
}

TEST_F(ClassifierTest, SeveralFaultsEachInItsWindow) {
  proves("S1");
  given(OrderBuilder()
            .site("here", {"198.18.9.0/24"})
            .site("there", {"198.18.1.0/24"})
            .fault({{.peers = {"198.18.1.0/24"}}}, 0s, 10s)
            .fault({{.peers = {"198.18.1.0/25"}}}, 5s, 20s)
            .fault({{.peers = {"198.18.1.1"}}}, 0s, 60s),
        15s);
  EXPECT_EQ(out(to("198.18.1.200")), kNext) << "the first has ended";
  EXPECT_EQ(out(to("198.18.1.100")), kDrop);
  EXPECT_EQ(out(to("198.18.1.1")), kDrop) << "the second and the third; the lower one counts";
  EXPECT_EQ(counted(0, 2, Hook::kEgress, TRAFFIC_DROP).packets, 0u);
  EXPECT_EQ(counted(1, 2, Hook::kEgress, TRAFFIC_DROP).packets, 2u);
  EXPECT_EQ(counted(2, 2, Hook::kEgress, TRAFFIC_DROP).packets, 0u);
}

TEST_F(ClassifierTest, AFaultMayHaveSeveralRules) {
  given(OrderBuilder().fault({{.peers = {"198.18.1.1"}}, {.peers = {"198.18.2.2"}, .ports = {port(80)}}}));
  EXPECT_EQ(out(to("198.18.1.1")), kDrop);
  EXPECT_EQ(out(to("198.18.2.2") / TCP{.dport = 80}), kDrop);
  EXPECT_EQ(out(to("198.18.2.2") / TCP{.dport = 81}), kNext);
  EXPECT_EQ(counted(0, 0, Hook::kEgress, TRAFFIC_DROP).packets, 2u);
}

TEST_F(ClassifierTest, InForceFromStartToEndAndNeverPastTheLease) {
  proves("S1,S3");
  const contract::Order order = OrderBuilder().fault({{.peers = {"198.18.1.1"}}}, 10s, 20s);
  const Packet packet = to("198.18.1.1");
  // Half a second is far more than a tick of the coarse clock.
  given(order, 9500ms);
  EXPECT_EQ(out(packet), kNext);
  given(order, 10500ms);
  EXPECT_EQ(out(packet), kDrop);
  given(order, 19500ms);
  EXPECT_EQ(out(packet), kDrop);
  given(order, 20500ms);
  EXPECT_EQ(out(packet), kNext);
  given(order, 15s, monotonic_now() - 1'000'000'000);
  EXPECT_EQ(out(packet), kNext) << "the lease has ended";
  datapath_->renew({monotonic_now() + 10'000'000'000, kForever});
  EXPECT_EQ(out(packet), kDrop) << "renewed";
}

TEST_F(ClassifierTest, ArmedButNotFiredTouchesNothing) {
  given(OrderBuilder().fault({{.peers = {"0.0.0.0/0"}}}));
  datapath_->fire(0, {kForever, kForever});
  EXPECT_EQ(out(to("198.18.1.1")), kNext);
}

TEST_F(ClassifierTest, CountsBySiteDirectionAndVerdict) {
  given(OrderBuilder()
            .site("pangyo", {"198.18.1.0/24"})
            .site("anyang", {"198.18.2.0/24", "fd00:18:2::/64"})
            .fault({{.peers = {"198.18.0.0/16", "fd00:18::/32"}}})
            .protect({}, {port(22)}));
  const int64_t before = monotonic_now();
  const Packet tcp = to("198.18.1.1") / TCP{};
  out(tcp);
  out(tcp);
  in(from("fd00:18:2::1") / UDP{});
  out(to("198.18.2.1") / TCP{.dport = 22});
  out(to("198.18.77.1") / TCP{});
  const traffic_count pangyo = counted(0, 1, Hook::kEgress, TRAFFIC_DROP);
  EXPECT_EQ(pangyo.packets, 2u);
  EXPECT_EQ(pangyo.bytes, 2 * tcp.bytes.size());
  EXPECT_GT(static_cast<int64_t>(pangyo.first_ns), before - 20'000'000);
  EXPECT_GE(pangyo.last_ns, pangyo.first_ns);
  EXPECT_EQ(counted(0, 2, Hook::kIngress, TRAFFIC_DROP).packets, 1u);
  EXPECT_EQ(counted(0, 2, Hook::kEgress, TRAFFIC_PASS).packets, 1u);
  EXPECT_EQ(counted(0, 0, Hook::kEgress, TRAFFIC_DROP).packets, 1u);
  EXPECT_EQ(counted(0, 1, Hook::kIngress, TRAFFIC_DROP).packets, 0u);
}

TEST_F(ClassifierTest, ProtectedPacketsCountOnlyWhileAFaultWouldHaveHitThem) {
  given(OrderBuilder().fault({{.peers = {"198.18.1.1"}}}, 10s, 20s).protect({}, {port(22)}), 5s);
  EXPECT_EQ(out(to("198.18.1.1") / TCP{.dport = 22}), kNext);
  EXPECT_EQ(counted(0, 0, Hook::kEgress, TRAFFIC_PASS).packets, 0u);
}

TEST_F(ClassifierTest, SelfTestAddressesAreDroppedOnlyWhileTesting) {
  given(OrderBuilder().fault({{.peers = {"198.18.1.1"}}}));
  EXPECT_EQ(out(to(kSelfTestV4)), kNext);
  datapath_->set_testing(true);
  EXPECT_EQ(out(to(kSelfTestV4)), kDrop);
  EXPECT_EQ(in(from(kSelfTestV6)), kDrop);
  datapath_->set_testing(false);
  EXPECT_EQ(out(to(kSelfTestV4)), kNext);
  EXPECT_EQ(datapath_->tested(Hook::kEgress)->doomed, 1u);
  EXPECT_EQ(datapath_->tested(Hook::kIngress)->doomed, 1u);
}

TEST_F(ClassifierTest, SelfTestPacketsOfProtectedPortsAreToldFromOthers) {
  given(OrderBuilder().fault({{.peers = {"198.18.1.1"}}}).protect({}, {port(22)}));
  datapath_->set_testing(true);
  EXPECT_EQ(out(to(kSelfTestV4) / TCP{.dport = 22}), kDrop) << "it is nobody's";
  EXPECT_EQ(out(to(kSelfTestV6) / TCP{.dport = 22}), kDrop);
  EXPECT_EQ(out(to(kSelfTestV4) / TCP{.dport = 23}), kDrop);
  EXPECT_EQ(datapath_->tested(Hook::kEgress)->spared, 2u);
  EXPECT_EQ(datapath_->tested(Hook::kEgress)->doomed, 1u);
}

TEST_F(ClassifierTest, TheLastOfSixtyThreeRulesWorksAndOneMoreIsRefused) {
  OrderBuilder builder;
  for (int i = 0; i < TRAFFIC_MAX_RULES; ++i) builder.fault({{.peers = {"198.18.1." + std::to_string(i)}}});
  given(builder);
  EXPECT_EQ(out(to("198.18.1.62")), kDrop);
  EXPECT_EQ(counted(62, 0, Hook::kEgress, TRAFFIC_DROP).packets, 1u);
  EXPECT_EQ(out(to("198.18.1.63")), kNext);

  builder.fault({{.peers = {"198.18.1.63"}}});
  const auto refused = classify(builder);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kInvalid);
  EXPECT_NE(refused.error().message().find("63 packet rules"), std::string::npos)
      << refused.error().message();
}

TEST_F(ClassifierTest, StubsFallThroughToTheClassifier) {
  auto classifier = classify(OrderBuilder().fault({{.peers = {"198.18.1.1"}}}));
  auto datapath = Datapath::make(*classifier, "test-run", Datapath::Entry::kStub);
  ASSERT_TRUE(datapath) << datapath.error().message();
  (*datapath)->fire(monotonic_now() - 1'000'000'000, {kForever, kForever});
  Packet packet = to("198.18.1.1");
  LIBBPF_OPTS(bpf_test_run_opts, opts);
  opts.data_in = packet.bytes.data();
  opts.data_size_in = static_cast<uint32_t>(packet.bytes.size());
  ASSERT_EQ(bpf_prog_test_run_opts((*datapath)->program(LinkLayer::kEthernet, Hook::kEgress), &opts), 0);
  EXPECT_EQ(silent(static_cast<int>(opts.retval)), kDrop);
}

}  // namespace
}  // namespace blackstart
