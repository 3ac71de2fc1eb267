// SPDX-License-Identifier: Apache-2.0
// What stands in the calling thread's network namespace beside its interfaces, handed over one by one
// as the kernel lists it: a routing table of a hundred thousand is never held.
//
// A listing that something changed under ends with EINTR; what was handed over until then is void.
#pragma once

#include <functional>
#include <string>

#include "agents/contract/result.h"

namespace blackstart {

struct NetObject {
  std::string object;  // as its own tool takes it: "ip route del OBJECT" deletes a route
  std::string detail;  // what else is set on it; neither counters nor lifetimes
};
using EachNetObject = std::function<void(NetObject)>;

// "198.18.1.11/24 dev eth0". Without IPv6 link-local ones, which come by themselves.
[[nodiscard]] Result<> each_address(const EachNetObject& each);
// "198.18.7.0/24 via 198.18.1.1 dev eth0 table 100". Without table local and the kernel's own routes,
// which follow from the addresses.
[[nodiscard]] Result<> each_route(bool v6, const EachNetObject& each);
// "priority 100 from 198.18.0.0/15 lookup 100"
[[nodiscard]] Result<> each_rule(bool v6, const EachNetObject& each);
// "dev eth0 root", "dev eth0 clsact", "dev eth0 parent 1:2"
[[nodiscard]] Result<> each_qdisc(const EachNetObject& each);

}  // namespace blackstart
