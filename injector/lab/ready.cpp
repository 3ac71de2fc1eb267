// SPDX-License-Identifier: Apache-2.0
#include "injector/lab/ready.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "agents/channel/embedded/embedded_channel.h"
#include "agents/kernel/fd.h"

namespace blackstart::lab {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

bool wait_for(const Fd& socket, short events, Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now());
  pollfd entry{socket.get(), events, 0};
  return ::poll(&entry, 1, std::max<int>(0, static_cast<int>(left.count()))) == 1;
}

Fd connect_to(const Address& address, uint16_t port, Clock::time_point deadline) {
  Fd socket(::socket(address.v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in6 six{};
  sockaddr_in four{};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(port);
  std::memcpy(&six.sin6_addr, address.bytes.data(), sizeof six.sin6_addr);
  four.sin_family = AF_INET;
  four.sin_port = htons(port);
  std::memcpy(&four.sin_addr, address.bytes.data(), sizeof four.sin_addr);
  const auto* name = address.v6 ? reinterpret_cast<sockaddr*>(&six) : reinterpret_cast<sockaddr*>(&four);
  if (::connect(socket.get(), name, address.v6 ? sizeof six : sizeof four) == 0) return socket;
  int error = errno;
  socklen_t size = sizeof error;
  if (error != EINPROGRESS || !wait_for(socket, POLLOUT, deadline)) return {};
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 ? std::move(socket) : Fd();
}

bool answers_200(const Fd& socket, const std::string& path, Clock::time_point deadline) {
  const std::string request = "GET " + path + " HTTP/1.0\r\nHost: localhost\r\n\r\n";
  if (::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size()))
    return false;
  std::string answer;
  std::array<char, 256> buffer;
  while (answer.find('\n') == std::string::npos && answer.size() < 1024) {
    if (!wait_for(socket, POLLIN, deadline)) return false;
    const ssize_t size = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (size <= 0) return false;
    answer.append(buffer.data(), static_cast<size_t>(size));
  }
  return answer.starts_with("HTTP/1.") && answer.find(" 200") == std::strlen("HTTP/1.x");
}

bool answers_hello(const std::string& path, milliseconds timeout) {
  const std::filesystem::path socket(path);
  contract::Request hello;
  hello.mutable_hello();
  return EmbeddedChannel(socket.parent_path()).call(socket.stem(), hello, timeout).has_value();
}

}  // namespace

bool is_ready(const ReadyPlan& ready, const std::vector<InterfaceAddress>& addresses, milliseconds timeout) {
  if (!ready.socket.empty()) return answers_hello(ready.socket, timeout);
  if (ready.port == 0) return true;
  return std::any_of(addresses.begin(), addresses.end(), [&](const InterfaceAddress& own) {
    const auto deadline = Clock::now() + timeout;
    const Fd socket = connect_to(own.address, ready.port, deadline);
    return socket.valid() && (ready.http_path.empty() || answers_200(socket, ready.http_path, deadline));
  });
}

}  // namespace blackstart::lab
