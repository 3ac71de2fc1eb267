// SPDX-License-Identifier: Apache-2.0
// A server on 127.0.0.1 that does one thing with every connection.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace blackstart::test {

inline sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

inline int loopback_socket(int type, uint16_t* port) {
  const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0) return -1;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  *port = ntohs(address.sin_port);
  return fd;
}

// A port on which nobody listened a moment ago.
inline uint16_t closed_port() {
  uint16_t port = 0;
  close(loopback_socket(SOCK_STREAM, &port));
  return port;
}

inline std::string http_answer(int status, std::string_view body) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

class TcpServer {
 public:
  // Serves connections one after the other; `serve` must not close the descriptor.
  explicit TcpServer(std::function<void(int)> serve) : serve_(std::move(serve)) {
    fd_ = loopback_socket(SOCK_STREAM, &port_);
    listen(fd_, 1024);
    thread_ = std::thread([this] { run(); });
  }
  // Reads the request, then sends the answer.
  static TcpServer answering(std::string answer, std::chrono::milliseconds after = {}) {
    return TcpServer([answer = std::move(answer), after](int fd) {
      char request[4096];
      [[maybe_unused]] ssize_t size = read(fd, request, sizeof request);
      std::this_thread::sleep_for(after);
      size = send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
      shutdown(fd, SHUT_WR);
      size = read(fd, request, sizeof request);
    });
  }
  ~TcpServer() {
    ending_ = true;
    thread_.join();
    close(fd_);
  }
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;

  [[nodiscard]] uint16_t port() const { return port_; }
  [[nodiscard]] std::string url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }

 private:
  void run() {
    while (!ending_) {
      pollfd waiting{fd_, POLLIN, 0};
      if (poll(&waiting, 1, 20) <= 0) continue;
      const int client = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) continue;
      const timeval patience{.tv_sec = 2, .tv_usec = 0};
      setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      serve_(client);
      close(client);
    }
  }

  const std::function<void(int)> serve_;
  int fd_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace blackstart::test
