// SPDX-License-Identifier: Apache-2.0
// The processes of a host, as far as they go when its power goes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agents/contract/contract.pb.h"
#include "agents/contract/result.h"

namespace blackstart {

class HostProcesses {
 public:
  virtual ~HostProcesses() = default;
  HostProcesses(const HostProcesses&) = delete;
  HostProcesses& operator=(const HostProcesses&) = delete;

  // Fails where its power could not be taken; changes nothing.
  [[nodiscard]] virtual Result<> ready() const = 0;
  // How many processes the instance has now.
  [[nodiscard]] virtual uint64_t running(const contract::ProcessTarget& target) const = 0;
  // How many there are to go, of services and of none.
  [[nodiscard]] virtual uint64_t running() const = 0;
  // All of them at once, whoever is there now; they may take a moment to be gone.
  [[nodiscard]] virtual Result<> take_power() = 0;
  // Nothing runs any more.
  [[nodiscard]] virtual bool dark() const = 0;
  // Their sockets are left without an owner.
  [[nodiscard]] virtual bool leaves_sockets() const { return true; }
  // Lets go whatever still holds them. Idempotent.
  [[nodiscard]] virtual Result<> give_power() { return {}; }

 protected:
  HostProcesses() = default;
};

// All that runs in the cgroup of a lab host's services, each of which has one of its own in it.
[[nodiscard]] std::unique_ptr<HostProcesses> lab_processes(const std::string& services_cgroup);

}  // namespace blackstart
