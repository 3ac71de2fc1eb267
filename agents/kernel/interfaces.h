// SPDX-License-Identifier: Apache-2.0
// The network interfaces of the calling thread's network namespace.
#pragma once

#include <string>
#include <vector>

#include "agents/contract/result.h"
#include "agents/kernel/hook.h"
#include "agents/kernel/netlink.h"

namespace blackstart {

struct Interface {
  int index = 0;
  std::string name;
  LinkLayer layer = LinkLayer::kOther;
  bool loopback = false;
  bool up = false;
  bool enslaved = false;  // port of a bridge or bond
};

// In ascending order of index.
Result<std::vector<Interface>> interfaces();

// Says that interfaces came, went or changed; what is there now, interfaces() tells.
class LinkWatch {
 public:
  static Result<LinkWatch> make();
  [[nodiscard]] int fd() const { return socket_.fd(); }  // readable when there is news
  bool changed() { return socket_.drain(); }             // never blocks

 private:
  explicit LinkWatch(Netlink socket) : socket_(std::move(socket)) {}
  Netlink socket_;
};

}  // namespace blackstart
