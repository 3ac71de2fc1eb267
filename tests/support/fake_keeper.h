// SPDX-License-Identifier: Apache-2.0
// Stands for a lab's keeper: notes whom it is asked to start, and answers as it is told to.
#pragma once

#include <poll.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agents/kernel/seqpacket.h"

namespace blackstart::test {

class FakeKeeper {
 public:
  // `start` is called with "HOST SERVICE" and returns the answer: "ok PID", "error TEXT".
  FakeKeeper(const std::string& socket, std::function<std::string(const std::string&)> start)
      : listener_(listen_packets(socket).value()), start_(std::move(start)), thread_([this] { serve(); }) {}
  ~FakeKeeper() {
    ends_ = true;
    thread_.join();
  }
  FakeKeeper(const FakeKeeper&) = delete;
  FakeKeeper& operator=(const FakeKeeper&) = delete;

  [[nodiscard]] std::vector<std::string> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  static bool readable(const Fd& fd) {
    pollfd one{fd.get(), POLLIN, 0};
    return ::poll(&one, 1, 10) == 1;
  }
  void serve() {
    while (!ends_) {
      if (!readable(listener_)) continue;
      const Fd peer = accept_packets(listener_);
      for (int i = 0; i < 100 && !readable(peer); ++i) continue;
      const auto request = receive_packet(peer);
      if (!request || !*request || !(*request)->starts_with("start ")) continue;
      const std::string whom = (*request)->substr(6);
      const std::string answer = start_(whom);
      {
        const std::lock_guard lock(mutex_);
        asked_.push_back(whom);
      }
      (void)send_packet(peer, answer);
    }
  }

  Fd listener_;
  std::function<std::string(const std::string&)> start_;
  mutable std::mutex mutex_;
  std::vector<std::string> asked_;
  std::atomic<bool> ends_{false};
  std::thread thread_;
};

}  // namespace blackstart::test
