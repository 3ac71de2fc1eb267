// SPDX-License-Identifier: Apache-2.0
// A BPF program on an interface through TCX (Linux 6.6): no qdisc, and not pinned, so the link goes
// with the last descriptor of its owner.
#pragma once

#include <cstdint>
#include <vector>

#include "agents/contract/result.h"
#include "agents/kernel/fd.h"
#include "agents/kernel/hook.h"
#include "agents/kernel/interfaces.h"

namespace blackstart {

class TcxLink {
 public:
  // The program becomes the first on its hook. On failure nothing is attached; kMissing where the
  // kernel has no TCX.
  static Result<TcxLink> make(int program_fd, const Interface& interface, Hook hook);
  // Detached on return; packets already inside the program finish.
  void revert() { fd_.reset(); }

 private:
  explicit TcxLink(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

// Whether the kernel knows TCX: asks what is attached to lo, attaches nothing.
bool has_tcx();

struct TcxEntry {
  uint32_t program = 0;
  uint32_t link = 0;  // 0: attached without one, so it stays until somebody takes it off
};

// What stands on a hook in the order it runs; empty where there is no TCX. Needs no CAP_SYS_ADMIN.
std::vector<TcxEntry> tcx_entries(int interface_index, Hook hook);
// The ids of the programs alone.
std::vector<uint32_t> tcx_programs(int interface_index, Hook hook);

}  // namespace blackstart
