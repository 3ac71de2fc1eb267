// SPDX-License-Identifier: Apache-2.0
// Steady-state checks, run from this host. Attempt k of a probe is due at its start + k * every on
// CLOCK_MONOTONIC, whatever earlier attempts took; the probes of one start() are spread evenly over
// their period.
//
//   1. Every scheduled attempt yields exactly one Sample, numbered without holes.
//   2. What an attempt did not see is never invented: not started within `every` of its moment,
//      ended by stop() or by a change of its probe, or impossible for want of local resources, it is
//      MISSED.
//   3. After stop() no attempt is in flight, and the process group of every command was killed.
//   4. Every attempt resolves, connects and asks anew; names are looked up as /etc/hosts and
//      /etc/resolv.conf say at that moment.
//   5. A prober that was never started holds no thread, socket or curl handle.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agents/contract/contract.pb.h"
#include "agents/contract/result.h"
#include "agents/probes/sample_buffer.h"

namespace blackstart {

struct ProberOptions {
  bool allow_commands = false;
  std::string command_user = "nobody";  // who runs a probe's command where the agent is root
  size_t buffer = 200'000;              // samples kept until they are taken; then the oldest go
  size_t in_flight_per_probe = 64;
  size_t in_flight = 4096;  // in total; lowered to what RLIMIT_NOFILE leaves room for
  std::string name_server;  // address or address:port, instead of those in /etc/resolv.conf
};

class ProbeEngine;

// Safe to use from several threads.
class Prober {
 public:
  // Raises the process's soft limit of open files to the hard one. Fails with kMissing when commands
  // are allowed and command_user does not exist.
  [[nodiscard]] static Result<std::unique_ptr<Prober>> make(ProberOptions options);
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  // Adds probes to those that run. A probe already running under the same name is left alone when it
  // is the same, and replaced when it is not; its numbers go on. On failure (kInvalid; kRefused for a
  // command where none is allowed) nothing has changed.
  [[nodiscard]] Result<> start(const std::vector<contract::Probe>& probes);

  // Ends every probe. Samples not yet taken stay; a probe started later counts from 0 again.
  void stop();

  using Batch = SampleBatch;
  [[nodiscard]] Batch take(uint64_t after, size_t limit = 10'000) { return samples_.take(after, limit); }
  // Forgets what nobody took; returns the cursor behind it.
  uint64_t pass_over();

 private:
  explicit Prober(ProberOptions options);

  const ProberOptions options_;
  SampleBuffer samples_;
  std::mutex lifecycle_;
  std::unique_ptr<ProbeEngine> engine_;
  std::thread thread_;
};

}  // namespace blackstart
