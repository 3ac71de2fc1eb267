// SPDX-License-Identifier: Apache-2.0
// Proof that the datapath sees and drops packets, before anybody relies on it.
#pragma once

#include <vector>

#include "agents/faults/traffic/datapath.h"
#include "agents/kernel/interfaces.h"

namespace blackstart {

// Sends one IPv4 and one IPv6 packet to the self-test addresses out of each interface that is up,
// and requires that the classifier dropped both; runs the ingress programs on the same packets. If a
// packet did get out it would reach nobody: its link address is made up.
Result<> self_test(Datapath& datapath, const std::vector<Interface>& interfaces);

}  // namespace blackstart
