// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/traffic/classifier.h"

#include <netinet/in.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>
#include <map>
#include <tuple>

#include "agents/contract/wire.h"
#include "agents/faults/traffic/wire_match.h"

namespace blackstart {
namespace {

// With fewer single addresses than this a second lookup costs every packet more than it saves.
constexpr size_t kFewSingles = 16;

using PortKey = std::tuple<uint8_t, uint8_t, uint16_t>;
using PortBits = std::map<PortKey, uint64_t>;

Result<> add_port(const contract::PortMatch& match, uint64_t bits, PortBits& out) {
  const auto ports = expand(match);
  if (!ports) return tl::unexpected(ports.error());
  for (const traffic_port& one : *ports) out[{one.protocol, one.side, one.port}] |= bits;
  return {};
}

Result<> add_rule(const contract::PacketRule& rule, uint64_t bit, PrefixTable& peers, PortBits& ports,
                  traffic_config& config) {
  if (auto ok = set_all(rule.peers(), bit, peers); !ok) return ok;
  if (auto ok = clear_all(rule.except(), bit, peers); !ok) return ok;
  if (rule.direction() != contract::DIRECTION_EGRESS) config.direction[0] |= bit;
  if (rule.direction() != contract::DIRECTION_INGRESS) config.direction[1] |= bit;
  if (rule.ports_size() > 0) config.ported |= bit;
  for (const auto& port : rule.ports())
    if (auto ok = add_port(port, bit, ports); !ok) return ok;
  return {};
}

// Single addresses go to the hash, where a lookup does not walk a trie.
void split(std::vector<PeerEntry> all, std::vector<PeerEntry>& prefixes, std::vector<PeerEntry>& exact) {
  const auto single = [](const PeerEntry& entry) { return entry.prefix.length == entry.prefix.base.bits(); };
  if (static_cast<size_t>(std::count_if(all.begin(), all.end(), single)) > kFewSingles) {
    exact.reserve(all.size());
    std::partition_copy(all.begin(), all.end(), std::back_inserter(exact), std::back_inserter(prefixes),
                        single);
  } else {
    prefixes = std::move(all);
  }
}

// Bits of the sieve for each address in it: one stranger in so many is looked up in vain.
constexpr size_t kSieveBits = 16;

// A power of two of bits.
std::vector<traffic_sieve> sieve(const std::vector<PeerEntry>& v4, const std::vector<PeerEntry>& v6,
                                 traffic_config& config) {
  const size_t addresses = v4.size() + v6.size();
  if (addresses == 0) return {};
  std::vector<traffic_sieve> out(std::bit_ceil(std::max<size_t>(addresses * kSieveBits, TRAFFIC_SIEVE_BITS)) /
                                 TRAFFIC_SIEVE_BITS);
  config.sieve_shift = static_cast<uint32_t>(32 - std::countr_zero(out.size() * TRAFFIC_SIEVE_BITS));
  for (const auto* entries : {&v4, &v6})
    for (const PeerEntry& entry : *entries) {
      const Address& address = entry.prefix.base;
      uint32_t words[4];
      std::memcpy(words, address.bytes.data(), sizeof(words));
      const uint32_t hash = address.v6 ? traffic_sieve_v6(words) : traffic_sieve_v4(words[0]);
      const uint32_t bit = hash >> config.sieve_shift;
      out[bit / TRAFFIC_SIEVE_BITS].words[bit % TRAFFIC_SIEVE_BITS / 64] |= uint64_t{1} << bit % 64;
    }
  return out;
}

}  // namespace

Result<OrderRules> resolve(const contract::Order& order) {
  OrderRules out;
  traffic_config& config = out.config;
  PrefixTable peers;
  PortBits ports;
  config.direction[0] = config.direction[1] = TRAFFIC_PROTECTED;
  if (auto ok = set_all(order.protection().peers(), TRAFFIC_PROTECTED, peers); !ok)
    return tl::unexpected(ok.error());
  for (const auto& port : order.protection().ports())
    if (auto ok = add_port(port, TRAFFIC_PROTECTED, ports); !ok) return tl::unexpected(ok.error());

  for (int f = 0; f < order.faults_size(); ++f) {
    const contract::Fault& fault = order.faults(f);
    for (const contract::PacketRule& rule : fault.rules()) {
      if (config.rules == TRAFFIC_MAX_RULES)
        return fail(ErrorKind::kInvalid, "classify " + fault.kind(), fault.id(), 0,
                    "one host can hold " + std::to_string(TRAFFIC_MAX_RULES) +
                        " packet rules at a time; spread the faults over more runs");
      const uint32_t i = ++config.rules;
      config.rule[i] = {static_cast<uint64_t>(fault.start_ns()), static_cast<uint64_t>(fault.end_ns()),
                        static_cast<uint32_t>(f), fault.manner() != contract::MANNER_SILENT};
      if (auto ok = add_rule(rule, uint64_t{1} << i, peers, ports, config); !ok)
        return tl::unexpected(ok.error());
    }
  }
  config.faults = static_cast<uint32_t>(order.faults_size());

  out.sites.emplace_back();
  for (const contract::Site& site : order.sites()) {
    out.sites.push_back(site.name());
    for (const contract::Prefix& wire : site.prefixes()) {
      const auto prefix = from_wire(wire);
      if (!prefix) return tl::unexpected(prefix.error());
      peers.set_site(*prefix, static_cast<uint16_t>(out.sites.size() - 1));
    }
  }
  config.sites = static_cast<uint32_t>(out.sites.size());

  peers.set_self_test(Prefix::of(*Address::parse(kSelfTestV4)));
  peers.set_self_test(Prefix::of(*Address::parse(kSelfTestV6)));
  out.peers_v4 = peers.compile(false, ~TRAFFIC_PROTECTED);
  out.peers_v6 = peers.compile(true, ~TRAFFIC_PROTECTED);

  for (const auto& [key, bits] : ports) {
    const auto [protocol, side, port] = key;
    out.ports.push_back({{protocol, side, port}, bits});
    if (bits & TRAFFIC_PROTECTED) (protocol == IPPROTO_TCP ? config.protected_tcp : config.protected_udp) = 1;
  }
  config.ports = !out.ports.empty();
  return out;
}

Classifier classify(OrderRules rules) {
  Classifier out;
  out.config = rules.config;
  out.sites = std::move(rules.sites);
  out.ports = std::move(rules.ports);
  traffic_config& config = out.config;
  split(std::move(rules.peers_v4), out.prefixes_v4, out.exact_v4);
  split(std::move(rules.peers_v6), out.prefixes_v6, out.exact_v6);
  config.prefix_v4 = !out.prefixes_v4.empty();
  config.prefix_v6 = !out.prefixes_v6.empty();
  config.exact_v4 = !out.exact_v4.empty();
  config.exact_v6 = !out.exact_v6.empty();
  out.sieve = sieve(out.exact_v4, out.exact_v6, config);
  return out;
}

Result<Classifier> classify(const contract::Order& order) {
  return resolve(order).map([](OrderRules rules) { return classify(std::move(rules)); });
}

}  // namespace blackstart
