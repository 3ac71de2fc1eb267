// SPDX-License-Identifier: Apache-2.0
// What one agent does with the requests it gets. At most one order at a time:
//
//   state      Arm        Fire         Collect      Revert        tick()
//   free       → armed    refused      reports      → free        -
//   armed      refused*   → fired      reports      → free        → free one lease after arming
//   fired      refused*   → fired      renews       → free        → lifted at the deadline
//   lifted     refused*   → lifted     renews       → free        → free at the lease end
//   * by another run; the same run may arm again, which replaces its order
//   At the end of its lease every one of them is free.
//   Revert that keeps down what was killed, or the deadline, makes it lifted where anything was killed, and
//   else free: the faults are over, Return starts services again, and the Revert that keeps nothing down all
//   of them, and frees it.
//   In every state a stop file means free, and refuses Arm and Fire. A T0 of more than a second ago frees the
//   host; one of more than a minute ahead is refused, and it stays armed.
//
// Invariants:
//   1. A free runtime has nothing in the kernel. What a failed revert leaves is residue, and said.
//   2. The kernel ends every fault at its deadline and lease by itself; tick() only tidies up after it.
//   3. The journal is opened before a family arms, and empty again once all are reverted.
//   4. The last report of a run outlives the run, so that a conductor that comes late can still read it.
// Single-threaded; the owner calls tick() no later than next_tick().
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agents/contract/contract.pb.h"
#include "agents/contract/result.h"
#include "agents/contract/units.h"
#include "agents/faults/fault.h"
#include "agents/policy/policy.h"
#include "agents/probes/prober.h"
#include "agents/runtime/journal.h"
#include "agents/runtime/stop_files.h"

namespace blackstart {

struct AgentIdentity {
  std::string host, site, boot_id;
};

using ChangesSince = std::function<std::vector<contract::Residue>()>;

// What the runtime asks of the rest of the agent; passed in so that tests need no kernel.
struct RuntimeParts {
  std::function<Result<std::vector<std::unique_ptr<FaultFamily>>>()> make_families;  // fresh for each order
  std::function<std::vector<std::string>()> residue;  // what is ours in the kernel now
  Policy policy;                                      // accepts nothing unless told otherwise
  Prober* prober = nullptr;                           // not owned
  Journal* journal = nullptr;                         // not owned; null: families that need none
  std::function<std::optional<Stop>()> stop = [] { return std::nullopt; };
  std::function<Result<>()> may_arm = [] { return Result<>(); };  // asked before anything is touched
  // Takes back what stands in the journal although the families have reverted.
  std::function<Result<>()> reap = [] { return Result<>(); };
  // Told the moment by which the order in force has to be taken back; INT64_MAX: none.
  std::function<void(int64_t)> deadline = [](int64_t) {};
  // Remembers the host as it is; what that returns says what has changed since. Null: nobody asks.
  std::function<ChangesSince()> snapshot;
  std::function<int64_t()> now = monotonic_now;
};

class Runtime {
 public:
  Runtime(AgentIdentity identity, RuntimeParts parts);
  ~Runtime();  // reverts
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // Takes off whatever is in force.
  void give_back(const std::string& reason);

  contract::Reply answer(const contract::Request& request);
  void tick();
  // CLOCK_MONOTONIC; INT64_MAX: nothing is due, stop files apart, which nobody has to look at while no
  // order is held.
  [[nodiscard]] int64_t next_tick() const;

  // What is true now, read back from the kernel; with what is left there when no run holds the host.
  [[nodiscard]] contract::HostReport report() const;

  // Descriptors of the fault families in force, to be polled; the owner calls wake() when one is readable.
  [[nodiscard]] std::vector<int> wake_fds() const;
  void wake();

 private:
  struct Held;

  Result<> start_probes(const contract::StartProbes& request, contract::Reply& reply);
  Result<> arm(const contract::Order& order);
  Result<> fire(const contract::Fire& fire);
  void renew(const contract::Collect& collect);
  Result<> revert(const std::string& run, const std::string& reason);
  Result<> lift(const contract::Revert& request);
  Result<> bring_back(const contract::Return& request);
  void stop_probes();
  contract::HostReport host_report() const;
  Result<> require_no_stop(const std::string& operation) const;
  void tell_deadline() const;
  Result<> arm_all(Held& held);
  Error after_failed_arm(const Error& why);
  void end_journal();
  Result<> require_run(const std::string& run) const;

  AgentIdentity identity_;
  RuntimeParts parts_;
  std::unique_ptr<Held> held_;  // the order in force; null: free
  contract::HostReport last_;   // of the last run that ended here
  ChangesSince changes_;        // since that run, or the one in force, was first armed
  std::string probing_run_;
  int64_t probes_end_ = INT64_MAX;  // probes nobody collects stop
};

}  // namespace blackstart
