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
#include "agents/faults/power/host_processes.h"
#include "agents/faults/process/killing_family.h"
#include "agents/faults/step_log.h"

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

class PowerFault final : public KillingFamily {
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
  int64_t do_due() const override;
  Result<> act() override;
  int64_t next_act() const override;
  Result<> let_go() override;  // gives power back
  void observe_faults(contract::HostReport& report) const override;

  [[nodiscard]] int64_t strikes_at(const Loss& loss) const;
  [[nodiscard]] int64_t next(const Loss& loss) const;
  Result<> advance(Loss& loss);
  Result<> strike(Loss& loss);
  Result<uint32_t> end_sockets();
  Result<> arm_hold_down(const std::string& run);
  [[nodiscard]] uint64_t respawns(const Loss& loss) const;

  PowerParts parts_;
  std::vector<Loss> losses_;
  std::set<uint16_t> protected_ports_;
  bool holding_ = false;  // power was taken and not given back
};

}  // namespace blackstart
