// SPDX-License-Identifier: Apache-2.0
// A BPF program on an interface through the clsact qdisc, for kernels without TCX. Neither qdisc nor
// filter goes with its owner: what is attached must be harmless once the owner is dead, and is swept
// at the next start.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agents/contract/result.h"
#include "agents/kernel/hook.h"
#include "agents/kernel/interfaces.h"

namespace blackstart {

// The clsact qdisc of one interface: somebody else's, which is used as it is, or made by us, of
// which a note is on disk before the kernel is touched.
class ClsactQdisc {
 public:
  // Notes stand in `notes`, a folder that exists; "": no note, so a dead agent's qdisc stays.
  static Result<ClsactQdisc> make(const Interface& interface, const std::string& notes);
  ClsactQdisc(ClsactQdisc&& other) noexcept;
  ClsactQdisc& operator=(ClsactQdisc&&) = delete;
  ~ClsactQdisc() { (void)revert(); }
  // Deletes the qdisc if we made it and nobody else's filter has come to stand in it. Idempotent.
  Result<> revert();

 private:
  ClsactQdisc(Interface interface, std::string note, bool made)
      : interface_(std::move(interface)), note_(std::move(note)), made_(made) {}
  Interface interface_;
  std::string note_;
  bool made_;
};

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
  std::string name;       // of a BPF filter: "PROGRAM:[ID]"
  uint16_t protocol = 0;  // ETH_P_ALL
  std::string kind;       // "bpf", "flower"
  uint32_t program = 0;   // id, of a BPF filter
};

// In the order they run; empty without clsact.
Result<std::vector<FoundFilter>> tc_filters(int interface_index, Hook hook);

// Removes filters whose program's name starts with `prefix`, and the qdiscs a note says we made and
// nobody uses. Returns how many objects went.
Result<int> sweep_clsact(const std::string& prefix, const std::string& notes);

}  // namespace blackstart
