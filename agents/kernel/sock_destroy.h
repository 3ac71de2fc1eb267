// SPDX-License-Identifier: Apache-2.0
// Ends TCP sockets of the caller's network namespace as the kernel's administrator, over NETLINK_SOCK_DIAG:
// whoever holds them gets ECONNABORTED, and the peer a reset, unless the network is cut.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "agents/contract/result.h"
#include "agents/kernel/features.h"

namespace blackstart {

// Which TCP sockets are left alone; of both families, in whatever state, all others are meant.
struct SparedSockets {
  std::set<uint16_t> ports;   // local or remote
  std::set<uint64_t> inodes;  // such as own_sockets()
  bool held = false;          // those a process holds: only orphans are meant
};

struct EndedSockets {
  uint32_t ended = 0;
  uint32_t spared = 0;
};

// The inodes of the sockets this process holds.
[[nodiscard]] std::set<uint64_t> own_sockets();

// One pass; what comes meanwhile is for the next. A socket that goes by itself is counted nowhere. kMissing
// where the kernel cannot (CONFIG_INET_DIAG_DESTROY), or the caller may not (CAP_NET_ADMIN).
[[nodiscard]] Result<EndedSockets> end_tcp_sockets(const SparedSockets& spared);

// Ends a listening socket of its own on loopback. By name "sock-destroy".
[[nodiscard]] Feature probe_sock_destroy();

}  // namespace blackstart
