// SPDX-License-Identifier: Apache-2.0
// How packets are told apart in nftables rules, for all who write such rules.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "agents/faults/traffic/prefix_table.h"
#include "agents/faults/traffic/traffic_maps.h"
#include "agents/kernel/hook.h"
#include "agents/kernel/nft_rule.h"
#include "agents/kernel/nft_table.h"

namespace blackstart::nft {

struct AddressAt {
  uint32_t v4, v6;
};
inline constexpr AddressAt kSource{12, 8};
inline constexpr AddressAt kDestination{16, 24};
inline AddressAt peer_at(Hook hook) {
  return hook == Hook::kIngress ? kSource : kDestination;
}

std::string set_name(const std::string& what, bool v6);
// Adds the set of one address family unless it would be empty; says whether it did.
bool add_set(NftTable& table, const std::string& what, bool v6, const std::vector<AddressRange>& ranges);

NftRule& match_family(NftRule& rule, bool v6);
NftRule& load_address(NftRule& rule, AddressAt at, bool v6);
NftRule& match_address(NftRule& rule, AddressAt at, const std::string& what, bool v6);
// A packet whose ports are not in it matches none.
NftRule& match_port(NftRule& rule, const traffic_port& port, Hook hook);

NftRule neighbour_discovery(const std::string& chain);
// Fragments behind the first, whose ports are not in them.
NftRule later_fragment(const std::string& chain, uint8_t protocol, bool v6);

// What a fault that answers sends: resets, and ICMP errors that say "unreachable".
std::vector<NftRule> answers(const std::string& chain);

// The protocols of the ports.
std::set<uint8_t> protocols_of(const std::vector<traffic_port>& ports);

}  // namespace blackstart::nft
