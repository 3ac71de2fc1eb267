// SPDX-License-Identifier: Apache-2.0
// Who can still talk to whom while every fault of the plan is in force, read from the orders
// themselves: what is predicted is what was ordered.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agents/contract/contract.pb.h"
#include "injector/topology/topology.h"

namespace blackstart {

// Where something answers or asks. `host` is "" for an address nobody in the topology owns.
struct Place {
  std::string host;
  std::vector<Address> addresses;
};

class Reach {
 public:
  // Copies what it needs from the orders.
  explicit Reach(const std::map<std::string, contract::Order>& orders);
  ~Reach();
  Reach(const Reach&) = delete;
  Reach& operator=(const Reach&) = delete;

  // Whether a conversation works: packets must pass both ways, in one address family at least. Port 0:
  // none known. A host always reaches itself.
  [[nodiscard]] bool reaches(const Place& client, const Place& server, uint16_t port) const;

 private:
  struct HostRules;
  std::map<std::string, std::unique_ptr<const HostRules>> hosts_;
};

}  // namespace blackstart
