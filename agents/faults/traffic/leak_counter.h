// SPDX-License-Identifier: Apache-2.0
// The independent witness of a cut: counts, in netfilter at ingress, packets that should have been
// dropped. The eBPF drop at TCX or clsact ingress stands before it, so on a cut host it sees what
// the datapath let through, and on a host that only observes what others failed to drop.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agents/contract/contract.pb.h"
#include "agents/contract/result.h"
#include "agents/kernel/interfaces.h"
#include "agents/kernel/nft_table.h"

namespace blackstart {

class LeakCounter {
 public:
  // Installed, counting nothing yet. On failure nothing is left.
  static Result<LeakCounter> make(const contract::Order& order, const std::vector<Interface>& present);

  // Counts from t0 + start + 20 ms (one clock tick and packets in flight) until t0 + end, t0 on
  // CLOCK_MONOTONIC, what starts before the horizon. Once.
  [[nodiscard]] Result<> fire(int64_t t0, int64_t horizon);
  // What a later horizon lets in counts from one second on, when every host has heard of it.
  [[nodiscard]] Result<> widen(int64_t horizon);
  // Follows interfaces that came or went.
  [[nodiscard]] Result<> sync(const std::vector<Interface>& present);
  // One report for each watch, in the order's order.
  [[nodiscard]] Result<std::vector<contract::LeakReport>> collect();
  [[nodiscard]] Result<> revert() { return table_.revert(); }

 private:
  struct Watch {
    contract::LeakReport report;  // without its count
    int64_t start_ns, end_ns;
    bool counting;
    bool sources_v4, sources_v6, any_destination, destinations_v4, destinations_v6;
  };
  explicit LeakCounter(NftTable table) : table_(std::move(table)) {}
  [[nodiscard]] Result<> count_from(int64_t earliest, int64_t horizon);
  [[nodiscard]] Result<> add_protection(const contract::Protection& protection);
  [[nodiscard]] Result<> add_watch(const contract::LeakWatch& watch);

  NftTable table_;
  std::vector<Watch> watches_;
  std::set<int> interfaces_;
  int64_t t0_ = 0;
};

}  // namespace blackstart
