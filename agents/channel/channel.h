// SPDX-License-Identifier: Apache-2.0
// How orders travel. The conductor's side: ask one host, or many at once. An answer that does not
// come is an error of kind kUnreachable and says nothing about what the host did.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agents/contract/contract.pb.h"
#include "agents/contract/result.h"

namespace blackstart {

class Channel {
 public:
  virtual ~Channel() = default;

  // Every host an agent answers for, sorted.
  [[nodiscard]] virtual Result<std::vector<std::string>> hosts() = 0;

  // Sends each host its request, all at once, and waits for all answers or the timeout. Every host
  // asked is in the result. A Reply that carries a failure comes back as that Error.
  [[nodiscard]] virtual std::map<std::string, Result<contract::Reply>> call_all(
      const std::map<std::string, contract::Request>& requests, std::chrono::milliseconds timeout) = 0;

  [[nodiscard]] Result<contract::Reply> call(const std::string& host, const contract::Request& request,
                                             std::chrono::milliseconds timeout) {
    return call_all({{host, request}}, timeout).at(host);
  }
};

// The agent's side answers one request at a time.
using Answer = std::function<contract::Reply(const contract::Request&)>;

}  // namespace blackstart
