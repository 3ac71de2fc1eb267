// SPDX-License-Identifier: Apache-2.0
// The conductor's own place: a prober beside the conductor, reached as kOwnPlace through the same channel
// as the agents.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "agents/channel/embedded/embedded_channel.h"

namespace blackstart::cli {

// The channel to the agents, with the conductor's own place added. Owns the prober's process, which ends
// with it, and with the conductor.
class OwnPlace final : public Channel {
 public:
  // Starts the prober, whose socket is made in `folder`. On failure nothing runs. The agents' channel
  // outlives this one.
  [[nodiscard]] static Result<std::unique_ptr<OwnPlace>> make(Channel& agents, const std::string& folder);
  ~OwnPlace() override;

  Result<std::vector<std::string>> hosts() override { return agents_.hosts(); }
  std::map<std::string, Result<contract::Reply>> call_all(
      const std::map<std::string, contract::Request>& requests, std::chrono::milliseconds timeout) override;

 private:
  OwnPlace(Channel& agents, const std::string& folder, pid_t prober)
      : agents_(agents), own_(folder), prober_(prober) {}

  Channel& agents_;
  EmbeddedChannel own_;
  pid_t prober_;
};

}  // namespace blackstart::cli
