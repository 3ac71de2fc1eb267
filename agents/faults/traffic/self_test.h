// SPDX-License-Identifier: Apache-2.0
// Proof that the datapath sees and drops packets, before anybody relies on it.
#pragma once

#include <vector>

#include "agents/faults/traffic/datapath.h"
#include "agents/kernel/fd.h"
#include "agents/kernel/interfaces.h"

namespace blackstart {

class SelfTest {
 public:
  // Opens the packet socket; it is kept, since the kernel takes milliseconds to close one.
  static Result<SelfTest> make();

  // Sends one IPv4 and one IPv6 packet to the self-test addresses out of each interface that is up,
  // and requires that the classifier dropped both; runs the ingress programs on the same packets. If
  // a packet did get out it would reach nobody: its link address is made up.
  [[nodiscard]] Result<> run(Datapath& datapath, const std::vector<Interface>& interfaces) const;

 private:
  explicit SelfTest(Fd socket) : socket_(std::move(socket)) {}
  Result<> test_egress(const Datapath& datapath, const Interface& interface) const;
  Result<> send(const Interface& interface, bool v6) const;

  Fd socket_;
};

}  // namespace blackstart
