// SPDX-License-Identifier: Apache-2.0
// One netlink socket, and how to ask over it. Close-on-exec.
#pragma once

#include <linux/netlink.h>

#include <functional>
#include <memory>
#include <vector>

#include "agents/contract/result.h"

struct mnl_socket;

namespace blackstart {

// Room for the largest message the kernel sends, aligned for its header.
using NetlinkBuffer = std::vector<char>;
NetlinkBuffer netlink_buffer();

// Hands over every attribute of a message behind a header of `offset` bytes, or of a nest.
using EachAttribute = std::function<void(const nlattr*)>;
void each_attribute(const nlmsghdr* message, size_t offset, const EachAttribute& each);
void each_attribute(const nlattr* nest, const EachAttribute& each);

class Netlink {
 public:
  using Each = std::function<void(const nlmsghdr*)>;

  // `bus`: NETLINK_ROUTE, NETLINK_NETFILTER. `groups`: a bit mask of multicast groups to hear.
  static Result<Netlink> make(int bus, unsigned groups = 0);

  [[nodiscard]] int fd() const;
  [[nodiscard]] uint32_t next_sequence() { return ++sequence_; }

  // Sends one message, whose sequence number it sets, and hands every answer to `each` until the
  // kernel has acknowledged or ended the dump. Returns 0 or an errno.
  int ask(nlmsghdr* message, const Each& each = {});
  // Sends a batch of messages; returns the first errno the kernel answers with, or 0 after
  // `acknowledgements` of them.
  int ask_batch(const void* data, size_t size, int acknowledgements);
  // Throws away what has arrived; true if there was anything, or if some was lost.
  bool drain();

 private:
  struct Close {
    void operator()(mnl_socket* socket) const;
  };
  explicit Netlink(mnl_socket* socket) : socket_(socket) {}

  std::unique_ptr<mnl_socket, Close> socket_;
  uint32_t sequence_ = 0;
};

}  // namespace blackstart
