// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/traffic/self_test.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "agents/kernel/fd.h"
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

// A UDP packet from the self-test address to itself.
Bytes packet(LinkLayer layer, bool v6) {
  Bytes out;
  if (layer == LinkLayer::kEthernet) {
    ethhdr ethernet{};
    std::memcpy(ethernet.h_dest, kNobody, ETH_ALEN);
    std::memcpy(ethernet.h_source, kNobody, ETH_ALEN);
    ethernet.h_proto = htons(v6 ? ETH_P_IPV6 : ETH_P_IP);
    append(out, ethernet);
  }
  udphdr udp{};
  udp.source = udp.dest = htons(kDiscardPort);
  udp.len = htons(sizeof(udp));
  const Address self = *Address::parse(v6 ? kSelfTestV6 : kSelfTestV4);
  if (v6) {
    ipv6hdr ip{};
    ip.version = 6;
    ip.nexthdr = IPPROTO_UDP;
    ip.hop_limit = 1;
    ip.payload_len = htons(sizeof(udp));
    std::memcpy(&ip.saddr, self.bytes.data(), 16);
    std::memcpy(&ip.daddr, self.bytes.data(), 16);
    append(out, ip);
  } else {
    iphdr ip{};
    ip.version = 4;
    ip.ihl = 5;
    ip.ttl = 1;
    ip.protocol = IPPROTO_UDP;
    ip.tot_len = htons(sizeof(ip) + sizeof(udp));
    std::memcpy(&ip.saddr, self.bytes.data(), 4);
    std::memcpy(&ip.daddr, self.bytes.data(), 4);
    append(out, ip);
  }
  append(out, udp);
  return out;
}

Result<> send(const Fd& socket, const Interface& interface, bool v6) {
  const Bytes bytes = packet(interface.layer, v6);
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = interface.index;
  to.sll_protocol = htons(v6 ? ETH_P_IPV6 : ETH_P_IP);
  to.sll_halen = ETH_ALEN;
  std::memcpy(to.sll_addr, kNobody, ETH_ALEN);
  const ssize_t sent =
      ::sendto(socket.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof(to));
  // A packet socket is told of the drop.
  if (sent < 0 && errno != ENOBUFS && errno != ENODEV && errno != ENXIO && errno != ENETDOWN)
    return kernel_refused(errno, "send self-test packet out of", interface.name);
  return {};
}

Result<> test_egress(const Datapath& datapath, const Fd& socket, const Interface& interface) {
  for (const bool v6 : {false, true}) {
    const auto before = datapath.tested(Hook::kEgress);
    if (!before) return tl::unexpected(before.error());
    if (auto ok = send(socket, interface, v6); !ok) return ok;
    const auto now = datapath.tested(Hook::kEgress);
    if (!now) return tl::unexpected(now.error());
    if (*now == *before)
      return fail(
          ErrorKind::kInternal, "self-test at egress of", interface.name, 0,
          std::string("an ") + (v6 ? "IPv6" : "IPv4") +
              " packet got past the classifier; see which programs stand before it: tc filter show dev " +
              interface.name + " egress; bpftool net");
  }
  return {};
}

Result<> test_ingress(const Datapath& datapath, LinkLayer layer) {
  for (const bool v6 : {false, true}) {
    const Bytes bytes = packet(layer, v6);
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = bytes.data(),
                .data_size_in = static_cast<uint32_t>(bytes.size()));
    if (const int code = bpf_prog_test_run_opts(datapath.program(layer, Hook::kIngress), &options); code != 0)
      return kernel_refused(-code, "run", "ingress classifier");
    if (options.retval != TC_ACT_SHOT)
      return fail(ErrorKind::kInternal, "self-test of", "ingress classifier", 0, "it let a packet pass");
  }
  return {};
}

Result<> test_all(const Datapath& datapath, const std::vector<Interface>& interfaces) {
  for (const LinkLayer layer : {LinkLayer::kEthernet, LinkLayer::kRaw})
    if (auto ok = test_ingress(datapath, layer); !ok) return ok;
  // One for all: closing a packet socket waits until every CPU has let go of it, some milliseconds.
  const Fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return kernel_refused(errno, "open", "packet socket", "the agent needs CAP_NET_RAW");
  for (const Interface& interface : interfaces)
    if (interface.up)
      if (auto ok = test_egress(datapath, socket, interface); !ok) return ok;
  return {};
}

}  // namespace

Result<> self_test(Datapath& datapath, const std::vector<Interface>& interfaces) {
  datapath.set_testing(true);
  auto result = test_all(datapath, interfaces);
  datapath.set_testing(false);
  return result;
}

}  // namespace blackstart
