// SPDX-License-Identifier: Apache-2.0
// What families that kill have in common: a timer says when one of their faults has something to do,
// hold-down keeps down what they killed, and they owe it a start.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agents/contract/units.h"
#include "agents/faults/fault.h"
#include "agents/faults/process/hold_down.h"
#include "agents/faults/process/owed_starts.h"
#include "agents/kernel/timer.h"

namespace blackstart {

class KillingFamily : public FaultFamily {
 protected:
  // For do_arm of a family that has a part in the order.
  [[nodiscard]] Result<> arm_timer();

  // When a fault that starts at this offset from T0 does something `later`; INT64_MAX: it is not fired, or
  // the word does not reach it.
  [[nodiscard]] int64_t starts_at(int64_t start_ns, Duration later = Duration::zero()) const;
  // When a fault that ends at this offset is over, lease included; INT64_MAX: it is not fired.
  [[nodiscard]] int64_t ends_at(int64_t end_ns) const;

  std::unique_ptr<OwedStarts> owed_;     // set by do_arm; null: it has no part in the order
  std::unique_ptr<HoldDown> hold_down_;  // set by do_arm; null: nothing is held down

 private:
  Result<> do_fire(int64_t t0, const Word& word) final;
  Result<> do_renew(const Word& word) final;
  void do_observe(contract::HostReport& report) const final;
  Result<> do_lift() final;
  Result<> do_bring_back(const std::vector<std::string>& services) final;
  Result<> do_revert() final;
  int do_wake_fd() const final { return timer_.fd(); }
  Result<> do_wake() final;

  // Does what is due now, of every fault; between fire and lift only. Goes on after a failure and returns the
  // first.
  virtual Result<> act() = 0;
  // When act() is needed next; INT64_MAX: never.
  [[nodiscard]] virtual int64_t next_act() const = 0;
  // Of what is held beyond a death. Idempotent, allowed in every state.
  virtual Result<> let_go() = 0;
  virtual void observe_faults(contract::HostReport& report) const = 0;

  void set_timer() const;

  Timer timer_;
  int64_t t0_ = 0;  // 0: not fired
  Word word_;
};

}  // namespace blackstart
