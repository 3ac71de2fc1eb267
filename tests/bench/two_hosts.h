// SPDX-License-Identifier: Apache-2.0
// Two hosts as network namespaces, bench-here and bench-there, joined by one veth pair. The
// namespaces go with this object, and with them all that was armed in them; what an interrupted run
// left is removed first.
#pragma once

#include <chrono>

#include "agents/contract/result.h"
#include "agents/kernel/fd.h"
#include "agents/kernel/netns.h"

namespace blackstart::bench {

struct Flood {
  double packets_per_second = 0;  // that arrived
  double cpu_ns_per_packet = 0;   // of the sending thread, which carries them all the way
};

class TwoHosts {
 public:
  TwoHosts();
  ~TwoHosts();
  TwoHosts(const TwoHosts&) = delete;
  TwoHosts& operator=(const TwoHosts&) = delete;

  // Processes started while this lives stand on bench-here.
  [[nodiscard]] NetnsScope on_here() const;

  // UDP datagrams from here to there, as fast as one thread sends them. The socket is not connected:
  // every packet is routed by itself, as packets of many flows are.
  [[nodiscard]] Flood flood(std::chrono::milliseconds time) const;
  // Whether one datagram arrives.
  [[nodiscard]] bool delivers(std::chrono::milliseconds patience) const;

 private:
  Fd sender_, receiver_;
};

}  // namespace blackstart::bench
