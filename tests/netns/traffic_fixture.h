// SPDX-License-Identifier: Apache-2.0
// A host `here` in a sandbox, an echo server on `there`, and the datapath between them.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

#include "agents/contract/units.h"
#include "agents/faults/traffic/traffic_fault.h"
#include "agents/inventory/inventory.h"
#include "tests/support/netns_sandbox.h"
#include "tests/support/order_builder.h"
#include "tests/support/promise.h"
#include "tests/support/sockets.h"
#include "tests/support/steps.h"

namespace blackstart::test {

inline constexpr const char* kThereV4 = "198.18.2.11";
inline constexpr const char* kThereV6 = "fd00:18:2::11";
inline constexpr milliseconds kPatience{300};
inline constexpr int64_t kForever = INT64_MAX;

inline OrderBuilder cut_there(Duration end = 1h) {
  return OrderBuilder()
      .site("here", {"198.18.1.0/24", "fd00:18:1::/64"})
      .site("there", {"198.18.2.0/24", "fd00:18:2::/64"})
      .fault({{.peers = {"198.18.2.0/24", "fd00:18:2::/64"}}}, 0s, end);
}

inline contract::HostReport observed(const TrafficFault& fault) {
  contract::HostReport report;
  fault.observe(report);
  return report;
}

inline uint64_t packets(const contract::HostReport& report, const std::string& verdict) {
  uint64_t sum = 0;
  for (const auto& fault : report.faults())
    for (const auto& count : fault.packets())
      if (count.verdict() == verdict) sum += count.packets();
  return sum;
}

// Asked for once: an emulated machine takes seconds to answer.
inline const FeatureReport& features() {
  static const FeatureReport report = probe_features();
  return report;
}

// What decides on packets, and the feature of the kernel it needs.
struct EngineCase {
  const char* name;
  const char* reported;
  const char* feature;
  contract::Engine engine;
  contract::Attachment attachment;

  [[nodiscard]] OrderBuilder on(OrderBuilder order) const {
    return order.engine(engine).attachment(attachment);
  }
  [[nodiscard]] bool is_ebpf() const { return engine == contract::ENGINE_EBPF; }
};
inline constexpr EngineCase kEngines[] = {
    {"tcx", "ebpf/tcx", "tcx", contract::ENGINE_EBPF, contract::ATTACHMENT_TCX},
    {"clsact", "ebpf/clsact", "clsact", contract::ENGINE_EBPF, contract::ATTACHMENT_CLSACT},
    {"netdev", "netfilter/netdev", "nft-egress", contract::ENGINE_NETFILTER, contract::ATTACHMENT_AUTO},
};
inline std::string name_of(const testing::TestParamInfo<EngineCase>& info) {
  return info.param.name;
}

// The test stands on host `here`; an echo server stands on `there`.
class TrafficFaultTest : public testing::Test {
 protected:
  explicit TrafficFaultTest(const std::string& name = "engines") : sandbox_(name) {}
  void SetUp() override {
    {
      const auto there = sandbox_.enter("there");
      echo_ = std::make_unique<EchoServer>();
    }
    here_ = std::make_unique<NetnsScope>(sandbox_.enter("here"));
    // Neighbours are resolved before anything is measured.
    ASSERT_TRUE(ask_udp(kThereV4, 2000ms).answered);
    ASSERT_TRUE(ask_udp(kThereV6, 2000ms).answered);
    before_ = sandbox_.inventory("here");
  }
  void TearDown() override {
    if (!here_) return;  // skipped before anything was made
    fault_.reset();
    EXPECT_EQ(sandbox_.inventory("here"), before_) << "something was left behind";
    EXPECT_TRUE(steps_.open.empty()) << "recorded and not taken back";
    EXPECT_THAT(residue_lines(take({})), testing::IsEmpty());
    echo_.reset();
  }

  std::unique_ptr<TrafficFault> armed(const contract::Order& order) {
    auto fault = TrafficFault::make({.steps = &steps_}).value();
    const auto ok = fault->arm(order);
    if (!ok) throw std::runtime_error(ok.error().message());
    return fault;
  }
  // Fires and waits until the coarse clock of the datapath has ticked past T0.
  void fire(TrafficFault& fault, int64_t lease_end = kForever) {
    ASSERT_TRUE(fault.fire(monotonic_now(), {lease_end, kForever}));
    std::this_thread::sleep_for(10ms);
  }

  // Wakes the fault whenever it asks to be, as an agent does, for so long.
  static void attend(TrafficFault& fault, milliseconds how_long) {
    const int64_t end = monotonic_now() + Duration(how_long).count();
    for (int64_t now = monotonic_now(); now < end; now = monotonic_now()) {
      pollfd one{fault.wake_fd(), POLLIN, 0};
      if (::poll(&one, 1, static_cast<int>((end - now) / 1'000'000) + 1) == 1) {
        const auto ok = fault.wake();
        EXPECT_TRUE(ok) << ok.error().message();
      }
    }
  }

  // Polls with datagrams until one is answered; how long that took.
  static milliseconds until_healthy(milliseconds at_most) {
    const auto start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start < at_most)
      if (ask_udp(kThereV4, 2ms).answered) break;
    return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
  }

  NetnsSandbox sandbox_;
  Steps steps_;
  std::unique_ptr<EchoServer> echo_;
  std::unique_ptr<NetnsScope> here_;
  std::unique_ptr<TrafficFault> fault_;
  std::string before_;
};

}  // namespace blackstart::test
