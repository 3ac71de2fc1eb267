// SPDX-License-Identifier: Apache-2.0
#include "injector/plan/reach.h"

#include <algorithm>

#include "agents/contract/wire.h"
#include "injector/plan/prefixes.h"

namespace blackstart {
namespace {

// One packet as its host sees it. Only the server's port is known.
struct Packet {
  contract::Direction direction;
  Address peer;
  contract::Side side;  // where the server's port is
  uint16_t port;
};

bool fits(const google::protobuf::RepeatedPtrField<contract::PortMatch>& ports, const Packet& packet) {
  return packet.port != 0 && std::any_of(ports.begin(), ports.end(), [&](const contract::PortMatch& match) {
           return match.port() == packet.port &&
                  (match.side() == contract::SIDE_EITHER || match.side() == packet.side);
         });
}

std::vector<Prefix> parsed(const google::protobuf::RepeatedPtrField<contract::Prefix>& list) {
  std::vector<Prefix> prefixes;
  for (const contract::Prefix& prefix : list)
    if (const auto good = from_wire(prefix)) prefixes.push_back(*good);
  return prefixes;
}

struct Rule {
  contract::PacketRule wire;
  std::vector<Prefix> peers, except;
};

}  // namespace

struct Reach::HostRules {
  std::vector<Rule> rules;
  std::vector<Prefix> protected_peers;
  contract::Protection protection;

  [[nodiscard]] bool drops(const Packet& packet) const {
    const Prefix peer = Prefix::of(packet.peer);
    if (covered(peer, protected_peers) || fits(protection.ports(), packet)) return false;
    return std::any_of(rules.begin(), rules.end(), [&](const Rule& rule) {
      if (rule.wire.direction() != contract::DIRECTION_BOTH && rule.wire.direction() != packet.direction)
        return false;
      if (rule.wire.ports_size() > 0 && !fits(rule.wire.ports(), packet)) return false;
      return most_specific_is_in(rule.peers, rule.except, peer);
    });
  }
};

Reach::Reach(const std::map<std::string, contract::Order>& orders) {
  for (const auto& [name, order] : orders) {
    auto rules = std::make_unique<HostRules>();
    HostRules& host = *rules;
    host.protection = order.protection();
    host.protected_peers = parsed(order.protection().peers());
    for (const contract::Fault& fault : order.faults())
      for (const contract::PacketRule& rule : fault.rules())
        host.rules.push_back({rule, parsed(rule.peers()), parsed(rule.except())});
    hosts_[name] = std::move(rules);
  }
}

Reach::~Reach() = default;

bool Reach::reaches(const Place& client, const Place& server, uint16_t port) const {
  if (!client.host.empty() && client.host == server.host) return true;
  const auto drops = [&](const Place& at, const Address& peer, contract::Side side) {
    const auto host = hosts_.find(at.host);
    if (host == hosts_.end()) return false;
    return host->second->drops({contract::DIRECTION_EGRESS, peer, side, port}) ||
           host->second->drops({contract::DIRECTION_INGRESS, peer, side, port});
  };
  for (const Address& from : client.addresses)
    for (const Address& to : server.addresses)
      if (from.v6 == to.v6 && !drops(client, to, contract::SIDE_PEER) &&
          !drops(server, from, contract::SIDE_LOCAL))
        return true;
  return false;
}

}  // namespace blackstart
