// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/traffic/nft_match.h"

#include <linux/if_ether.h>
#include <netinet/in.h>

namespace blackstart::nft {

using Header = NftRule::Header;
using Test = NftRule::Test;

std::string set_name(const std::string& what, bool v6) {
  return what + (v6 ? "_v6" : "_v4");
}

bool add_set(NftTable& table, const std::string& what, bool v6, const std::vector<AddressRange>& ranges) {
  std::vector<NftTable::Range> out;
  out.reserve(ranges.size());
  for (const AddressRange& range : ranges) out.push_back({range.first, range.last});
  if (!out.empty()) table.add_set(set_name(what, v6), v6, out);
  return !out.empty();
}

NftRule& match_family(NftRule& rule, bool v6) {
  return rule.protocol(v6 ? ETH_P_IPV6 : ETH_P_IP);
}

NftRule& load_address(NftRule& rule, AddressAt at, bool v6) {
  return rule.load(Header::kNetwork, v6 ? at.v6 : at.v4, v6 ? 16 : 4);
}

NftRule& match_address(NftRule& rule, AddressAt at, const std::string& what, bool v6) {
  return load_address(rule, at, v6).in_set(set_name(what, v6));
}

NftRule& match_port(NftRule& rule, const traffic_port& port, Hook hook) {
  const bool is_source = (port.side == TRAFFIC_LOCAL) == (hook == Hook::kEgress);
  return rule.upper_protocol(port.protocol)
      .load(Header::kTransport, is_source ? 0 : 2, 2)
      .test16(Test::kEqual, port.port);
}

NftRule neighbour_discovery(const std::string& chain) {
  NftRule rule(chain);
  rule.protocol(ETH_P_IPV6)
      .upper_protocol(IPPROTO_ICMPV6)
      .load(Header::kTransport, 0, 1)
      .test8(Test::kAtLeast, 133)
      .test8(Test::kAtMost, 137);
  return rule;
}

NftRule later_fragment(const std::string& chain, uint8_t protocol, bool v6) {
  NftRule rule(chain);
  match_family(rule, v6).upper_protocol(protocol);
  if (v6)
    rule.load_extension(IPPROTO_FRAGMENT, 2, 2).mask16(0xfff8);
  else
    rule.load(Header::kNetwork, 6, 2).mask16(0x1fff);
  rule.test16(Test::kNotEqual, 0);
  return rule;
}

std::vector<NftRule> answers(const std::string& chain) {
  constexpr uint8_t kReset = 0x04, kUnreachableV4 = 3, kUnreachableV6 = 1;
  std::vector<NftRule> out;
  out.emplace_back(chain)
      .upper_protocol(IPPROTO_TCP)
      .load(Header::kTransport, 13, 1)
      .mask8(kReset)
      .test8(Test::kEqual, kReset);
  out.emplace_back(chain)
      .upper_protocol(IPPROTO_ICMP)
      .load(Header::kTransport, 0, 1)
      .test8(Test::kEqual, kUnreachableV4);
  out.emplace_back(chain)
      .upper_protocol(IPPROTO_ICMPV6)
      .load(Header::kTransport, 0, 1)
      .test8(Test::kEqual, kUnreachableV6);
  return out;
}

std::set<uint8_t> protocols_of(const std::vector<traffic_port>& ports) {
  std::set<uint8_t> out;
  for (const traffic_port& port : ports) out.insert(port.protocol);
  return out;
}

}  // namespace blackstart::nft
