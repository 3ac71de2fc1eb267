// SPDX-License-Identifier: Apache-2.0
// Interfaces, addresses and routes of one network namespace.
#pragma once

#include <cstdint>
#include <string>

#include "agents/contract/ip.h"
#include "agents/contract/result.h"
#include "agents/kernel/fd.h"
#include "agents/kernel/netlink.h"

namespace blackstart {

// Speaks to the namespace the calling thread was in at open(), from whatever thread later. Each call
// is one request that the kernel has confirmed when it returns; on failure nothing has changed.
class Rtnetlink {
 public:
  [[nodiscard]] static Result<Rtnetlink> open();

  // A bridge without spanning tree and multicast snooping: it forwards from the first packet on.
  [[nodiscard]] Result<> add_bridge(const std::string& name);
  // A veth pair: `name` here, `peer` in the other namespace.
  [[nodiscard]] Result<> add_veth(const std::string& name, const std::string& peer, const Fd& peer_netns);
  [[nodiscard]] Result<> set_up(const std::string& interface);
  // Makes the interface a port of the bridge, and sets it up.
  [[nodiscard]] Result<> set_port_of(const std::string& interface, const std::string& bridge);
  // IPv6 addresses are usable at once: no duplicate address detection.
  [[nodiscard]] Result<> add_address(const std::string& interface, const Address& address, uint8_t length);
  [[nodiscard]] Result<> add_default_route(const Address& gateway);

 private:
  explicit Rtnetlink(Netlink netlink) : netlink_(std::move(netlink)) {}
  [[nodiscard]] Result<> request(nlmsghdr* message, const std::string& operation, const std::string& object);
  [[nodiscard]] Result<int> index_of(const std::string& interface);

  Netlink netlink_;
};

}  // namespace blackstart
