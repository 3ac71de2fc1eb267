// SPDX-License-Identifier: Apache-2.0
// Stands at an agent's socket and answers every question with the same bytes.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

namespace blackstart::test {

class Babbler {
 public:
  Babbler(const std::string& path, std::string bytes) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, sizeof name.sun_path - 1);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    EXPECT_EQ(listen(fd_, 64), 0);
    thread_ = std::thread([this, bytes = std::move(bytes)] {
      while (!stop_) {
        pollfd waiting{fd_, POLLIN, 0};
        if (poll(&waiting, 1, 20) <= 0) continue;
        const int peer = accept(fd_, nullptr, nullptr);
        char question[4096];
        (void)!read(peer, question, sizeof question);
        (void)!send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        close(peer);
      }
    });
  }
  ~Babbler() {
    stop_ = true;
    thread_.join();
    close(fd_);
  }
  Babbler(const Babbler&) = delete;
  Babbler& operator=(const Babbler&) = delete;

 private:
  const int fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace blackstart::test
