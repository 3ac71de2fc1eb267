// SPDX-License-Identifier: Apache-2.0
// Every nftables table of the calling thread's network namespace, whoever made it. What xtables keeps
// outside nftables (iptables-legacy) is not seen.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agents/contract/result.h"

namespace blackstart {

struct NftTableFound {
  std::string family, name;  // "inet", "blackstart_leaks": as nft(8) takes them
  uint32_t owner = 0;        // netlink port of the socket it goes with; 0: it goes with nobody
  // With content only.
  uint64_t chains = 0, rules = 0, sets = 0;
  // Equal while chains, rules, sets, and the elements that somebody put there for good are: counters,
  // handles and elements that come and go by themselves do not count.
  uint64_t digest = 0;
};

enum class NftContent { kNone, kDigest };

// In the order of the kernel's list; empty where there is no nftables. EINTR when it changed meanwhile.
[[nodiscard]] Result<std::vector<NftTableFound>> nft_ruleset(NftContent content);

}  // namespace blackstart
