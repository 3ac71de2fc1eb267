// SPDX-License-Identifier: Apache-2.0
// What an order says about packets, and the same as the tables of the packet classifier. Pure:
// nothing here touches the kernel.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "agents/contract/contract.pb.h"
#include "agents/contract/result.h"
#include "agents/faults/traffic/prefix_table.h"
#include "agents/faults/traffic/traffic_maps.h"

namespace blackstart {

// Documentation addresses (RFC 5737, RFC 3849) that the self-test sends to; no packet leaves.
inline constexpr const char* kSelfTestV4 = "192.0.2.191";
inline constexpr const char* kSelfTestV6 = "2001:db8:b1ac::191";

// Every engine acts on the same rules: bit 0 of a bit set says "protected", bit i "rule i" of config.
struct OrderRules {
  std::vector<PeerEntry> peers_v4, peers_v6;  // sorted by address, outer before inner
  std::vector<std::pair<traffic_port, uint64_t>> ports;
  traffic_config config{};         // without the sizes of the classifier's tables
  std::vector<std::string> sites;  // by site index; [0] is ""
};

// Fails on a malformed prefix, a port out of range, and more than TRAFFIC_MAX_RULES rules.
Result<OrderRules> resolve(const contract::Order& order);

struct Classifier {
  std::vector<PeerEntry> prefixes_v4, prefixes_v6;  // for longest-prefix match
  std::vector<PeerEntry> exact_v4, exact_v6;        // single addresses, for the hash
  std::vector<traffic_sieve> sieve;                 // of the exact ones; empty without them
  std::vector<std::pair<traffic_port, uint64_t>> ports;
  traffic_config config{};
  std::vector<std::string> sites;  // by site index; [0] is ""
};

Classifier classify(OrderRules rules);
Result<Classifier> classify(const contract::Order& order);

}  // namespace blackstart
