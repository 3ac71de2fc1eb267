// SPDX-License-Identifier: Apache-2.0
// An order's rules as nftables chains: in each direction protection, then the self-test, then every
// rule of the order, lowest fault first; what matches is counted by the peer's site and ended.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agents/contract/contract.pb.h"
#include "agents/faults/traffic/classifier.h"
#include "agents/faults/traffic/test_packet.h"
#include "agents/kernel/hook.h"
#include "agents/kernel/nft_table.h"

namespace blackstart {

class NftRules {
 public:
  // Silent faults are ended at devices, without a word; answering ones in the network stack. A packet
  // for a fault that is not own is accepted: it ends elsewhere.
  enum class Own { kSilent, kAnswering };

  // Adds sets, chains and rules; the gate's set is there already. The caller commits.
  static Result<NftRules> add(const contract::Order& order, const OrderRules& rules, Own own,
                              NftTable& table);

  // The chain that decides on packets of one direction; what it neither ends nor accepts returns.
  static const char* chain(Hook hook) { return name(hook); }
  // The number in the gate that lets the self-test's packets be seen.
  [[nodiscard]] uint32_t self_test() const { return config_.faults; }
  [[nodiscard]] static Result<TestCount> tested(NftTable& table);

  // By traffic_counter_index. Packets the stack handles as one (GSO, GRO) count as one. first_ns and
  // last_ns are those of the whole fault, exact to a clock tick (4 ms).
  [[nodiscard]] Result<std::vector<traffic_count>> counts(NftTable& table) const;

  struct Counter {
    uint32_t fault, site;
    Hook hook;
    traffic_verdict verdict;
  };

 private:
  friend class NftRulesBuilder;
  NftRules() = default;

  traffic_config config_{};
  std::map<std::string, std::vector<Counter>> counters_;  // by chain, in the order of its rules
};

}  // namespace blackstart
