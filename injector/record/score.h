// SPDX-License-Identifier: Apache-2.0
// The prediction, judged. A service whose observation is unknown counts nowhere, nor does one that was no
// better before the cut.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "injector/record/outcome.h"

namespace blackstart {

enum class Agreement { kUnknown, kAgrees, kFalseAlarm, kMissed, kWorse, kMilder, kHurtBefore };

// Down before the cut, or degraded then and no worse since: what was seen of it is not what the run did.
[[nodiscard]] bool hurt_before(const OutcomeService& service);
// What was observed, as far as the run did it: unknown of what was hurt before.
[[nodiscard]] Impact impact_of_run(const OutcomeService& service);

// kWorse, kMilder: hurt as predicted, but more or less than predicted.
[[nodiscard]] Agreement agreement(const OutcomeService& service);

struct PredictionScore {
  uint64_t hurt_as_predicted = 0;
  std::vector<std::string> missed;        // hurt though predicted unaffected
  std::vector<std::string> false_alarms;  // well though predicted hurt
  std::vector<std::string> unknown;
  std::vector<std::string> hurt_before;
  std::optional<double> precision;  // of those predicted hurt, the share that was; nullopt: none predicted
  std::optional<double> recall;     // of those hurt, the share that was predicted; nullopt: none hurt
};
[[nodiscard]] PredictionScore score(const Outcome& outcome);

}  // namespace blackstart
