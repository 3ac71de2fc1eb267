// SPDX-License-Identifier: Apache-2.0
// Who listens in the calling thread's network namespace, as the kernel's socket diagnosis says; no right to
// look into processes is needed.
#pragma once

#include <cstdint>
#include <vector>

#include "agents/contract/result.h"

namespace blackstart {

struct Listener {
  bool tcp = true;  // else UDP
  uint16_t port = 0;
  uint64_t cgroup = 0;  // the id of the socket's; 0: not known
};

// TCP sockets that listen and UDP sockets with a port and without a peer, of IPv4 and IPv6.
[[nodiscard]] Result<std::vector<Listener>> listeners();

}  // namespace blackstart
