// SPDX-License-Identifier: Apache-2.0
// Proof that the classifier sees packets and tells those to drop from protected ones, before anybody
// relies on it.
#pragma once

#include <vector>

#include "agents/faults/traffic/datapath.h"
#include "agents/faults/traffic/test_packet.h"
#include "agents/kernel/interfaces.h"

namespace blackstart {

class SelfTest {
 public:
  explicit SelfTest(const OrderRules& rules) : plans_{test_plan(rules, false), test_plan(rules, true)} {}

  // Sends an IPv4 and an IPv6 packet to the self-test addresses, and one of each protected port, out of
  // each interface that is up, and requires that the classifier told each for what it is; runs the
  // programs of both hooks on the same packets. None gets out. The packet socket is closed on return.
  [[nodiscard]] Result<> run(Datapath& datapath, const std::vector<Interface>& interfaces) const;

 private:
  [[nodiscard]] Result<> run_programs(const Datapath& datapath, LinkLayer layer, Hook hook) const;
  [[nodiscard]] Result<> test_egress(const Datapath& datapath, const TestSender& sender,
                                     const Interface& interface) const;

  TestPlan plans_[2];
};

}  // namespace blackstart
