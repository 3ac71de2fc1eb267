// SPDX-License-Identifier: Apache-2.0
// Packets from the self-test address to itself, which no order is about.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agents/contract/result.h"
#include "agents/faults/traffic/classifier.h"
#include "agents/kernel/fd.h"
#include "agents/kernel/hook.h"
#include "agents/kernel/interfaces.h"

namespace blackstart {

struct TestPacket {
  bool v6 = false;
  traffic_port port{};  // the port that matters, at one hook; the other is nobody's
  uint16_t other_port = 0;
};

// One packet that must vanish while testing, then one for each protected port, which must not.
struct TestPlan {
  TestPacket doomed;
  std::vector<TestPacket> spared;
};
TestPlan test_plan(const OrderRules& rules, bool v6);

// What an engine made of test packets. It ends both sorts, since they are nobody's.
struct TestCount {
  uint64_t doomed = 0, spared = 0;
};
// Requires that each packet of a plan, sent at `where` between the two counts, was told for what it is.
[[nodiscard]] Result<> require_told(const TestPlan& plan, const TestCount& before, const TestCount& after,
                                    const std::string& where, const std::string& hint);

// With a made-up link address where there is one: what gets out reaches nobody.
std::vector<uint8_t> bytes_of(const TestPacket& packet, LinkLayer layer, Hook hook);

// Hands packets to the kernel below its network stack (out of one interface) or on top of it.
class TestSender {
 public:
  static Result<TestSender> below_stack();
  static Result<TestSender> on_stack(bool v6);

  // A packet the kernel says it dropped, or for which there is no interface, is no failure.
  [[nodiscard]] Result<> send_out_of(const Interface& interface, const TestPacket& packet) const;
  // False: there is no route, so nothing was tried.
  [[nodiscard]] Result<bool> send(const TestPacket& packet) const;

 private:
  explicit TestSender(Fd socket) : socket_(std::move(socket)) {}
  Fd socket_;
};

}  // namespace blackstart
