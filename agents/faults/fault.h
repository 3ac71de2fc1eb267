// SPDX-License-Identifier: Apache-2.0
// What every fault family does with an order. One family object serves one order:
//
//   arm → fire → (observe, renew)* → revert
//
// arm does everything that can fail; after it failed nothing is left behind. fire writes one word.
// revert is idempotent, allowed in every state, and reports what it could not take back; the
// destructor reverts too and logs. A family without a part in the order arms to nothing.
#pragma once

#include <cstdint>

#include "agents/contract/contract.pb.h"
#include "agents/contract/result.h"

namespace blackstart {

class FaultFamily {
 public:
  virtual ~FaultFamily() = default;
  FaultFamily(const FaultFamily&) = delete;
  FaultFamily& operator=(const FaultFamily&) = delete;

  [[nodiscard]] Result<> arm(const contract::Order& order) { return do_arm(order); }
  // Moments are CLOCK_MONOTONIC nanoseconds. Faults are in force from t0 + start to t0 + end, and
  // never past lease_end.
  [[nodiscard]] Result<> fire(int64_t t0, int64_t lease_end) { return do_fire(t0, lease_end); }
  void renew(int64_t lease_end) { do_renew(lease_end); }
  // Adds what is true in the kernel now to the report.
  void observe(contract::HostReport& report) const { do_observe(report); }
  [[nodiscard]] Result<> revert() { return do_revert(); }

 protected:
  FaultFamily() = default;

 private:
  virtual Result<> do_arm(const contract::Order& order) = 0;
  virtual Result<> do_fire(int64_t t0, int64_t lease_end) = 0;
  virtual void do_renew(int64_t lease_end) = 0;
  virtual void do_observe(contract::HostReport& report) const = 0;
  virtual Result<> do_revert() = 0;
};

}  // namespace blackstart
