// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/netlink.h"

#include <libmnl/libmnl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "agents/kernel/kernel_error.h"

namespace blackstart {
namespace {

int hand_over(const nlattr* attribute, void* each) {
  (*static_cast<const EachAttribute*>(each))(attribute);
  return MNL_CB_OK;
}

}  // namespace

void each_attribute(const nlmsghdr* message, size_t offset, const EachAttribute& each) {
  mnl_attr_parse(message, static_cast<unsigned>(offset), hand_over, const_cast<EachAttribute*>(&each));
}

void each_attribute(const nlattr* nest, const EachAttribute& each) {
  mnl_attr_parse_nested(nest, hand_over, const_cast<EachAttribute*>(&each));
}

NetlinkBuffer netlink_buffer() { return NetlinkBuffer(std::max<size_t>(MNL_SOCKET_BUFFER_SIZE, 32768)); }

void Netlink::Close::operator()(mnl_socket* socket) const { mnl_socket_close(socket); }

Result<Netlink> Netlink::make(int bus, unsigned groups) {
  Netlink out(mnl_socket_open2(bus, SOCK_CLOEXEC));
  if (!out.socket_) return kernel_refused(errno, "open", "netlink socket");
  if (mnl_socket_bind(out.socket_.get(), groups, MNL_SOCKET_AUTOPID) < 0)
    return kernel_refused(errno, "bind", "netlink socket");
  return out;
}

int Netlink::fd() const { return mnl_socket_get_fd(socket_.get()); }

int Netlink::ask(nlmsghdr* message, const Each& each) {
  message->nlmsg_seq = next_sequence();
  if (mnl_socket_sendto(socket_.get(), message, message->nlmsg_len) < 0) return errno;
  NetlinkBuffer buffer = netlink_buffer();
  const auto visit = [](const nlmsghdr* answer, void* data) {
    const Each& call = *static_cast<const Each*>(data);
    if (call) call(answer);
    return MNL_CB_OK;
  };
  const unsigned port = mnl_socket_get_portid(socket_.get());
  for (;;) {
    const ssize_t got = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
    if (got < 0) return errno;
    const int state = mnl_cb_run(buffer.data(), static_cast<size_t>(got), message->nlmsg_seq, port, visit,
                                 const_cast<Each*>(&each));
    if (state < 0) return errno;
    if (state == MNL_CB_STOP) return 0;
  }
}

int Netlink::ask_batch(const void* data, size_t size, int acknowledgements) {
  if (mnl_socket_sendto(socket_.get(), data, size) < 0) return errno;
  NetlinkBuffer buffer = netlink_buffer();
  int first_error = 0;
  while (acknowledgements > 0) {
    const ssize_t got = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
    if (got < 0) return first_error ? first_error : errno;
    int left = static_cast<int>(got);
    for (auto* answer = reinterpret_cast<nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(answer, left);
         answer = mnl_nlmsg_next(answer, &left)) {
      if (answer->nlmsg_type != NLMSG_ERROR) continue;
      const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(answer));
      --acknowledgements;
      if (error->error != 0 && first_error == 0) first_error = -error->error;
    }
    // A refused batch is not acknowledged message by message.
    if (first_error != 0) break;
  }
  drain();
  return first_error;
}

bool Netlink::drain() {
  NetlinkBuffer buffer = netlink_buffer();
  bool any = false;
  for (;;) {
    const ssize_t got = ::recv(fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno != ENOBUFS) return any;
    any = true;
  }
}

}  // namespace blackstart
