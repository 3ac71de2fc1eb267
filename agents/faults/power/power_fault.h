// SPDX-License-Identifier: Apache-2.0
// The faults of an order whose hosts lose power. A peer hears nothing of it:
//
//   start           the cut, which is the traffic family's
//   + kBehindTheCut every process of the host is killed at once, unless the cut is not in force
//   once all died   TCP sockets nobody holds any more are ended while it is still dark: the kernel would go
//                   on to send their FIN until somebody hears it, after the end too
//   until the end   whatever is executed in the host dies before its first instruction
//
// What was killed is in the journal before, and started again by bring_back or revert.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agents/contract/units.h"
#include "agents/faults/fault.h"
#include "agents/faults/power/host_processes.h"
#include "agents/faults/process/hold_down.h"
#include "agents/faults/process/owed_starts.h"
#include "agents/faults/step_log.h"
#include "agents/kernel/fd.h"

namespace blackstart {

inline constexpr Duration kBehindTheCut = std::chrono::milliseconds(50);

struct PowerParts {
  StepLog* steps = nullptr;                  // not owned; null: nothing is written down
  std::unique_ptr<HostProcesses> processes;  // null: this host's power is not to be had, `refusal` says why
  std::string refusal;
  StartService start;
  std::string keeper;  // the socket of the lab's, or ""
  // Asked before anything is killed: is the cut of this fault in force?
  std::function<bool(const std::string& fault)> cut_in_force = [](const std::string&) { return true; };
  // Relative to the root of version 2: whatever is executed in it or below dies while it is dark. nullopt:
  // nothing comes up by itself.
  std::optional<std::string> held_down;
  Duration behind_the_cut = kBehindTheCut;
  bool end_sockets = true;
};

class PowerFault final : public FaultFamily {
 public:
  explicit PowerFault(PowerParts parts) : parts_(std::move(parts)) {}
  ~PowerFault() override;

 private:
  enum class Phase { kWaiting, kDying, kDark };
  struct Loss {
    std::string id, kind;
    int64_t start_ns = 0, end_ns = 0;
    std::vector<contract::ProcessTarget> targets;
    Phase phase = Phase::kWaiting;
    std::map<std::string, uint64_t> hit;  // by service; "": of none
    uint64_t sockets = 0;
  };

  Result<> do_arm(const contract::Order& order) override;
  Result<> do_fire(int64_t t0, const Word& word) override;
  Result<> do_renew(const Word& word) override;
  void do_observe(contract::HostReport& report) const override;
  Result<> do_revert() override;
  Result<> do_lift() override;
  Result<> do_bring_back(const std::vector<std::string>& services) override;
  int64_t do_due() const override;
  int do_wake_fd() const override { return timer_.valid() ? timer_.get() : -1; }
  Result<> do_wake() override;

  [[nodiscard]] int64_t strikes_at(const Loss& loss) const;
  [[nodiscard]] int64_t ends_at(const Loss& loss) const;
  [[nodiscard]] int64_t next(const Loss& loss) const;
  Result<> advance(Loss& loss);
  Result<> strike(Loss& loss);
  Result<uint32_t> end_sockets();
  Result<> arm_hold_down(const std::string& run);
  Result<> give_power();
  Result<> let_go();
  [[nodiscard]] uint64_t respawns(const Loss& loss) const;
  void set_timer() const;

  PowerParts parts_;
  std::vector<Loss> losses_;
  std::unique_ptr<OwedStarts> owed_;
  std::unique_ptr<HoldDown> hold_down_;
  std::set<uint16_t> protected_ports_;
  Fd timer_;
  int64_t t0_ = 0;
  Word word_;
  bool holding_ = false;  // power was taken and not given back
};

}  // namespace blackstart
