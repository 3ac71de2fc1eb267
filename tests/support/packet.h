// SPDX-License-Identifier: Apache-2.0
// Packets described in layers: Ethernet() / IPv4{.daddr = "198.18.1.11"} / TCP{.dport = 443}.
// Each layer fills in what the one below needs to know of it (type, protocol, lengths). Checksums
// stay zero: nothing under test reads them.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "agents/contract/ip.h"

namespace blackstart::packet {

struct Packet {
  std::vector<uint8_t> bytes;
  size_t type_at = 0;  // where the next layer writes its ethertype (2 bytes); 0: nowhere
  size_t next_at = 0;  // ... its protocol number (1 byte); 0: nowhere

  Packet& put8(unsigned value) {
    bytes.push_back(static_cast<uint8_t>(value));
    return *this;
  }
  Packet& put16(unsigned value) { return put8(value >> 8).put8(value & 0xff); }
  Packet& put(const std::string& address) {
    const auto parsed = Address::parse(address);
    if (!parsed) throw std::invalid_argument(address);
    bytes.insert(bytes.end(), parsed->bytes.begin(), parsed->bytes.begin() + parsed->size());
    return *this;
  }
  Packet& zero(size_t count) {
    bytes.resize(bytes.size() + count);
    return *this;
  }
  void set_type(unsigned type) {
    if (type_at == 0) return;
    bytes[type_at] = static_cast<uint8_t>(type >> 8);
    bytes[type_at + 1] = static_cast<uint8_t>(type);
    type_at = 0;
  }
  void set_next(unsigned protocol) {
    if (next_at != 0) bytes[next_at] = static_cast<uint8_t>(protocol);
    next_at = 0;
  }
};

struct Raw {  // no link layer
  operator Packet() const { return {}; }
};
struct Ethernet {
  operator Packet() const {
    Packet p;
    p.zero(12).put16(0x88b5);  // "local experimental" until a layer follows
    p.type_at = 12;
    return p;
  }
};
struct Vlan {
  unsigned id = 7;
  unsigned type = 0x8100;
};
struct Arp {};
struct IPv4 {
  std::string saddr = "203.0.113.1", daddr = "203.0.113.2";
  unsigned protocol = 253;  // until a layer follows
  unsigned fragment = 0;    // offset in units of 8 bytes
  bool more = false;
  unsigned options = 0;  // 32-bit words of them
};
struct IPv6 {
  std::string saddr = "2001:db8:ffff::1", daddr = "2001:db8:ffff::2";
  unsigned next = 253;
};
struct Options6 {  // an extension header: 0 hop-by-hop, 43 routing, 60 destination
  unsigned kind = 0;
  unsigned words = 0;  // of 8 bytes beyond the first
};
struct Fragment6 {
  unsigned fragment = 0;
  bool more = true;
};
struct Auth6 {};
struct TCP {
  unsigned sport = 40000, dport = 80;
};
struct UDP {
  unsigned sport = 40000, dport = 53;
};
struct ICMP {
  unsigned type = 8;
};
struct ICMPv6 {
  unsigned type = 128;
};
struct Payload {
  size_t size = 32;
};

inline Packet operator/(Packet p, const Vlan& v) {
  p.set_type(v.type);
  p.put16(v.id);
  p.type_at = p.bytes.size();
  return p.put16(0x88b5);
}
inline Packet operator/(Packet p, const Arp&) {
  p.set_type(0x0806);
  return p.put16(1).put16(0x0800).put8(6).put8(4).put16(1).zero(20);
}
inline Packet operator/(Packet p, const IPv4& ip) {
  p.set_type(0x0800);
  p.put8(0x45 + ip.options).put8(0).put16(20 + ip.options * 4).put16(1);
  p.put16(ip.fragment | (ip.more ? 0x2000 : 0)).put8(64);
  p.next_at = p.bytes.size();
  return p.put8(ip.protocol).put16(0).put(ip.saddr).put(ip.daddr).zero(ip.options * 4);
}
inline Packet operator/(Packet p, const IPv6& ip) {
  p.set_type(0x86dd);
  p.put8(0x60).zero(5);
  p.next_at = p.bytes.size();
  return p.put8(ip.next).put8(64).put(ip.saddr).put(ip.daddr);
}
inline Packet operator/(Packet p, const Options6& o) {
  p.set_next(o.kind);
  p.next_at = p.bytes.size();
  return p.put8(253).put8(o.words).zero(6 + o.words * 8);
}
inline Packet operator/(Packet p, const Fragment6& f) {
  p.set_next(44);
  p.next_at = p.bytes.size();
  return p.put8(253).put8(0).put16(f.fragment << 3 | (f.more ? 1 : 0)).zero(4);
}
inline Packet operator/(Packet p, const Auth6&) {
  p.set_next(51);
  p.next_at = p.bytes.size();
  return p.put8(253).put8(4).zero(22);
}
inline Packet operator/(Packet p, const TCP& t) {
  p.set_next(6);
  return p.put16(t.sport).put16(t.dport).zero(8).put8(0x50).zero(7);
}
inline Packet operator/(Packet p, const UDP& u) {
  p.set_next(17);
  return p.put16(u.sport).put16(u.dport).put16(8).put16(0);
}
inline Packet operator/(Packet p, const ICMP& i) {
  p.set_next(1);
  return p.put8(i.type).zero(7);
}
inline Packet operator/(Packet p, const ICMPv6& i) {
  p.set_next(58);
  return p.put8(i.type).zero(23);
}
inline Packet operator/(Packet p, const Payload& payload) {
  return p.zero(payload.size);
}

}  // namespace blackstart::packet
