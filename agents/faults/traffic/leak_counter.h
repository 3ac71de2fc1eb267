// SPDX-License-Identifier: Apache-2.0
// The independent witness of a cut: counts, in netfilter at ingress, packets that should have been
// dropped. The eBPF drop at TCX or clsact ingress stands before it, so on a cut host it sees what
// the datapath let through, and on a host that only observes what others failed to drop.
//
// When it counts is the kernel's clock (see NftGate), as it is for the faults: a wall clock that jumps
// opens and closes nothing. It opens a watch 20 ms late and closes it 20 ms early, which is a clock tick
// and packets in flight; an agent that is stopped opens it once it goes on, and answers nobody until then.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agents/contract/contract.pb.h"
#include "agents/contract/result.h"
#include "agents/faults/traffic/nft_gate.h"
#include "agents/kernel/interfaces.h"
#include "agents/kernel/nft_table.h"

namespace blackstart {

class LeakCounter {
 public:
  // Installed, counting nothing yet. On failure nothing is left.
  static Result<std::unique_ptr<LeakCounter>> make(const contract::Order& order,
                                                   const std::vector<Interface>& present);

  // t0 on CLOCK_MONOTONIC; what starts before the horizon counts. Once.
  [[nodiscard]] Result<> fire(int64_t t0, int64_t horizon);
  // What a later horizon lets in counts from one second on, when every host has heard of it.
  [[nodiscard]] Result<> widen(int64_t horizon);
  // See PacketEngine.
  [[nodiscard]] int64_t due() const { return gate_.due(); }
  [[nodiscard]] Result<> tick() { return gate_.tick(); }
  // Follows interfaces that came or went.
  [[nodiscard]] Result<> sync(const std::vector<Interface>& present);
  // One report for each watch, in the order's order.
  [[nodiscard]] Result<std::vector<contract::LeakReport>> collect();
  [[nodiscard]] Result<> revert() { return table_.revert(); }

 private:
  LeakCounter(NftTable table, const contract::Order& order);
  [[nodiscard]] Result<> add_protection(const contract::Protection& protection);
  [[nodiscard]] Result<> add_watch(const contract::LeakWatch& watch);

  NftTable table_;
  NftGate gate_;                               // refers to table_
  std::vector<contract::LeakReport> watches_;  // without their counts
  std::set<int> interfaces_;
};

}  // namespace blackstart
