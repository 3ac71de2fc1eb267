// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/sock_destroy.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "agents/kernel/fd.h"
#include "agents/kernel/kernel_error.h"
#include "agents/kernel/netlink.h"

namespace blackstart {
namespace {

constexpr const char* kHint = "a kernel with CONFIG_INET_DIAG_DESTROY, and CAP_NET_ADMIN";

int ask_about(Netlink& netlink, uint16_t type, uint16_t flags, const inet_diag_req_v2& request,
              const Netlink::Each& each = {}) {
  NetlinkBuffer buffer = netlink_buffer();
  nlmsghdr* header = mnl_nlmsg_put_header(buffer.data());
  header->nlmsg_type = type;
  header->nlmsg_flags = NLM_F_REQUEST | flags;
  *static_cast<inet_diag_req_v2*>(mnl_nlmsg_put_extra_header(header, sizeof request)) = request;
  return netlink.ask(header, each);
}

inet_diag_req_v2 of_tcp(uint8_t family) {
  inet_diag_req_v2 request{};
  request.sdiag_family = family;
  request.sdiag_protocol = IPPROTO_TCP;
  request.idiag_states = ~0U;
  return request;
}

// 0, or an errno; ENOENT: it was gone.
int end_socket(Netlink& netlink, uint8_t family, const inet_diag_sockid& id) {
  inet_diag_req_v2 request = of_tcp(family);
  request.id = id;
  return ask_about(netlink, SOCK_DESTROY, NLM_F_ACK, request);
}

bool is_spared(const SparedSockets& spared, const inet_diag_msg& socket) {
  return spared.ports.contains(ntohs(socket.id.idiag_sport)) ||
         spared.ports.contains(ntohs(socket.id.idiag_dport)) ||
         (socket.idiag_inode != 0 && (spared.held || spared.inodes.contains(socket.idiag_inode)));
}

}  // namespace

std::set<uint64_t> own_sockets() {
  std::set<uint64_t> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    struct stat what {};
    if (::fstat(std::atoi(entry.path().filename().c_str()), &what) == 0 && S_ISSOCK(what.st_mode))
      out.insert(what.st_ino);
  }
  return out;
}

Result<EndedSockets> end_tcp_sockets(const SparedSockets& spared) {
  auto netlink = Netlink::make(NETLINK_SOCK_DIAG);
  if (!netlink) return tl::unexpected(netlink.error());
  EndedSockets out;
  for (const uint8_t family : {AF_INET, AF_INET6}) {
    // Listed before any is ended: a dump does not bear that the table changes under it.
    std::vector<inet_diag_sockid> meant;
    const auto look = [&](const nlmsghdr* answer) {
      const auto& socket = *static_cast<const inet_diag_msg*>(mnl_nlmsg_get_payload(answer));
      if (is_spared(spared, socket))
        ++out.spared;
      else
        meant.push_back(socket.id);
    };
    const int listed = ask_about(*netlink, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, of_tcp(family), look);
    if (listed != 0 && !(family == AF_INET6 && listed == ENOENT))  // a kernel without IPv6
      return kernel_refused(listed, "list", "TCP sockets", kHint);
    for (const inet_diag_sockid& id : meant) {
      const int code = end_socket(*netlink, family, id);
      if (code == 0)
        ++out.ended;
      else if (code != ENOENT)
        return kernel_refused(code, "end", "a TCP socket", kHint);
    }
  }
  return out;
}

Feature probe_sock_destroy() {
  const auto probe = []() -> Result<> {
    const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (!listener.valid() || ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::listen(listener.get(), 1) != 0 ||
        ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
      return kernel_refused(errno, "listen on", "loopback");
    auto netlink = Netlink::make(NETLINK_SOCK_DIAG);
    if (!netlink) return tl::unexpected(netlink.error());
    inet_diag_sockid id{};
    id.idiag_sport = address.sin_port;
    id.idiag_src[0] = address.sin_addr.s_addr;
    id.idiag_cookie[0] = id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    if (const int code = end_socket(*netlink, AF_INET, id); code != 0)
      return kernel_refused(code, "end", "a TCP socket", kHint);
    return {};
  };
  if (const auto ok = probe(); !ok) return {"sock-destroy", false, ok.error().message(), kHint};
  return {"sock-destroy", true, "ended a listening socket of its own on loopback", ""};
}

}  // namespace blackstart
