// SPDX-License-Identifier: Apache-2.0
// Faults that kill processes or make them stand still. (POWER_LOSS is another family's.)
//
//   arm      resolves whom each fault is aimed at, refuses what no fault may touch, puts hold-down in place
//   start    of a fault: who is there now is recorded, then killed or frozen; where it is held down the
//            kernel ends what comes up from then on
//   end      of a fault: hold-down ends by itself, what stands still goes on, units may start; what was
//            killed stays down
//   lift     ends all faults
//   revert   ends them and starts again what they killed; one that could not be started is kStranded, and its
//            step stays on record
//
// A service that was down at its fault's start stays down.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agents/faults/process/freezer.h"
#include "agents/faults/process/killing_family.h"
#include "agents/faults/process/selection.h"
#include "agents/faults/process/units.h"
#include "agents/faults/step_log.h"
#include "agents/kernel/features.h"

namespace blackstart {

struct ProcessOptions {
  // Gets every step that would outlive the agent; not owned, outlives the family. nullptr: nothing is
  // recorded.
  StepLog* steps = nullptr;
  ProcessScope scope;
  std::string keeper;     // the socket of the lab's keeper; "": there is none
  bool commands = false;  // a command may start a service again
};

class ProcessFamily final : public KillingFamily {
 public:
  static Result<std::unique_ptr<ProcessFamily>> make(ProcessOptions options);
  ~ProcessFamily() override;

 private:
  explicit ProcessFamily(ProcessOptions options) : options_(std::move(options)) {}

  Result<> do_arm(const contract::Order& order) override;
  int64_t do_due() const override;
  Result<> act() override;
  int64_t next_act() const override;
  Result<> let_go() override;
  void observe_faults(contract::HostReport& report) const override;

  struct Target {
    Selector selector;
    contract::ProcessTarget ordered;
    std::unique_ptr<UnitHold> unit;  // null: it is not a unit that is to be killed
  };
  struct Known {
    contract::Fault ordered;
    std::vector<Target> targets;
    std::string engine;
    enum { kWaiting, kActed, kFailed, kOver } phase = kWaiting;
    std::unique_ptr<Freezer> freezer;
    std::map<std::string, contract::ProcessCount> counts;  // by service

    [[nodiscard]] bool holds() const;  // something that only a process lets go
  };

  Result<> arm_fault(const contract::Fault& fault, const std::vector<Process>& all);
  Result<> find_protected(const contract::Order& order);
  Result<> require_unprotected(const Selector& selector, const std::vector<Process>& all) const;
  Result<> arm_hold_down(const contract::Order& order, const std::vector<Process>& all);
  Result<> require_restorable(const contract::ProcessTarget& target) const;
  Result<std::unique_ptr<UnitHold>> find_unit(const contract::Fault& fault,
                                              const contract::ProcessTarget& target) const;
  Result<> begin(Known& fault);
  Result<> kill(Known& fault);
  Result<> freeze(Known& fault);
  // Of one target, all of which is on record.
  Result<uint64_t> kill(const Known& fault, const Target& target) const;
  static Result<> let_go(Known& fault);
  Result<> start(const contract::Step::DownService& service) const;
  [[nodiscard]] Spared spared(const std::vector<Process>& all) const;
  [[nodiscard]] contract::FaultState state_of(const Known& fault) const;

  ProcessOptions options_;
  std::vector<Known> faults_;
  std::vector<Selector> protected_;
  std::vector<std::string> protected_services_;
};

// For `doctor`: exec-kill, exec-deny, cgroup-kill.
FeatureReport probe_process_features();

}  // namespace blackstart
