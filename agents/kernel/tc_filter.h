// SPDX-License-Identifier: Apache-2.0
// A BPF program on an interface through the clsact qdisc, for kernels without TCX. Neither qdisc nor
// filter goes with its owner: what is attached must be harmless once the owner is dead, and is swept
// at the next start.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/contract/result.h"
#include "agents/kernel/hook.h"
#include "agents/kernel/interfaces.h"

namespace blackstart {

// The clsact qdisc of one interface: somebody else's, which is used as it is, or made by us.
class ClsactQdisc {
 public:
  static Result<ClsactQdisc> make(const Interface& interface);
  ClsactQdisc(ClsactQdisc&& other) noexcept;
  ClsactQdisc& operator=(ClsactQdisc&&) = delete;
  ~ClsactQdisc() { (void)revert(); }
  [[nodiscard]] bool made() const { return made_; }
  // Deletes the qdisc if we made it and nobody else's filter has come to stand in it. Idempotent.
  Result<> revert();

 private:
  ClsactQdisc(Interface interface, bool made) : interface_(std::move(interface)), made_(made) {}
  Interface interface_;
  bool made_;
};

// Whether a clsact qdisc, or an ingress qdisc in its place, stands on an interface.
Result<bool> clsact_stands(int interface_index);

class TcFilter {
 public:
  // First on its hook: priority 1. Needs a clsact qdisc. On failure nothing is attached.
  static Result<TcFilter> make(int program_fd, const Interface& interface, Hook hook);
  TcFilter(TcFilter&& other) noexcept;
  TcFilter& operator=(TcFilter&&) = delete;
  ~TcFilter() { (void)revert(); }
  Result<> revert();  // idempotent

 private:
  TcFilter(Interface interface, Hook hook) : interface_(std::move(interface)), hook_(hook), attached_(true) {}
  Interface interface_;
  Hook hook_;
  bool attached_;
};

struct FoundFilter {
  uint32_t handle = 0;
  uint16_t priority = 0;
  std::string name;         // of a BPF filter: "PROGRAM:[ID]"
  uint16_t protocol = 0;    // ETH_P_ALL
  std::string kind;         // "bpf", "flower"
  uint32_t program_id = 0;  // of a BPF filter

  [[nodiscard]] std::string_view program() const { return std::string_view(name).substr(0, name.find(':')); }
};

// In the order they run; empty without clsact.
Result<std::vector<FoundFilter>> tc_filters(int interface_index, Hook hook);

// Removes the filters of one interface whose program's name passes the test; says how many.
using NameTest = std::function<bool(std::string_view)>;
Result<int> remove_filters(int interface_index, const NameTest& ours);
// Removes the clsact qdisc of one interface unless a filter stands in it; says whether it did.
Result<bool> remove_unused_clsact(int interface_index);

}  // namespace blackstart
