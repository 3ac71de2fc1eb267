// SPDX-License-Identifier: Apache-2.0
#include "injector/conduct/gates.h"

#include <algorithm>

namespace blackstart {
namespace {

// How long a gate waits for answers that are still under way; what is missing then is missing.
constexpr Duration kPatience = std::chrono::seconds(5);

std::string describe(const Gate& gate) {
  std::string probes;
  for (const std::string& probe : gate.probes) probes += (probes.empty() ? "" : ", ") + probe;
  return "at " + format_duration(gate.at) + ": " + probes + " " + gate.Demand::text();
}

}  // namespace

Gates::Gates(const std::vector<Gate>& gates) {
  for (const Gate& gate : gates) open_.push_back({gate, {describe(gate), std::nullopt, std::nullopt}});
  std::stable_sort(open_.begin(), open_.end(),
                   [](const Open& a, const Open& b) { return a.gate.at < b.gate.at; });
}

void Gates::judge(const Histories& histories, UnixNs fired, UnixNs now,
                  const std::function<void(const OutcomeGate&)>& told) {
  for (Open& open : open_) {
    if (open.outcome.passed == std::optional(true)) continue;
    if (open.outcome.passed) return;  // what stands behind a failed gate is not asked any more
    const UnixNs due = fired + open.gate.at.count();
    if (now < due) return;
    bool passed = true;
    for (const std::string& probe : open.gate.probes) {
      const auto history = histories.find(probe);
      const bool settled = history != histories.end() && history->second.settled() >= due;
      if (!settled && now < due + kPatience.count()) return;
      const auto seen = look(open.gate, probe, histories, due - open.gate.over.count(), due);
      passed = passed && settled && seen && seen->holds &&
               !has_hole(history->second, due - open.gate.over.count(), due);
    }
    open.outcome.passed = passed;
    open.outcome.at = Duration(now - fired);
    told(open.outcome);
  }
}

Duration Gates::horizon() const {
  for (const Open& open : open_)
    if (!open.outcome.passed.value_or(false)) return open.gate.at;
  return Duration::max();
}

bool Gates::failed() const {
  return std::any_of(open_.begin(), open_.end(),
                     [](const Open& open) { return open.outcome.passed == std::optional(false); });
}

std::vector<OutcomeGate> Gates::outcome() const {
  std::vector<OutcomeGate> outcomes;
  for (const Open& open : open_) outcomes.push_back(open.outcome);
  return outcomes;
}

}  // namespace blackstart
