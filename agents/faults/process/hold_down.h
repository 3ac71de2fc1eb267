// SPDX-License-Identifier: Apache-2.0
// Keeps what is down from coming up: a program at exec ends a new process before its first instruction in
// user space, by SIGKILL, or, where the kernel lets BPF deny, by refusing the exec with EPERM, which its
// supervisor sees.
//
//   make → fire → renew* → revert
//
// Start, end, lease and horizon are checked in the kernel: a hung or dead agent extends nothing, and when the
// agent dies the kernel takes the program away. It acts only inside its scope, and never on process 1 or on
// the agent's own program. After a failed make nothing is left in the kernel.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agents/contract/result.h"
#include "agents/faults/fault.h"
#include "agents/kernel/features.h"

struct blackstart_exec;

namespace blackstart {

// An exec that fits is ended. Everything that is asked for must fit; a rule asks for something, or for
// `everything`.
struct HoldDownRule {
  std::string fault, service;         // counted under these
  int64_t start_ns = 0, end_ns = 0;   // offsets from t0
  bool everything = false;            // in scope, whatever it is; nothing else may be asked for
  std::string exe;                    // absolute; by inode, by path, and as the script of an interpreter
  std::string comm;                   // at most 15 characters
  std::optional<uint32_t> uid;        // at the moment of the exec
  std::optional<std::string> cgroup;  // relative to the root of version 2; in it or below; it exists
  bool command_line = false;          // asks for one of `seen`
  // Command lines as /proc/PID/cmdline has them, of processes that fit when the rule was made: an exec of one
  // of them fits `comm` and `command_line`.
  std::vector<std::string> seen;
};

struct HoldDownOptions {
  std::string run;
  // Relative to the root of version 2; only processes in it or below are looked at. "": the whole host.
  std::string scope;
  std::vector<HoldDownRule> never;  // what fits one of these is let through; times do not matter
};

struct HoldDownCount {
  std::string fault, service;
  uint64_t ended = 0;
};

class HoldDown {
 public:
  // Loaded, filled and attached; lets everything through until it is fired. kMissing where the kernel has no
  // such hook, kInvalid for a rule that asks for nothing, and for more rules than fit (kMostHoldDownBits).
  [[nodiscard]] static Result<std::unique_ptr<HoldDown>> make(const std::vector<HoldDownRule>& rules,
                                                              const HoldDownOptions& options);
  ~HoldDown();
  HoldDown(const HoldDown&) = delete;
  HoldDown& operator=(const HoldDown&) = delete;

  [[nodiscard]] const char* name() const;  // "ebpf/exec", "ebpf/lsm"

  // t0 and the word on CLOCK_MONOTONIC.
  void fire(int64_t t0, const Word& word);
  void renew(const Word& word);
  // One for each pair of fault and service among the rules; after revert what was read last.
  [[nodiscard]] std::vector<HoldDownCount> counts() const;
  // Lets everything through again. Idempotent.
  void revert();

 private:
  explicit HoldDown(blackstart_exec* skeleton) : skeleton_(skeleton) {}

  blackstart_exec* skeleton_;  // null once reverted
  bool denies_ = false;
  mutable std::vector<HoldDownCount> counts_;
};

// The kernel matches at most so many different combinations; rules of one fault that ask for one thing, and
// for the same kind of thing, count once, however many they are.
inline constexpr int kMostHoldDownBits = 64;

// For `doctor`: exec-kill, exec-deny.
Feature probe_exec_kill();
Feature probe_exec_deny();

}  // namespace blackstart
