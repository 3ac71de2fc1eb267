// SPDX-License-Identifier: Apache-2.0
#include "injector/record/score.h"

namespace blackstart {

bool hurt_before(const OutcomeService& service) {
  return service.before == Impact::kDown ||
         (service.before == Impact::kDegraded && service.observed == Impact::kDegraded);
}

Impact impact_of_run(const OutcomeService& service) {
  return hurt_before(service) ? Impact::kUnknown : service.observed;
}

Agreement agreement(const OutcomeService& service) {
  if (hurt_before(service)) return Agreement::kHurtBefore;
  const Impact predicted = service.predicted.impact, observed = service.observed;
  if (predicted == Impact::kUnknown || observed == Impact::kUnknown) return Agreement::kUnknown;
  if (predicted == observed) return Agreement::kAgrees;
  if (predicted == Impact::kUnaffected) return Agreement::kMissed;
  if (observed == Impact::kUnaffected) return Agreement::kFalseAlarm;
  return observed > predicted ? Agreement::kWorse : Agreement::kMilder;
}

PredictionScore score(const Outcome& outcome) {
  PredictionScore score;
  for (const auto& [name, service] : outcome.services) {
    switch (agreement(service)) {
      case Agreement::kUnknown:
        score.unknown.push_back(name);
        break;
      case Agreement::kHurtBefore:
        score.hurt_before.push_back(name);
        break;
      case Agreement::kMissed:
        score.missed.push_back(name);
        break;
      case Agreement::kFalseAlarm:
        score.false_alarms.push_back(name);
        break;
      case Agreement::kAgrees:
      case Agreement::kWorse:
      case Agreement::kMilder:
        score.hurt_as_predicted += service.observed != Impact::kUnaffected;
        break;
    }
  }
  const auto ratio = [&](size_t wrong) -> std::optional<double> {
    const double all = static_cast<double>(score.hurt_as_predicted + wrong);
    if (all == 0) return std::nullopt;
    return static_cast<double>(score.hurt_as_predicted) / all;
  };
  score.precision = ratio(score.false_alarms.size());
  score.recall = ratio(score.missed.size());
  return score;
}

}  // namespace blackstart
