// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/timer.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace blackstart {

Result<Timer> Timer::make() {
  Fd fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!fd.valid()) return fail_errno(errno, "make", "a timer");
  return Timer(std::move(fd));
}

void Timer::set(int64_t moment) const {
  moment = std::max<int64_t>(moment, 1);  // 0 would switch it off
  itimerspec at{};
  if (moment != INT64_MAX) at.it_value = {moment / 1'000'000'000, moment % 1'000'000'000};
  ::timerfd_settime(fd_.get(), TFD_TIMER_ABSTIME, &at, nullptr);
}

void Timer::clear() const {
  uint64_t expirations = 0;
  (void)!::read(fd_.get(), &expirations, sizeof expirations);
}

}  // namespace blackstart
