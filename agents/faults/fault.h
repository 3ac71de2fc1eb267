// SPDX-License-Identifier: Apache-2.0
// What every fault family does with an order. One family object serves one order:
//
//   arm → fire → (observe, renew, wake)* → [lift → (observe, bring_back)*] → revert
//
// lift ends the faults and leaves down what they killed; bring_back starts some of it again, revert the rest.
//
// arm does everything that can fail; after it failed nothing is left behind. fire writes one word.
// revert is idempotent, allowed in every state, and reports what it could not take back; the
// destructor reverts too and logs. A family without a part in the order arms to nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agents/contract/contract.pb.h"
#include "agents/contract/result.h"

namespace blackstart {

// How far the conductor's word reaches. A fault is in force at `now` while
// t0 + start <= now < min(t0 + end, lease_end), and only if start < horizon: a failed gate leaves the
// horizon where it is, and what would have started behind it never does.
struct Word {
  int64_t lease_end = 0;  // CLOCK_MONOTONIC, ns; INT64_MAX: until the deadline
  int64_t horizon = 0;    // offset from t0, ns
};

class FaultFamily {
 public:
  virtual ~FaultFamily() = default;
  FaultFamily(const FaultFamily&) = delete;
  FaultFamily& operator=(const FaultFamily&) = delete;

  [[nodiscard]] Result<> arm(const contract::Order& order) { return do_arm(order); }
  // t0 in CLOCK_MONOTONIC nanoseconds.
  [[nodiscard]] Result<> fire(int64_t t0, const Word& word) { return do_fire(t0, word); }
  // After a failure what could be renewed is; the next word tries the rest again.
  [[nodiscard]] Result<> renew(const Word& word) { return do_renew(word); }
  // Adds what is true in the kernel now to the report.
  void observe(contract::HostReport& report) const { do_observe(report); }
  [[nodiscard]] Result<> revert() { return do_revert(); }
  // Ends the faults; what they killed stays down. Idempotent, allowed in every state.
  [[nodiscard]] Result<> lift() { return do_lift(); }
  // Starts again what was killed of these services. Goes on after a failure, and reports the first.
  [[nodiscard]] Result<> bring_back(const std::vector<std::string>& services) {
    return do_bring_back(services);
  }
  // The moment (CLOCK_MONOTONIC) by which wake() must have taken something back; INT64_MAX: none. Past it
  // the sentinel takes the agent for hung.
  [[nodiscard]] int64_t due() const { return do_due(); }
  // A descriptor that becomes readable when the host changed under the fault (a new interface), or -1.
  [[nodiscard]] int wake_fd() const { return do_wake_fd(); }
  [[nodiscard]] Result<> wake() { return do_wake(); }

 protected:
  FaultFamily() = default;

 private:
  virtual Result<> do_arm(const contract::Order& order) = 0;
  virtual Result<> do_fire(int64_t t0, const Word& word) = 0;
  virtual Result<> do_renew(const Word& word) = 0;
  virtual void do_observe(contract::HostReport& report) const = 0;
  virtual Result<> do_revert() = 0;
  virtual Result<> do_lift() { return do_revert(); }
  virtual Result<> do_bring_back(const std::vector<std::string>&) { return {}; }
  virtual int64_t do_due() const { return INT64_MAX; }
  virtual int do_wake_fd() const { return -1; }
  virtual Result<> do_wake() { return {}; }
};

}  // namespace blackstart
