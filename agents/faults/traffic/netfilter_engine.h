// SPDX-License-Identifier: Apache-2.0
// Faults in netfilter, in one table the kernel deletes with the agent:
//
//   netfilter/netdev  silent faults, at ingress and egress of every interface but lo; a frame with more
//                     VLAN tags than the kernel has taken off is not looked into
//   netfilter/inet    faults that answer, where the network stack receives, sends and forwards
//
// Deadline and lease are the kernel's (see NftGate).
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "agents/faults/traffic/nft_gate.h"
#include "agents/faults/traffic/nft_rules.h"
#include "agents/faults/traffic/packet_engine.h"
#include "agents/faults/traffic/test_packet.h"

namespace blackstart {

class NetfilterEngine final : public PacketEngine {
 public:
  static Result<std::unique_ptr<PacketEngine>> make(const contract::Order& order, const OrderRules& rules,
                                                    NftRules::Own own, const std::vector<Interface>& present);
  ~NetfilterEngine() override { (void)NetfilterEngine::revert(); }

  [[nodiscard]] const char* name() const override;
  Result<> fire(int64_t t0, const Word& word) override { return gate_->fire(t0, word); }
  Result<> renew(const Word& word) override { return gate_->renew(word); }
  Result<> cover(const std::vector<Interface>& present) override;
  [[nodiscard]] int64_t due() const override { return gate_->due(); }
  Result<> tick() override { return gate_->tick(); }
  [[nodiscard]] bool in_place(uint32_t fault) const override { return gate_->open(fault); }
  [[nodiscard]] std::vector<std::string> interfaces() const override;
  [[nodiscard]] Result<std::vector<traffic_count>> counts() const override { return rules_->counts(table_); }
  Result<> revert() override { return table_.revert(); }

 private:
  NetfilterEngine(NftTable table, NftRules::Own own, const OrderRules& rules)
      : table_(std::move(table)), own_(own), plans_{test_plan(rules, false), test_plan(rules, true)} {}
  Result<> attach(const Interface& interface);
  void add_base_chains();
  // Requires that the kernel ends real packets to the self-test addresses, and finds those protected
  // that are: out of these interfaces, or through the stack where it has a route.
  Result<> test(const std::vector<Interface>& came);
  Result<> test(const TestPlan& plan, const Interface* interface);

  mutable NftTable table_;
  NftRules::Own own_;
  TestPlan plans_[2];
  std::optional<NftGate> gate_;  // refers to table_
  std::optional<NftRules> rules_;
  std::map<int, std::string> interfaces_;  // those that have chains, by index
};

}  // namespace blackstart
