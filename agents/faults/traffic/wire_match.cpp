// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/traffic/wire_match.h"

#include <netinet/in.h>

#include "agents/contract/wire.h"

namespace blackstart {
namespace {

Result<> note_all(const WirePrefixes& prefixes, uint64_t bits, PrefixTable& table,
                  void (PrefixTable::*note)(const Prefix&, uint64_t)) {
  for (const contract::Prefix& wire : prefixes) {
    const auto prefix = from_wire(wire);
    if (!prefix) return tl::unexpected(prefix.error());
    (table.*note)(*prefix, bits);
  }
  return {};
}

}  // namespace

Result<> set_all(const WirePrefixes& prefixes, uint64_t bits, PrefixTable& table) {
  return note_all(prefixes, bits, table, &PrefixTable::set);
}

Result<> clear_all(const WirePrefixes& prefixes, uint64_t bits, PrefixTable& table) {
  return note_all(prefixes, bits, table, &PrefixTable::clear);
}

Result<std::vector<traffic_port>> expand(const contract::PortMatch& match) {
  if (match.port() == 0 || match.port() > 65535)
    return fail(ErrorKind::kInvalid, "match port", std::to_string(match.port()), 0, "ports are 1 to 65535");
  std::vector<traffic_port> out;
  for (const uint8_t protocol : {IPPROTO_TCP, IPPROTO_UDP}) {
    if (match.protocol() != contract::PROTOCOL_ANY && match.protocol() != protocol) continue;
    const auto port = static_cast<uint16_t>(match.port());
    if (match.side() != contract::SIDE_PEER) out.push_back({protocol, TRAFFIC_LOCAL, port});
    if (match.side() != contract::SIDE_LOCAL) out.push_back({protocol, TRAFFIC_PEER, port});
  }
  return out;
}

}  // namespace blackstart
