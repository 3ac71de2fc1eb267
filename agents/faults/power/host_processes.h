// SPDX-License-Identifier: Apache-2.0
// The processes of a host, as far as they go when its power goes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agents/contract/contract.pb.h"
#include "agents/contract/result.h"
#include "agents/faults/process/hold_down.h"
#include "agents/faults/step_log.h"

namespace blackstart {

class HostProcesses {
 public:
  virtual ~HostProcesses() = default;
  HostProcesses(const HostProcesses&) = delete;
  HostProcesses& operator=(const HostProcesses&) = delete;

  // Fails where its power could not be taken as the order asks; changes nothing on the host. Called once.
  [[nodiscard]] virtual Result<> ready(const contract::Order& order) = 0;
  // What of it may be executed although nothing else is.
  [[nodiscard]] virtual std::vector<HoldDownRule> never_held_down() const { return {}; }
  // What else would be killed, and is to be started again with the services.
  [[nodiscard]] virtual Result<std::vector<contract::ProcessTarget>> also() const {
    return std::vector<contract::ProcessTarget>{};
  }
  // How many processes the instance has now.
  [[nodiscard]] virtual uint64_t running(const contract::ProcessTarget& target) const = 0;
  // How many there are to go, of services and of none.
  [[nodiscard]] virtual uint64_t running() const = 0;
  // All of them at once, whoever is there now; they may take a moment to be gone.
  [[nodiscard]] virtual Result<> take_power() = 0;
  // Nothing runs any more.
  [[nodiscard]] virtual bool dark() const = 0;
  // They are killed, which leaves their sockets without an owner and services to be started again; otherwise
  // they stand still until give_power(), or there is no return.
  [[nodiscard]] virtual bool kills() const { return true; }
  // Lets go whatever still holds them. Idempotent.
  [[nodiscard]] virtual Result<> give_power() { return {}; }

 protected:
  HostProcesses() = default;
};

// All that runs in the cgroup of a lab host's services, each of which has one of its own in it.
[[nodiscard]] std::unique_ptr<HostProcesses> lab_processes(const std::string& services_cgroup);

// All of a machine that may be touched: not process 1, threads of the kernel, the agent, its sentinel and
// their ancestors, what the order protects, and who listens on a port it protects.
//
// Killed, while hold-down keeps systemd from starting them; what was active of its units is owed a start.
[[nodiscard]] std::unique_ptr<HostProcesses> killed_machine();
// Standing still until the end. `steps` is not owned; null: nothing is written down.
[[nodiscard]] std::unique_ptr<HostProcesses> frozen_machine(StepLog* steps);
// Switched off by systemd. There is no end: somebody has to switch it on.
[[nodiscard]] std::unique_ptr<HostProcesses> switched_off_machine();

}  // namespace blackstart
