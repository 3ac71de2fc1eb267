// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "agents/contract/result.h"
#include "agents/kernel/fd.h"

namespace blackstart {

// Where a network namespace is found: a path stays as it is, a name is one of `ip netns`.
std::string netns_path(const std::string& name_or_path);

// The calling thread stands in another network namespace while this lives. Unlike `ip netns exec`,
// mounts stay as they are, bpffs included. Threads started meanwhile stand there for good. Coming
// back cannot fail while the descriptor is held; if it does all the same, the process aborts rather
// than go on in the wrong place.
class NetnsScope {
 public:
  static Result<NetnsScope> enter(const std::string& name);  // a path will do
  NetnsScope(NetnsScope&&) noexcept = default;
  NetnsScope& operator=(NetnsScope&&) = delete;
  ~NetnsScope();

 private:
  explicit NetnsScope(Fd home) : home_(std::move(home)) {}
  Fd home_;
};

// Whether the caller's network is that of process 1, the machine's or container's own. Needs no
// privilege.
Result<bool> in_network_of_init();

// For good, and a path will do: for a process that is one host's agent.
Result<> enter_netns(const std::string& name);

}  // namespace blackstart
