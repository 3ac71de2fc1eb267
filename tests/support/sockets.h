// SPDX-License-Identifier: Apache-2.0
// Small talkers for network tests. A socket belongs to the network namespace its thread stood in
// when it was made, and is used from anywhere.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "agents/kernel/fd.h"

namespace blackstart::test {

using std::chrono::milliseconds;

inline constexpr uint16_t kEchoPort = 7007;

inline std::pair<sockaddr_storage, socklen_t> endpoint(const std::string& address, uint16_t port) {
  sockaddr_storage out{};
  if (address.find(':') != std::string::npos) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&out);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr);
    return {out, sizeof(*v6)};
  }
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out);
  v4->sin_family = AF_INET;
  v4->sin_port = htons(port);
  inet_pton(AF_INET, address.c_str(), &v4->sin_addr);
  return {out, sizeof(*v4)};
}

inline bool readable(const Fd& socket, milliseconds within) {
  pollfd one{socket.get(), POLLIN, 0};
  return ::poll(&one, 1, static_cast<int>(within.count())) == 1;
}

// Connects in time, or not: error is 0, what the kernel said, or ETIMEDOUT if it said nothing.
struct Connection {
  Fd socket;
  int error = 0;
};
inline Connection connect_tcp(const std::string& address, milliseconds within, uint16_t port = kEchoPort) {
  const auto [to, size] = endpoint(address, port);
  Connection out{Fd(::socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)), 0};
  if (::connect(out.socket.get(), reinterpret_cast<const sockaddr*>(&to), size) == 0) return out;
  if (errno != EINPROGRESS) {
    out.error = errno;
    return out;
  }
  pollfd one{out.socket.get(), POLLOUT, 0};
  if (::poll(&one, 1, static_cast<int>(within.count())) != 1) {
    out.error = ETIMEDOUT;
    return out;
  }
  socklen_t length = sizeof(out.error);
  ::getsockopt(out.socket.get(), SOL_SOCKET, SO_ERROR, &out.error, &length);
  return out;
}

// Says a word on a stream and waits for its echo.
inline bool say(const Fd& stream, milliseconds within) {
  char word = 'x';
  if (::send(stream.get(), &word, 1, MSG_NOSIGNAL) != 1) return false;
  return readable(stream, within) && ::recv(stream.get(), &word, 1, 0) == 1;
}

// One datagram and its echo.
struct Exchange {
  int send_error = 0;
  bool answered = false;
};
inline Exchange ask_udp(const std::string& address, milliseconds within, uint16_t port = kEchoPort) {
  const auto [to, size] = endpoint(address, port);
  const Fd socket(::socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  Exchange out;
  if (::sendto(socket.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), size) != 1)
    out.send_error = errno;
  out.answered = readable(socket, within);
  return out;
}

// One ICMP echo request, answered by the other kernel.
inline Exchange ping(const std::string& address, milliseconds within) {
  const auto [to, size] = endpoint(address, 0);
  const Fd socket(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
  icmphdr request{};
  request.type = ICMP_ECHO;
  request.un.echo.id = htons(0xb1ac);
  request.checksum = static_cast<uint16_t>(~(htons(ICMP_ECHO << 8) + request.un.echo.id));
  Exchange out;
  if (::sendto(socket.get(), &request, sizeof(request), 0, reinterpret_cast<const sockaddr*>(&to), size) < 0)
    out.send_error = errno;
  // The socket hears every ICMP packet, errors too: the header behind an IP header of 20 bytes says which.
  char answer[128];
  while (!out.answered && readable(socket, within))
    out.answered = ::recv(socket.get(), answer, sizeof(answer), 0) > 20 && answer[20] == ICMP_ECHOREPLY;
  return out;
}

// Echoes TCP and UDP, IPv4 and IPv6, on kEchoPort while it lives.
class EchoServer {
 public:
  EchoServer() : tcp_(open(SOCK_STREAM)), udp_(open(SOCK_DGRAM)) {
    ::listen(tcp_.get(), 16);
    thread_ = std::thread([this] { serve(); });
  }
  ~EchoServer() {
    stop_ = true;
    thread_.join();
  }
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;

  [[nodiscard]] int datagrams() const { return datagrams_; }

 private:
  static Fd open(int type) {
    Fd out(::socket(AF_INET6, type | SOCK_CLOEXEC, 0));
    const int on = 1;
    ::setsockopt(out.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    const auto [any, size] = endpoint("::", kEchoPort);
    if (::bind(out.get(), reinterpret_cast<const sockaddr*>(&any), size) != 0)
      throw std::runtime_error(std::string("bind echo server: ") + strerror(errno));
    return out;
  }
  void serve() {
    std::vector<Fd> streams;
    while (!stop_) {
      std::vector<pollfd> polled{{tcp_.get(), POLLIN, 0}, {udp_.get(), POLLIN, 0}};
      for (const Fd& stream : streams) polled.push_back({stream.get(), POLLIN, 0});
      if (::poll(polled.data(), polled.size(), 20) <= 0) continue;
      char buffer[2048];
      if (polled[1].revents) {
        sockaddr_storage from{};
        socklen_t size = sizeof(from);
        const ssize_t got =
            ::recvfrom(udp_.get(), buffer, sizeof(buffer), 0, reinterpret_cast<sockaddr*>(&from), &size);
        if (got > 0) {
          ++datagrams_;
          ::sendto(udp_.get(), buffer, static_cast<size_t>(got), 0, reinterpret_cast<sockaddr*>(&from), size);
        }
      }
      for (size_t i = 2; i < polled.size(); ++i) {
        if (!polled[i].revents || !streams[i - 2].valid()) continue;
        const ssize_t got = ::recv(polled[i].fd, buffer, sizeof(buffer), MSG_DONTWAIT);
        if (got <= 0)
          streams[i - 2].reset();
        else
          ::send(polled[i].fd, buffer, static_cast<size_t>(got), MSG_NOSIGNAL);
      }
      if (polled[0].revents) streams.emplace_back(::accept4(tcp_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    }
  }

  Fd tcp_, udp_;
  std::atomic<bool> stop_{false};
  std::atomic<int> datagrams_{0};
  std::thread thread_;
};

}  // namespace blackstart::test
