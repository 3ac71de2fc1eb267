// SPDX-License-Identifier: Apache-2.0
#include "agents/channel/embedded/stream.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace blackstart::embedded {

std::string frame(const std::string& body) {
  const uint32_t length = htonl(static_cast<uint32_t>(body.size()));
  std::string out(reinterpret_cast<const char*>(&length), sizeof length);
  return out += body;
}

Progress send_some(int fd, std::string& rest) {
  while (!rest.empty()) {
    const ssize_t sent = send(fd, rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN ? Progress::kAgain : Progress::kBroken;
    }
    rest.erase(0, static_cast<size_t>(sent));
  }
  return Progress::kDone;
}

Progress receive_some(int fd, std::string& buffer) {
  char chunk[65536];
  for (;;) {
    if (buffer.size() >= sizeof(uint32_t)) {
      uint32_t length;
      std::memcpy(&length, buffer.data(), sizeof length);
      length = ntohl(length);
      if (length > kLongestMessage) return Progress::kBroken;
      if (buffer.size() == length + sizeof length) return Progress::kDone;
      if (buffer.size() > length + sizeof length) return Progress::kBroken;
    }
    const ssize_t got = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (got == 0) return Progress::kClosed;
    if (got < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN ? Progress::kAgain : Progress::kBroken;
    }
    buffer.append(chunk, static_cast<size_t>(got));
  }
}

}  // namespace blackstart::embedded
