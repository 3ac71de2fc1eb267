// SPDX-License-Identifier: Apache-2.0
// Start and deadline of netfilter rules, on the kernel's own clock: every rule of a fault first looks for
// the fault's number in one set, where it stands from the fault's start and which the kernel takes it
// out of at the fault's end or the end of the lease, whatever the agent does. A fault that starts later
// than fire() waits for tick(): with the agent dead or stopped it never starts.
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
  struct Margin {
    int64_t inside_ns = 0;   // opens so much after its window does, and closes so much before
    int64_t hearsay_ns = 0;  // what a later horizon lets in opens no sooner than so long after renew()
  };
  static constexpr const char* kSet = "gate";

  // Adds the set to the table, which must outlive this; the table's owner commits.
  NftGate(NftTable& table, std::vector<Window> windows, Margin margin);

  [[nodiscard]] Result<> fire(int64_t t0, const Word& word);
  // Exchanges the deadlines that move, in one commit.
  [[nodiscard]] Result<> renew(const Word& word);
  // Lets in what has become due.
  [[nodiscard]] Result<> tick();
  // When tick() is needed next, on CLOCK_MONOTONIC: a fault starts, or one that the kernel refused to
  // start is tried again, 100 ms after it refused. INT64_MAX: never.
  [[nodiscard]] int64_t due() const;
  // Whether the fault is in the kernel's set now.
  [[nodiscard]] bool open(uint32_t fault) const;

 private:
  [[nodiscard]] int64_t opens(const Window& window) const;
  [[nodiscard]] int64_t closes(const Window& window) const;
  [[nodiscard]] Result<> settle();
  [[nodiscard]] Result<> settle(int64_t now);
  [[nodiscard]] Result<> put(const std::map<uint32_t, int64_t>& deadlines, int64_t now, bool again);

  NftTable& table_;
  std::vector<Window> windows_;
  Margin margin_;
  std::map<uint32_t, int64_t> deadlines_;  // by fault: what the kernel was told
  std::map<uint32_t, int64_t> hearsay_;    // by fault: not before, because its horizon came later
  int64_t t0_ = 0;                         // 0: not fired
  int64_t again_ = 0;                      // no sooner: what failed is not tried in a loop
  Word word_;
};

}  // namespace blackstart
