// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/two_hosts.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <fstream>

#include "agents/contract/ip.h"
#include "agents/kernel/named_netns.h"
#include "agents/kernel/rtnetlink.h"
#include "tests/bench/bench.h"

namespace blackstart::bench {
namespace {

using namespace std::chrono_literals;

constexpr const char* kNames[] = {"bench-here", "bench-there"};
constexpr uint16_t kPort = 7009;
constexpr size_t kBatch = 64;

sockaddr_in there() {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(kPort);
  inet_pton(AF_INET, kThere, &out.sin_addr);
  return out;
}

Fd udp() {
  Fd out(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!out.valid()) throw std::runtime_error("open a UDP socket");
  return out;
}

void drain(const Fd& socket) {
  char byte;
  while (::recv(socket.get(), &byte, 1, 0) >= 0) continue;
}

// Packets received on eth0 of the calling thread's namespace.
uint64_t received() {
  std::ifstream devices("/proc/thread-self/net/dev");
  for (std::string word; devices >> word;)
    if (uint64_t bytes = 0, packets = 0; word == "eth0:" && devices >> bytes >> packets) return packets;
  throw std::runtime_error("read what eth0 received");
}

uint64_t received_there() {
  const auto on_there = must(NetnsScope::enter(kNames[1]));
  return received();
}

void set_up(const char* netns, const char* address) {
  const auto on_host = must(NetnsScope::enter(netns));
  auto links = must(Rtnetlink::open());
  must(links.add_address("eth0", *Address::parse(address), 24));
  must(links.set_up("lo"));
  must(links.set_up("eth0"));
}

}  // namespace

TwoHosts::TwoHosts() {
  for (const char* name : kNames) {
    must(remove_netns(name));
    must(create_netns(name));
  }
  {
    const auto here = on_here();
    must(must(Rtnetlink::open()).add_veth("eth0", "eth0", must(open_netns(kNames[1]))));
    sender_ = udp();
  }
  set_up(kNames[0], kHere);
  set_up(kNames[1], kThere);
  {
    const auto on_there = must(NetnsScope::enter(kNames[1]));
    receiver_ = udp();
    const sockaddr_in own = there();
    if (::bind(receiver_.get(), reinterpret_cast<const sockaddr*>(&own), sizeof(own)) != 0)
      throw std::runtime_error("bind on bench-there");
  }
  if (!delivers(2s)) throw std::runtime_error("no packet gets from bench-here to bench-there");
}

TwoHosts::~TwoHosts() {
  for (const char* name : kNames) (void)remove_netns(name);
}

NetnsScope TwoHosts::on_here() const {
  return must(NetnsScope::enter(kNames[0]));
}

bool TwoHosts::delivers(std::chrono::milliseconds patience) const {
  drain(receiver_);
  const sockaddr_in to = there();
  (void)::sendto(sender_.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof(to));
  pollfd one{receiver_.get(), POLLIN, 0};
  return ::poll(&one, 1, static_cast<int>(patience.count())) == 1;
}

// Nobody reads what arrives: the receiver's queue fills once, and from then on costs the same for all.
Flood TwoHosts::flood(std::chrono::milliseconds time) const {
  sockaddr_in to = there();
  char payload[18] = {};
  iovec data{payload, sizeof(payload)};
  std::array<mmsghdr, kBatch> batch{};
  for (mmsghdr& message : batch) {
    message.msg_hdr.msg_name = &to;
    message.msg_hdr.msg_namelen = sizeof(to);
    message.msg_hdr.msg_iov = &data;
    message.msg_hdr.msg_iovlen = 1;
  }
  const uint64_t before = received_there();
  const double cpu_start = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - start < time)
    (void)::sendmmsg(sender_.get(), batch.data(), batch.size(), 0);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const double cpu = cpu_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_start;
  const auto packets = static_cast<double>(received_there() - before);
  drain(receiver_);
  if (packets == 0) throw std::runtime_error("of a stranger's flood nothing arrived");
  return {packets / took.count(), cpu / packets};
}

}  // namespace blackstart::bench
