// SPDX-License-Identifier: Apache-2.0
// The one loop of the prober: descriptors and alarms. All of it but wake() belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <unordered_map>
#include <utility>

#include "agents/contract/result.h"

namespace blackstart {

// Told by the loop. May stop watching, and cancel or set alarms, from within; may not be destroyed
// from within. May be told of an event that was taken back in the same round.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void ready(int fd, uint32_t events) = 0;  // EPOLL*
  virtual void alarm() = 0;
};

class Loop {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Loop>> make();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Watches fd, or changes what it is watched for; 0 events end it. The descriptor stays the caller's.
  void watch(int fd, uint32_t events, Watcher* watcher);
  void unwatch(int fd) { watch(fd, 0, nullptr); }

  // One alarm a watcher: at a moment of CLOCK_MONOTONIC; kNever cancels it.
  static constexpr int64_t kNever = INT64_MAX;
  void set_alarm(Watcher* watcher, int64_t moment);

  // Waits until something happens, but not past the moment; then tells every watcher concerned once.
  void wait_until(int64_t moment);
  // Ends the wait that is or comes next. From any thread.
  void wake();

 private:
  Loop(int epoll, int waker) : epoll_(epoll), waker_(waker) {}

  const int epoll_;
  const int waker_;
  std::unordered_map<int, Watcher*> watched_;
  std::set<std::pair<int64_t, Watcher*>> alarms_;
  std::unordered_map<Watcher*, int64_t> alarm_of_;
};

}  // namespace blackstart
