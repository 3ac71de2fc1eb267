// SPDX-License-Identifier: Apache-2.0
#include "injector/conduct/stops.h"

#include <algorithm>

#include "agents/contract/totals.h"

namespace blackstart {
namespace {

constexpr Duration kClockSlack = std::chrono::milliseconds(500);  // a clock that is slewed is not set
constexpr double kLostShare = 0.10;                               // more agents lost than this end the run

}  // namespace

std::optional<std::pair<const Guard*, std::string>> first_breach(const Drill& drill, const Learned& learned,
                                                                 const Fleet& fleet, UnixNs now) {
  PacketTotals packets;
  for (const auto& [host, report] : fleet.reports()) packets.add(report);
  const GuardFacts facts{learned.impact.unexpected(drill.plan.predicted, now), packets.leaked, fleet.size(),
                         fleet.lost().size(), learned.impact.blind(now)};
  for (const Guard& guard : drill.experiment.guards)
    if (auto why = breach(guard, learned.histories, now, facts)) return std::pair(&guard, std::move(*why));
  return std::nullopt;
}

std::optional<EarlyEnd> clock_was_set(Duration set) {
  if (std::chrono::abs(set) < kClockSlack) return std::nullopt;
  return EarlyEnd{"the clock of this machine was set " + std::string(set < Duration{0} ? "back" : "forward") +
                      " by " + format_duration(std::chrono::abs(set)),
                  "clock-set",
                  {{"by", seconds(set)}}};
}

std::optional<EarlyEnd> agents_lost(const Experiment& experiment, const Fleet& fleet) {
  if (std::any_of(experiment.guards.begin(), experiment.guards.end(),
                  [](const Guard& guard) { return guard.agents_lost.has_value(); }))
    return std::nullopt;
  if (static_cast<double>(fleet.lost().size()) <= kLostShare * static_cast<double>(fleet.size()))
    return std::nullopt;
  const auto& [host, why] = *fleet.lost().begin();
  return EarlyEnd{std::to_string(fleet.lost().size()) + " of " + std::to_string(fleet.size()) +
                      " agents do not answer, first " + host,
                  "agents-lost",
                  {{"agents", fleet.lost().size()}, {"first", host}, {"why", why}}};
}

}  // namespace blackstart
