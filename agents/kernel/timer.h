// SPDX-License-Identifier: Apache-2.0
// Makes a descriptor readable at a moment.
#pragma once

#include <cstdint>

#include "agents/contract/result.h"
#include "agents/kernel/fd.h"

namespace blackstart {

class Timer {
 public:
  Timer() = default;  // none: nothing becomes readable
  [[nodiscard]] static Result<Timer> make();

  [[nodiscard]] bool valid() const { return fd_.valid(); }
  [[nodiscard]] int fd() const { return fd_.get(); }  // -1: none
  // On CLOCK_MONOTONIC, ns; one that is past: at once; INT64_MAX: never. The moment set before is forgotten.
  void set(int64_t moment) const;
  // Not readable any more, until the moment that is set next.
  void clear() const;
  void reset() { fd_.reset(); }

 private:
  explicit Timer(Fd fd) : fd_(std::move(fd)) {}

  Fd fd_;
};

}  // namespace blackstart
