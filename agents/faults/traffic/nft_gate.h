// SPDX-License-Identifier: Apache-2.0
// Fire and deadline of netfilter faults: every rule of a fault first looks for the fault's number in
// one set, where it stands from the fault's start and which the kernel takes it out of at the fault's
// end or the end of the lease, whatever the agent does. A fault that starts later than fire() waits
// for tick(): with the agent dead or stopped it never starts.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agents/contract/result.h"
#include "agents/faults/fault.h"
#include "agents/kernel/nft_table.h"

namespace blackstart {

class NftGate {
 public:
  struct Window {
    uint32_t fault;
    int64_t start_ns, end_ns;  // from t0
  };
  static constexpr const char* kSet = "gate";

  // Adds the set to the table, which must outlive this; the table's owner commits.
  NftGate(NftTable& table, std::vector<Window> windows);

  [[nodiscard]] Result<> fire(int64_t t0, const Word& word);
  // Exchanges the deadlines that move, in one commit.
  [[nodiscard]] Result<> renew(const Word& word);
  // Lets in what has become due.
  [[nodiscard]] Result<> tick();
  // When the next fault starts, on CLOCK_MONOTONIC; INT64_MAX: none will.
  [[nodiscard]] int64_t due() const;
  // Whether the fault is in the kernel's set now.
  [[nodiscard]] bool open(uint32_t fault) const;

 private:
  [[nodiscard]] Result<> settle();
  [[nodiscard]] Result<> put(const std::map<uint32_t, int64_t>& deadlines, int64_t now, bool again);

  NftTable& table_;
  std::vector<Window> windows_;
  std::map<uint32_t, int64_t> deadlines_;  // by fault: what the kernel was told
  int64_t t0_ = 0;                         // 0: not fired
  Word word_;
};

}  // namespace blackstart
