// SPDX-License-Identifier: Apache-2.0
// A file that says it is the log of a run. `report --verify` reads it from wherever it was copied to.
#include <sys/mman.h>
#include <unistd.h>

#include "injector/record/event_log.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace blackstart;
  static const int fd = memfd_create("log", MFD_CLOEXEC);
  static const std::string file = "/proc/self/fd/" + std::to_string(fd);
  if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != static_cast<ssize_t>(size)) return 0;
  const auto verified = verify_log(file);
  if (!verified) {
    fuzz::require(!verified.error().message.empty(), "what is refused has a reason");
    return 0;
  }
  fuzz::require(verified->events == 0 || verified->head.size() == 64, "a chain has a head");
  fuzz::require(verify_log(file, verified->head).has_value(), "a chain ends in its own head");
  fuzz::require(!verify_log(file, std::string(64, 'x')), "and in no other");
  return 0;
}
