// SPDX-License-Identifier: Apache-2.0
// Which runs there are and were on this machine, as files anyone with the rights can read:
//
//   /run/blackstart/runs/RUN/conductor   who conducts it: pid, start time, where its agents listen
//   /run/blackstart/runs/RUN/abort       whoever creates it ends the run; its text says why
//   /run/blackstart/runs/RUN/marks       what people say about it while it lasts (marks.h)
//   /run/blackstart/runs/RUN/returns     what they let come back (said_returns.h)
//   /run/blackstart/runs/RUN/stand       where it stands (run_stand.h)
//   /run/blackstart/abort                ends every run
//   /var/lib/blackstart/lever            ends every run, and blocks new ones across restarts (lever.h)
//   /var/lib/blackstart/runs/RUN/        plan.json, events.jsonl, outcome.json: kept
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agents/contract/result.h"
#include "agents/contract/units.h"
#include "injector/record/lever.h"

namespace blackstart {

struct RunRecord {
  std::string run, experiment, topology, agents;  // agents: the folder of the channel
  UnixNs started = 0;
  int64_t pid = 0;
  uint64_t pid_start = 0;  // from /proc/PID/stat: a pid that was used again is another process
  std::string state;       // the folder its record and lever are in; the registry fills it
};

class RunRegistry {
 public:
  explicit RunRegistry(std::string live = "/run/blackstart", std::string kept = kStateFolder)
      : live_(std::move(live)), kept_(std::move(kept)) {}

  // Sorts by time, and tells two runs of one second apart: "20260102T030405Z-1f3a".
  static std::string new_run_id();

  // While it lives the run is among the live ones; what is kept stays.
  class Open {
   public:
    Open(Open&& other) noexcept : registry_(other.registry_), run_(std::exchange(other.run_, {})) {}
    Open& operator=(Open&&) = delete;
    ~Open();

   private:
    friend class RunRegistry;
    Open(RunRegistry& registry, std::string run) : registry_(registry), run_(std::move(run)) {}
    RunRegistry& registry_;
    std::string run_;
  };
  // Makes both folders and the conductor file for this process; fills pid, pid_start and state.
  Result<Open> open(RunRecord record);
  // The run is over: its live folder goes, what is kept stays.
  void close(const std::string& run);

  [[nodiscard]] Result<std::vector<RunRecord>> live() const;  // newest first
  [[nodiscard]] std::vector<std::string> kept() const;        // run ids, newest first
  // For what a run needs only while it lives.
  [[nodiscard]] std::string live_folder(const std::string& run) const { return live_ + "/runs/" + run; }
  [[nodiscard]] std::string marks_file(const std::string& run) const { return live_folder(run) + "/marks"; }
  [[nodiscard]] std::string returns_file(const std::string& run) const {
    return live_folder(run) + "/returns";
  }
  [[nodiscard]] std::string stand_file(const std::string& run) const { return live_folder(run) + "/stand"; }
  [[nodiscard]] std::string kept_folder(const std::string& run) const { return kept_ + "/runs/" + run; }
  // False also when its pid belongs to another process by now.
  [[nodiscard]] static bool conductor_alive(const RunRecord& record);

  Result<> request_abort(const std::string& run, const std::string& why);
  // Why this run must end, if anybody said so: by name, by the file for all, or by a lever.
  [[nodiscard]] std::optional<std::string> abort_requested(const std::string& run) const;
  // Why no run may start, with how to let them start again.
  [[nodiscard]] Result<> may_start() const;
  [[nodiscard]] const std::string& state_folder() const { return kept_; }

 private:
  std::string live_, kept_;
};

}  // namespace blackstart
