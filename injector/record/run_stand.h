// SPDX-License-Identifier: Apache-2.0
// Where a run stands, as its conductor leaves it for others to read: RUN/stand of the run's live folder, one
// JSON object, written anew whenever any of it changes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "agents/contract/result.h"
#include "agents/contract/units.h"
#include "injector/plan/plan.h"

namespace blackstart {

// Killed instances that come back once a person says so.
struct ReturnWait {
  std::string stage;                  // "stage 2 of 6 (cache)"
  std::vector<PlanReturn> instances;  // not empty
  UnixNs until = 0;                   // then the conductor starts them all the same

  [[nodiscard]] std::string command() const;  // "blackstart return photos"
  // "stage 2 of 6 (cache) waits for somebody: blackstart return photos (or: cache, pangyo)"
  [[nodiscard]] std::string text() const;
  bool operator==(const ReturnWait& other) const;
};
[[nodiscard]] nlohmann::json json_of(const ReturnWait& wait);

struct RunStand {
  std::string phase, detail;
  UnixNs since = 0;      // when the phase began
  Duration expected{0};  // how long it is meant to take; 0: until it is done
  std::optional<ReturnWait> wait;
};

[[nodiscard]] Result<> write_stand(const std::string& file, const RunStand& stand);
// nullopt: nobody wrote it, or it is not one.
[[nodiscard]] std::optional<RunStand> read_stand(const std::string& file);

}  // namespace blackstart
