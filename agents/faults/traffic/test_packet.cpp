// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/traffic/test_packet.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agents/kernel/kernel_error.h"

namespace blackstart {
namespace {

constexpr uint16_t kDiscardPort = 9;
constexpr uint8_t kNobody[ETH_ALEN] = {0x02, 0xb1, 0xac, 0x00, 0x00, 0x01};  // locally administered

using Bytes = std::vector<uint8_t>;

template <typename T>
void append(Bytes& out, const T& header) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&header);
  out.insert(out.end(), bytes, bytes + sizeof(header));
}

void append_upper(Bytes& out, uint8_t protocol, uint16_t source, uint16_t destination) {
  if (protocol == IPPROTO_TCP) {
    tcphdr tcp{};
    tcp.source = htons(source);
    tcp.dest = htons(destination);
    tcp.doff = sizeof(tcp) / 4;
    tcp.syn = 1;
    append(out, tcp);
  } else {
    udphdr udp{};
    udp.source = htons(source);
    udp.dest = htons(destination);
    udp.len = htons(sizeof(udp));
    append(out, udp);
  }
}

uint16_t upper_size(uint8_t protocol) {
  return protocol == IPPROTO_TCP ? sizeof(tcphdr) : sizeof(udphdr);
}

// From `first` on, the first port no rule names.
uint16_t unnamed_port(const OrderRules& rules, uint16_t first) {
  const auto named = [&](uint16_t port) {
    return std::any_of(rules.ports.begin(), rules.ports.end(),
                       [&](const auto& entry) { return entry.first.port == port; });
  };
  while (named(first)) ++first;
  return first;
}

bool went_nowhere(int code) {
  return code == ENOBUFS || code == ENODEV || code == ENXIO || code == ENETDOWN;
}
bool no_route(int code) {
  return code == ENETUNREACH || code == EHOSTUNREACH || code == EADDRNOTAVAIL || code == ENETDOWN ||
         code == EACCES || code == EINVAL;
}

}  // namespace

TestPlan test_plan(const OrderRules& rules, bool v6) {
  const uint16_t other = unnamed_port(rules, kDiscardPort);
  TestPlan out{{v6, {IPPROTO_UDP, TRAFFIC_PEER, other}, other}, {}};
  for (const auto& [port, bits] : rules.ports)
    if (bits & TRAFFIC_PROTECTED) out.spared.push_back({v6, port, other});
  return out;
}

Result<> require_told(const TestPlan& plan, const TestCount& before, const TestCount& after,
                      const std::string& where, const std::string& hint) {
  const std::string family = plan.doomed.v6 ? "IPv6" : "IPv4";
  const auto untrue = [&](const std::string& what) {
    return fail(ErrorKind::kInternal, "self-test at", where, 0, what + "; " + hint);
  };
  if (after.doomed > before.doomed + 1)
    return untrue(std::to_string(after.doomed - before.doomed - 1) + " protected " + family +
                  " packets were not spared");
  if (after.doomed != before.doomed + 1 || after.spared != before.spared + plan.spared.size())
    return untrue(family + " packets got past it");
  return {};
}

std::vector<uint8_t> bytes_of(const TestPacket& packet, LinkLayer layer, Hook hook) {
  Bytes out;
  if (layer == LinkLayer::kEthernet) {
    ethhdr ethernet{};
    std::memcpy(ethernet.h_dest, kNobody, ETH_ALEN);
    std::memcpy(ethernet.h_source, kNobody, ETH_ALEN);
    ethernet.h_proto = htons(packet.v6 ? ETH_P_IPV6 : ETH_P_IP);
    append(out, ethernet);
  }
  const uint16_t size = upper_size(packet.port.protocol);
  const Address self = *Address::parse(packet.v6 ? kSelfTestV6 : kSelfTestV4);
  if (packet.v6) {
    ipv6hdr ip{};
    ip.version = 6;
    ip.nexthdr = packet.port.protocol;
    ip.hop_limit = 1;
    ip.payload_len = htons(size);
    std::memcpy(&ip.saddr, self.bytes.data(), 16);
    std::memcpy(&ip.daddr, self.bytes.data(), 16);
    append(out, ip);
  } else {
    iphdr ip{};
    ip.version = 4;
    ip.ihl = 5;
    ip.ttl = 1;
    ip.protocol = packet.port.protocol;
    ip.tot_len = htons(static_cast<uint16_t>(sizeof(ip) + size));
    std::memcpy(&ip.saddr, self.bytes.data(), 4);
    std::memcpy(&ip.daddr, self.bytes.data(), 4);
    append(out, ip);
  }
  const bool is_source = (packet.port.side == TRAFFIC_LOCAL) == (hook == Hook::kEgress);
  append_upper(out, packet.port.protocol, is_source ? packet.port.port : packet.other_port,
               is_source ? packet.other_port : packet.port.port);
  return out;
}

Result<TestSender> TestSender::below_stack() {
  Fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return kernel_refused(errno, "open", "packet socket", "the agent needs CAP_NET_RAW");
  return TestSender(std::move(socket));
}

Result<TestSender> TestSender::on_stack(bool v6) {
  Fd socket(::socket(v6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  if (!socket.valid()) return kernel_refused(errno, "open", "raw socket", "the agent needs CAP_NET_RAW");
  return TestSender(std::move(socket));
}

Result<> TestSender::send_out_of(const Interface& interface, const TestPacket& packet) const {
  const Bytes bytes = bytes_of(packet, interface.layer, Hook::kEgress);
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = interface.index;
  to.sll_protocol = htons(packet.v6 ? ETH_P_IPV6 : ETH_P_IP);
  to.sll_halen = ETH_ALEN;
  std::memcpy(to.sll_addr, kNobody, ETH_ALEN);
  const ssize_t sent =
      ::sendto(socket_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof(to));
  if (sent < 0 && !went_nowhere(errno))
    return kernel_refused(errno, "send self-test packet out of", interface.name);
  return {};
}

Result<bool> TestSender::send(const TestPacket& packet) const {
  const Bytes bytes = bytes_of(packet, LinkLayer::kRaw, Hook::kEgress);
  const Address self = *Address::parse(packet.v6 ? kSelfTestV6 : kSelfTestV4);
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET;
  v6.sin6_family = AF_INET6;
  std::memcpy(&v4.sin_addr, self.bytes.data(), 4);
  std::memcpy(&v6.sin6_addr, self.bytes.data(), 16);
  const auto* to = packet.v6 ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4);
  const socklen_t size = packet.v6 ? sizeof(v6) : sizeof(v4);
  if (::sendto(socket_.get(), bytes.data(), bytes.size(), 0, to, size) >= 0 || errno == EPERM) return true;
  if (no_route(errno)) return false;
  return kernel_refused(errno, "send self-test packet to", self.text());
}

}  // namespace blackstart
