// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agents/probes/check.h"
#include "agents/probes/command_check.h"
#include "agents/probes/loop.h"
#include "agents/probes/prober.h"
#include "agents/probes/sample_buffer.h"
#include "agents/probes/web.h"

namespace blackstart {

// Keeps the schedule of all probes on one thread. add() and end() may be called from any thread.
class ProbeEngine {
 public:
  [[nodiscard]] static Result<std::unique_ptr<ProbeEngine>> make(const ProberOptions& options,
                                                                 SampleBuffer& samples);
  ~ProbeEngine();

  void add(std::vector<contract::Probe> probes);  // valid ones
  void run();                                     // until end(); then every attempt in flight is MISSED
  void end();

 private:
  struct Attempt;
  // One probe. Attempt `sequence` is due at epoch + (sequence - first) * every.
  struct Track {
    contract::Probe probe;
    std::shared_ptr<const std::string> name;
    int64_t epoch = 0;
    uint64_t first = 0;
    uint64_t next = 0;
    size_t in_flight = 0;
    [[nodiscard]] int64_t due() const {
      return epoch + static_cast<int64_t>(next - first) * probe.every_ns();
    }
  };

  ProbeEngine(const ProberOptions& options, SampleBuffer& samples, std::unique_ptr<Loop> loop,
              std::unique_ptr<Web> web, std::unique_ptr<CommandReaper> reaper, CheckContext context);
  void take_inbox();
  // Starts what is due, gives up what is too late; returns when to look at the probe again.
  int64_t advance(Track& track);
  void begin(Track& track, int64_t now);
  void finish(Attempt& attempt, Finding finding);
  void abandon(const Track* track, std::string_view why);  // nullptr: all

  const ProberOptions options_;
  SampleBuffer& samples_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<Web> web_;
  std::unique_ptr<CommandReaper> reaper_;
  CheckContext context_;

  std::map<std::string, Track> tracks_;
  std::map<const Attempt*, std::unique_ptr<Attempt>> attempts_;
  // Destroyed between rounds, since an attempt may not be destroyed from within its own report.
  std::vector<std::unique_ptr<Attempt>> finished_;

  std::mutex inbox_mutex_;
  std::vector<contract::Probe> inbox_;
  std::atomic<bool> ending_ = false;
};

}  // namespace blackstart
