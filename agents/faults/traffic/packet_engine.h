// SPDX-License-Identifier: Apache-2.0
// What decides on the packets of one order's faults. Each engine is handed every fault, since of the
// faults that match a packet the lowest index wins; it acts on its own and lets the others' pass.
//
//   make (self-tested) → fire → (renew, cover, tick)* → revert
//
// After a failed make nothing is left in the kernel.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agents/contract/result.h"
#include "agents/faults/fault.h"
#include "agents/faults/traffic/traffic_maps.h"
#include "agents/kernel/interfaces.h"

namespace blackstart {

class PacketEngine {
 public:
  virtual ~PacketEngine() = default;
  PacketEngine(const PacketEngine&) = delete;
  PacketEngine& operator=(const PacketEngine&) = delete;

  [[nodiscard]] virtual const char* name() const = 0;  // "ebpf/tcx"
  // t0 and the word on CLOCK_MONOTONIC.
  [[nodiscard]] virtual Result<> fire(int64_t t0, const Word& word) = 0;
  [[nodiscard]] virtual Result<> renew(const Word& word) = 0;
  // Follows interfaces that came or went, with the same self-test as arming.
  [[nodiscard]] virtual Result<> cover(const std::vector<Interface>& present) = 0;
  // When tick() is needed next, on CLOCK_MONOTONIC; INT64_MAX: never, the kernel does it all.
  [[nodiscard]] virtual int64_t due() const { return INT64_MAX; }
  [[nodiscard]] virtual Result<> tick() { return {}; }

  // Whether the kernel holds what it takes for the fault (index in the order) to have effect now, as
  // far as that can be read back; start and deadline are not looked at.
  [[nodiscard]] virtual bool in_place(uint32_t fault) const = 0;
  [[nodiscard]] virtual std::vector<std::string> interfaces() const = 0;
  // By traffic_counter_index; first_ns 0: none.
  [[nodiscard]] virtual Result<std::vector<traffic_count>> counts() const = 0;
  // Idempotent; goes on after a failure and reports the first.
  [[nodiscard]] virtual Result<> revert() = 0;

 protected:
  PacketEngine() = default;
};

}  // namespace blackstart
