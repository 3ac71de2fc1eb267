// SPDX-License-Identifier: Apache-2.0
// What an agent did to the host that would outlive it, on disk before it is done.
//
//   auto folder = StateFolder::claim("/var/lib/blackstart");
//   auto journal = Journal::open(*folder, {boot_id(), netns});
//   journal->begin("run-1");                   // arming
//   auto id = journal->record(step);           // record → fsync → now the kernel may be touched
//   journal->taken_back(*id);                  // reverting
//   journal->end();                            // nothing stands: the file is its header again
//
// Invariants:
//   1. A step is on disk before record() returns its id. What fails records nothing, and says why.
//   2. A step stands until it is said to be taken back. That word may be lost in a crash: taking back
//      is idempotent, so the worst is to look for a thing that is gone.
//   3. Every prefix of the file is a journal: a torn or garbled tail is cut off, everything before it
//      counts. A step whose record was torn was never done.
//   4. Firing, renewing and expiring write nothing. A fault on processes writes, at its start, whom it is
//      about to hit, since that is not known before.
//   5. One file, STATE/journal, one writer: whoever has claimed the folder.
//
//   what the file holds                   at the next start
//   nothing, or part of a header          nothing stands
//   a header and whole frames             the steps not taken back stand, oldest first
//   ... of another boot or namespace      they stand, and say so: see StandingStep::still_there()
//   ... then anything else                the tail is cut off and logged
//   a newer version, or no journal        refused: nothing is guessed about it
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agents/faults/step_log.h"
#include "agents/kernel/fd.h"
#include "agents/runtime/journal.pb.h"
#include "agents/runtime/state_folder.h"

namespace blackstart {

// Where the kernel keeps what a step made.
struct Place {
  std::string boot_id;
  uint64_t netns = 0;  // inode of the network namespace

  bool operator==(const Place&) const = default;
};

struct StandingStep {
  uint64_t id = 0;
  contract::Step step;
  Place place;      // where it was done
  std::string run;  // for whom

  // False: what it made went with its boot or its network namespace.
  [[nodiscard]] bool still_there(const Place& here) const;
};

class Journal final : public StepLog {
 public:
  // Reads what stands and cuts a torn tail off. `folder` stays claimed for as long as this lives.
  static Result<std::unique_ptr<Journal>> open(const StateFolder& folder, Place here);

  // What stands in the journal of a folder, be it in use or not; changes nothing. ENOENT: there is none.
  static Result<std::vector<StandingStep>> look(const std::string& folder);

  // The steps recorded from now on belong to `run`. On disk when it returns.
  [[nodiscard]] Result<> begin(const std::string& run);
  Result<uint64_t> record(const contract::Step& step) override;
  // Never fails: a word that cannot be written is logged, and lost as in a crash.
  Result<> taken_back(uint64_t step) override;
  // Empties the file if nothing stands; otherwise leaves it for the reaper.
  [[nodiscard]] Result<> end();

  [[nodiscard]] const std::vector<StandingStep>& standing() const { return standing_; }
  [[nodiscard]] const Place& here() const { return here_; }

 private:
  Journal(Fd file, std::string path, Place here)
      : file_(std::move(file)), path_(std::move(path)), here_(std::move(here)) {}
  Result<> append(const journal::Entry& entry, bool sync);
  Result<> cut(size_t length);
  void replay(const std::vector<journal::Entry>& entries);

  Fd file_;
  std::string path_;
  Place here_;
  std::string run_;
  std::vector<StandingStep> standing_;
  size_t end_ = 0;  // of the last whole frame
  uint64_t last_id_ = 0;
};

}  // namespace blackstart
