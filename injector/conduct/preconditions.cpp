// SPDX-License-Identifier: Apache-2.0
#include "injector/conduct/preconditions.h"

#include <algorithm>

#include "injector/conduct/fleet.h"
#include "injector/experiment/calendar.h"

namespace blackstart {
namespace {

using namespace std::chrono_literals;

constexpr Duration kTick = 50ms;
constexpr Duration kSlack = 3s;  // beyond the timeout of a check, for its answer to come in

// Keeps the first red precondition, and tells of all.
class Verdicts {
 public:
  explicit Verdicts(const PreconditionTold& told) : told_(told) {}

  // why "": it holds.
  void add(const Precondition& condition, const std::string& why) {
    told_({.precondition = condition.text, .purpose = condition.why, .answer = why, .met = why.empty()});
    if (!why.empty() && first_)
      first_ = fail(ErrorKind::kRefused, "start: a precondition is red:",
                    condition.text + (condition.why.empty() ? "" : " (" + condition.why + ")"), 0, why);
  }
  [[nodiscard]] Result<> result() const { return first_; }

 private:
  const PreconditionTold& told_;
  Result<> first_;
};

// "" when the check succeeds; else why it does not.
std::string ask(const ProbeSpec& spec, Channel& channel, const ConductOptions& options) {
  Fleet fleet(channel, options.run, {}, {{place_of(spec), {spec.probe}}});
  if (auto ok = fleet.start_probes(); !ok) return ok.error().message();
  std::optional<std::string> answer;
  const UnixNs until = options.now() + spec.probe.timeout_ns() + kSlack.count();
  while (!answer && options.now() < until && !(options.abort_requested && options.abort_requested())) {
    options.sleep(kTick);
    fleet.collect(Duration{0}, [&](const contract::Sample& sample) {
      if (sample.probe() == spec.probe.name() && sample.outcome() != contract::Sample::UNKNOWN && !answer)
        answer = sample.outcome() == contract::Sample::SUCCESS ? "" : sample.reason();
    });
  }
  fleet.stop_probes();
  return answer.value_or("no answer from " + place_of(spec));
}

}  // namespace

std::string place_of(const ProbeSpec& spec) {
  return spec.from.empty() ? kOwnPlace : spec.from;
}

bool asks_from_own_place(const Experiment& experiment) {
  const auto there = [](const ProbeSpec& spec) { return spec.from.empty(); };
  const auto checks_there = [&](const Precondition& condition) {
    return condition.check && there(*condition.check);
  };
  return std::any_of(experiment.probes.begin(), experiment.probes.end(), there) ||
         std::any_of(experiment.records.begin(), experiment.records.end(),
                     [&](const RecordsSpec& records) { return there(records.write); }) ||
         std::any_of(experiment.guards.begin(), experiment.guards.end(),
                     [&](const Guard& guard) { return guard.query && there(*guard.query); }) ||
         std::any_of(experiment.preconditions.begin(), experiment.preconditions.end(), checks_there) ||
         (experiment.no_incident && checks_there(*experiment.no_incident));
}

Result<> check_windows(const Windows& windows, UnixNs now, Duration length, const std::string& override_why,
                       const PreconditionTold& told) {
  if (!windows.any()) return {};
  const auto calendar = Calendar::make(windows);
  if (!calendar) return tl::unexpected(calendar.error());
  const std::string standing = standing_text(*calendar, now, length);
  const bool open = calendar->next_opening(now, length) == std::optional(now);
  told({.precondition = kWindowsPrecondition,
        .answer = standing,
        .met = open,
        .overridden = open ? "" : override_why});
  if (open || !override_why.empty()) return {};
  return fail(ErrorKind::kRefused, "start: no drill may run now:", standing, 0,
              "--override-window WHY starts it all the same, and is recorded");
}

Result<> ask_preconditions(const Experiment& experiment, Channel& channel, const ConductOptions& options,
                           const PreconditionTold& told) {
  Verdicts verdicts(told);
  if (const auto& incident = experiment.no_incident)
    verdicts.add(*incident, ask(*incident->check, channel, options));
  for (const Precondition& condition : experiment.preconditions)
    if (condition.check) verdicts.add(condition, ask(*condition.check, channel, options));
  return verdicts.result();
}

Result<> judge_preconditions(const Experiment& experiment, const Histories& histories, UnixNs until,
                             const PreconditionTold& told) {
  Verdicts verdicts(told);
  for (const Precondition& condition : experiment.preconditions) {
    if (condition.check) continue;
    const auto seen =
        look(condition.demand, condition.probe, histories, until - condition.demand.over.count(), until);
    verdicts.add(condition, !seen ? "no data from probe " + condition.probe : seen->holds ? "" : seen->text);
  }
  return verdicts.result();
}

}  // namespace blackstart
