// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/listeners.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>

#include <cerrno>

#include "agents/kernel/kernel_error.h"
#include "agents/kernel/netlink.h"

namespace blackstart {
namespace {

// What the kernel calls the state of a socket that has a port and no peer.
constexpr uint32_t idle_state(bool tcp) {
  return 1U << (tcp ? TCP_LISTEN : TCP_CLOSE);
}

int dump(Netlink& netlink, uint8_t family, bool tcp, std::vector<Listener>& out) {
  inet_diag_req_v2 request{};
  request.sdiag_family = family;
  request.sdiag_protocol = tcp ? IPPROTO_TCP : IPPROTO_UDP;
  request.idiag_states = idle_state(tcp);
  NetlinkBuffer buffer = netlink_buffer();
  nlmsghdr* header = mnl_nlmsg_put_header(buffer.data());
  header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
  header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  *static_cast<inet_diag_req_v2*>(mnl_nlmsg_put_extra_header(header, sizeof request)) = request;
  return netlink.ask(header, [&](const nlmsghdr* answer) {
    const auto& socket = *static_cast<const inet_diag_msg*>(mnl_nlmsg_get_payload(answer));
    Listener one{.tcp = tcp, .port = ntohs(socket.id.idiag_sport)};
    each_attribute(answer, sizeof socket, [&](const nlattr* attribute) {
      if (mnl_attr_get_type(attribute) == INET_DIAG_CGROUP_ID) one.cgroup = mnl_attr_get_u64(attribute);
    });
    out.push_back(one);
  });
}

}  // namespace

Result<std::vector<Listener>> listeners() {
  auto netlink = Netlink::make(NETLINK_SOCK_DIAG);
  if (!netlink) return tl::unexpected(netlink.error());
  std::vector<Listener> out;
  for (const uint8_t family : {AF_INET, AF_INET6})
    for (const bool tcp : {true, false}) {
      const int code = dump(*netlink, family, tcp, out);
      if (code != 0 && !(family == AF_INET6 && code == ENOENT))  // a kernel without IPv6
        return kernel_refused(code, "list", "listening sockets");
    }
  return out;
}

}  // namespace blackstart
