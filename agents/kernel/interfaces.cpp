// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/interfaces.h"

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>

#include <algorithm>

#include "agents/kernel/kernel_error.h"

namespace blackstart {
namespace {

LinkLayer layer_of(unsigned short type) {
  switch (type) {
    case ARPHRD_ETHER:
    case ARPHRD_LOOPBACK:
      return LinkLayer::kEthernet;
    case ARPHRD_NONE:
    case ARPHRD_RAWIP:
    case ARPHRD_PPP:
    case ARPHRD_TUNNEL:
    case ARPHRD_TUNNEL6:
    case ARPHRD_SIT:
    case ARPHRD_IPGRE:
    case ARPHRD_IP6GRE:
      return LinkLayer::kRaw;
    default:
      return LinkLayer::kOther;
  }
}

Interface read(const nlmsghdr* message) {
  const auto* info = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
  Interface out;
  out.index = info->ifi_index;
  out.layer = layer_of(info->ifi_type);
  out.loopback = info->ifi_flags & IFF_LOOPBACK;
  out.up = info->ifi_flags & IFF_UP;
  each_attribute(message, sizeof(*info), [&](const nlattr* attribute) {
    if (mnl_attr_get_type(attribute) == IFLA_IFNAME) out.name = mnl_attr_get_str(attribute);
    if (mnl_attr_get_type(attribute) == IFLA_MASTER) out.enslaved = true;
  });
  return out;
}

}  // namespace

Result<std::vector<Interface>> interfaces() {
  auto socket = Netlink::make(NETLINK_ROUTE);
  if (!socket) return tl::unexpected(socket.error());
  NetlinkBuffer buffer = netlink_buffer();
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = RTM_GETLINK;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg));
  std::vector<Interface> out;
  const int code = socket->ask(message, [&](const nlmsghdr* answer) {
    if (answer->nlmsg_type == RTM_NEWLINK) out.push_back(read(answer));
  });
  if (code != 0) return kernel_refused(code, "list", "network interfaces");
  std::sort(out.begin(), out.end(), [](const Interface& a, const Interface& b) { return a.index < b.index; });
  return out;
}

Result<LinkWatch> LinkWatch::make() {
  auto socket = Netlink::make(NETLINK_ROUTE, RTMGRP_LINK);
  if (!socket) return tl::unexpected(socket.error());
  return LinkWatch(std::move(*socket));
}

}  // namespace blackstart
