// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/rtnetlink.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

#include <array>

#include "agents/kernel/kernel_error.h"

namespace blackstart {
namespace {

constexpr size_t kLongestMessage = 1024;  // far more than any request below

// A request under construction.
struct Message {
  alignas(nlmsghdr) std::array<char, kLongestMessage> buffer{};
  nlmsghdr* header = nullptr;

  Message(uint16_t type, uint16_t flags) {
    header = mnl_nlmsg_put_header(buffer.data());
    header->nlmsg_type = type;
    header->nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
  }
  template <typename Body>
  Body* body() {
    return static_cast<Body*>(mnl_nlmsg_put_extra_header(header, sizeof(Body)));
  }
};

constexpr uint16_t kNew = NLM_F_CREATE | NLM_F_EXCL;

// The link's header, which also sets the interface up.
void bring_up(Message& message) {
  auto* body = message.body<ifinfomsg>();
  body->ifi_flags = IFF_UP;
  body->ifi_change = IFF_UP;
}

}  // namespace

Result<Rtnetlink> Rtnetlink::open() {
  auto netlink = Netlink::make(NETLINK_ROUTE);
  if (!netlink) return tl::unexpected(netlink.error());
  return Rtnetlink(std::move(*netlink));
}

Result<> Rtnetlink::request(nlmsghdr* message, const std::string& operation, const std::string& object) {
  if (const int code = netlink_.ask(message); code != 0) return kernel_refused(code, operation, object);
  return {};
}

Result<int> Rtnetlink::index_of(const std::string& interface) {
  Message message(RTM_GETLINK, 0);
  message.body<ifinfomsg>()->ifi_family = AF_UNSPEC;
  mnl_attr_put_strz(message.header, IFLA_IFNAME, interface.c_str());
  int index = 0;
  const int code = netlink_.ask(message.header, [&](const nlmsghdr* answer) {
    if (answer->nlmsg_type == RTM_NEWLINK)
      index = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(answer))->ifi_index;
  });
  if (code != 0) return kernel_refused(code, "find interface", interface);
  return index;
}

Result<> Rtnetlink::add_bridge(const std::string& name) {
  Message message(RTM_NEWLINK, kNew);
  bring_up(message);
  mnl_attr_put_strz(message.header, IFLA_IFNAME, name.c_str());
  nlattr* info = mnl_attr_nest_start(message.header, IFLA_LINKINFO);
  mnl_attr_put_strz(message.header, IFLA_INFO_KIND, "bridge");
  nlattr* data = mnl_attr_nest_start(message.header, IFLA_INFO_DATA);
  mnl_attr_put_u32(message.header, IFLA_BR_STP_STATE, 0);
  mnl_attr_put_u8(message.header, IFLA_BR_MCAST_SNOOPING, 0);
  mnl_attr_nest_end(message.header, data);
  mnl_attr_nest_end(message.header, info);
  return request(message.header, "add bridge", name);
}

Result<> Rtnetlink::add_veth(const std::string& name, const std::string& peer, const Fd& peer_netns) {
  Message message(RTM_NEWLINK, kNew);
  message.body<ifinfomsg>();
  mnl_attr_put_strz(message.header, IFLA_IFNAME, name.c_str());
  nlattr* info = mnl_attr_nest_start(message.header, IFLA_LINKINFO);
  mnl_attr_put_strz(message.header, IFLA_INFO_KIND, "veth");
  nlattr* data = mnl_attr_nest_start(message.header, IFLA_INFO_DATA);
  nlattr* other = mnl_attr_nest_start(message.header, VETH_INFO_PEER);
  message.body<ifinfomsg>();
  mnl_attr_put_strz(message.header, IFLA_IFNAME, peer.c_str());
  mnl_attr_put_u32(message.header, IFLA_NET_NS_FD, static_cast<uint32_t>(peer_netns.get()));
  mnl_attr_nest_end(message.header, other);
  mnl_attr_nest_end(message.header, data);
  mnl_attr_nest_end(message.header, info);
  return request(message.header, "add veth pair", name);
}

Result<> Rtnetlink::set_up(const std::string& interface) {
  Message message(RTM_NEWLINK, 0);
  bring_up(message);
  mnl_attr_put_strz(message.header, IFLA_IFNAME, interface.c_str());
  return request(message.header, "set up interface", interface);
}

Result<> Rtnetlink::set_port_of(const std::string& interface, const std::string& bridge) {
  const auto index = index_of(bridge);
  if (!index) return tl::unexpected(index.error());
  Message message(RTM_NEWLINK, 0);
  bring_up(message);
  mnl_attr_put_strz(message.header, IFLA_IFNAME, interface.c_str());
  mnl_attr_put_u32(message.header, IFLA_MASTER, static_cast<uint32_t>(*index));
  return request(message.header, "connect to " + bridge + " interface", interface);
}

Result<> Rtnetlink::add_address(const std::string& interface, const Address& address, uint8_t length) {
  const auto index = index_of(interface);
  if (!index) return tl::unexpected(index.error());
  Message message(RTM_NEWADDR, kNew);
  auto* body = message.body<ifaddrmsg>();
  body->ifa_family = address.v6 ? AF_INET6 : AF_INET;
  body->ifa_prefixlen = length;
  body->ifa_index = static_cast<uint32_t>(*index);
  body->ifa_flags = address.v6 ? IFA_F_NODAD : 0;
  mnl_attr_put(message.header, IFA_LOCAL, static_cast<size_t>(address.size()), address.bytes.data());
  mnl_attr_put(message.header, IFA_ADDRESS, static_cast<size_t>(address.size()), address.bytes.data());
  return request(message.header, "add to " + interface + " address", address.text());
}

Result<> Rtnetlink::add_default_route(const Address& gateway) {
  Message message(RTM_NEWROUTE, kNew);
  auto* body = message.body<rtmsg>();
  body->rtm_family = gateway.v6 ? AF_INET6 : AF_INET;
  body->rtm_table = RT_TABLE_MAIN;
  body->rtm_protocol = RTPROT_STATIC;
  body->rtm_scope = RT_SCOPE_UNIVERSE;
  body->rtm_type = RTN_UNICAST;
  mnl_attr_put(message.header, RTA_GATEWAY, static_cast<size_t>(gateway.size()), gateway.bytes.data());
  return request(message.header, "add default route via", gateway.text());
}

}  // namespace blackstart
