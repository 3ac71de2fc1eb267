// SPDX-License-Identifier: Apache-2.0
// Proof that the classifier sees and drops packets, and spares protected ones, before anybody relies
// on it.
#pragma once

#include <vector>

#include "agents/faults/traffic/datapath.h"
#include "agents/faults/traffic/test_packet.h"
#include "agents/kernel/interfaces.h"

namespace blackstart {

class SelfTest {
 public:
  explicit SelfTest(const OrderRules& rules) : plans_{test_plan(rules, false), test_plan(rules, true)} {}

  // Sends one IPv4 and one IPv6 packet to the self-test addresses out of each interface that is up,
  // and requires that the classifier dropped both; runs the programs of both hooks on these and on one
  // packet of each protected port, which they must let pass. The packet socket is closed on return.
  [[nodiscard]] Result<> run(Datapath& datapath, const std::vector<Interface>& interfaces) const;

 private:
  [[nodiscard]] Result<> run_programs(const Datapath& datapath, LinkLayer layer, Hook hook) const;
  [[nodiscard]] Result<> test_egress(const Datapath& datapath, const TestSender& sender,
                                     const Interface& interface) const;

  TestPlan plans_[2];
};

}  // namespace blackstart
