// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/rtnetlink.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

#include <array>
#include <cerrno>

namespace blackstart {
namespace {

constexpr size_t kLongestMessage = 1024;  // far more than any request below
constexpr size_t kLongestAnswer = 32768;  // a link with all its attributes and statistics

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

int index_in_answer(const nlmsghdr* header, void* result) {
  if (header->nlmsg_type == RTM_NEWLINK)
    *static_cast<int*>(result) = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(header))->ifi_index;
  return MNL_CB_OK;
}

}  // namespace

void Rtnetlink::Close::operator()(mnl_socket* socket) const {
  mnl_socket_close(socket);
}

Result<Rtnetlink> Rtnetlink::open() {
  mnl_socket* socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
  if (!socket) return fail_errno(errno, "open", "rtnetlink");
  Rtnetlink rtnetlink(socket);
  if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) return fail_errno(errno, "bind", "rtnetlink");
  return rtnetlink;
}

Result<> Rtnetlink::request(nlmsghdr* message, const std::string& operation, const std::string& object) {
  message->nlmsg_seq = ++sequence_;
  if (mnl_socket_sendto(socket_.get(), message, message->nlmsg_len) < 0)
    return fail_errno(errno, operation, object);
  std::array<char, kLongestAnswer> answer;
  const ssize_t size = mnl_socket_recvfrom(socket_.get(), answer.data(), answer.size());
  if (size < 0 || mnl_cb_run(answer.data(), static_cast<size_t>(size), sequence_,
                             mnl_socket_get_portid(socket_.get()), nullptr, nullptr) < 0)
    return fail_errno(errno, operation, object);
  return {};
}

Result<int> Rtnetlink::index_of(const std::string& interface) {
  Message message(RTM_GETLINK, 0);
  message.header->nlmsg_flags = NLM_F_REQUEST;  // the answer is the confirmation
  message.header->nlmsg_seq = ++sequence_;
  message.body<ifinfomsg>()->ifi_family = AF_UNSPEC;
  mnl_attr_put_strz(message.header, IFLA_IFNAME, interface.c_str());
  int index = 0;
  std::array<char, kLongestAnswer> answer;
  ssize_t size = mnl_socket_sendto(socket_.get(), message.header, message.header->nlmsg_len);
  if (size >= 0) size = mnl_socket_recvfrom(socket_.get(), answer.data(), answer.size());
  if (size < 0 || mnl_cb_run(answer.data(), static_cast<size_t>(size), sequence_,
                             mnl_socket_get_portid(socket_.get()), index_in_answer, &index) < 0)
    return fail_errno(errno, "find interface", interface);
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
