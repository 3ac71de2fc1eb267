// SPDX-License-Identifier: Apache-2.0
#include "agents/probes/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "agents/contract/units.h"

namespace blackstart {

Result<std::unique_ptr<Loop>> Loop::make() {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) return fail_errno(errno, "start the probes' loop", "epoll_create1");
  const int waker = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{.events = EPOLLIN, .data = {.fd = waker}};
  if (waker < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, waker, &event) != 0) {
    const int code = errno;
    if (waker >= 0) close(waker);
    close(epoll);
    return fail_errno(code, "start the probes' loop", "eventfd");
  }
  return std::unique_ptr<Loop>(new Loop(epoll, waker));
}

Loop::~Loop() {
  close(waker_);
  close(epoll_);
}

void Loop::watch(int fd, uint32_t events, Watcher* watcher) {
  epoll_event event{.events = events, .data = {.fd = fd}};
  if (events == 0) {
    watched_.erase(fd);
    epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, &event);  // fails, rightly, when fd was closed before
    return;
  }
  watched_[fd] = watcher;
  // A number that was closed and used again is no longer in the set.
  if (epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) != 0) epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void Loop::set_alarm(Watcher* watcher, int64_t moment) {
  if (const auto old = alarm_of_.find(watcher); old != alarm_of_.end()) {
    alarms_.erase({old->second, watcher});
    alarm_of_.erase(old);
  }
  if (moment == kNever) return;
  alarms_.emplace(moment, watcher);
  alarm_of_.emplace(watcher, moment);
}

void Loop::wait_until(int64_t moment) {
  if (!alarms_.empty()) moment = std::min(moment, alarms_.begin()->first);
  const int64_t left = std::max<int64_t>(0, moment - monotonic_now());
  // Rounded up: waking a moment early would only mean spinning.
  const int timeout = static_cast<int>(std::min<int64_t>((left + 999'999) / 1'000'000, 60'000));
  std::array<epoll_event, 256> events;
  const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout);
  for (int i = 0; i < count; ++i) {
    const int fd = events[i].data.fd;
    if (fd == waker_) {
      uint64_t ignored;
      [[maybe_unused]] const ssize_t size = read(waker_, &ignored, sizeof ignored);
    } else if (const auto found = watched_.find(fd); found != watched_.end()) {
      found->second->ready(fd, events[i].events);
    }
  }

  const int64_t now = monotonic_now();
  std::vector<Watcher*> due;
  for (auto it = alarms_.begin(); it != alarms_.end() && it->first <= now; ++it) due.push_back(it->second);
  for (Watcher* watcher : due) {
    const auto set = alarm_of_.find(watcher);
    if (set == alarm_of_.end() || set->second > now) continue;  // taken back by one told before
    set_alarm(watcher, kNever);
    watcher->alarm();
  }
}

void Loop::wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t size = write(waker_, &one, sizeof one);
}

}  // namespace blackstart
