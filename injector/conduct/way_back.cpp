// SPDX-License-Identifier: Apache-2.0
#include "injector/conduct/way_back.h"

#include <algorithm>

namespace blackstart {
namespace {

OutcomeReturn::State state_of(contract::DownReport::State state) {
  switch (state) {
    case contract::DownReport::STARTED:
      return OutcomeReturn::State::kStarted;
    case contract::DownReport::FAILED:
      return OutcomeReturn::State::kFailed;
    case contract::DownReport::WAS_DOWN:
      return OutcomeReturn::State::kWasDown;
    case contract::DownReport::LEFT:
      return OutcomeReturn::State::kLeft;
    default:
      return OutcomeReturn::State::kDown;
  }
}

bool says_nothing(const ProbeHistory::Sample& sample) {
  return sample.outcome == contract::Sample::UNKNOWN || sample.outcome == contract::Sample::MISSED;
}

// The first success of those that no failure follows.
UnixNs passes_since(const ProbeHistory& history, UnixNs after) {
  UnixNs since = 0;
  for (auto sample = history.samples().rbegin(); sample != history.samples().rend(); ++sample) {
    if (says_nothing(*sample)) continue;
    if (sample->scheduled < after || sample->outcome != contract::Sample::SUCCESS) break;
    since = sample->scheduled;
  }
  return since;
}

}  // namespace

bool stays_bad(const ImpactWatch::Checks& checks, const std::string& service, const std::string& host,
               UnixNs started) {
  return std::any_of(checks.begin(), checks.end(), [&](const auto& entry) {
    const auto& check = entry.second;
    if (check.service != service || check.host != host) return false;
    const auto& samples = check.history.samples();
    const auto last = std::find_if_not(samples.rbegin(), samples.rend(), says_nothing);
    return last != samples.rend() && last->scheduled >= started &&
           last->outcome == contract::Sample::FAILURE &&
           std::any_of(samples.begin(), samples.end(), [&](const ProbeHistory::Sample& sample) {
             return sample.scheduled < started && sample.outcome == contract::Sample::SUCCESS;
           });
  });
}

std::string several(const std::vector<std::string>& names) {
  constexpr size_t kMost = 3;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kMost); ++i) text += (i ? ", " : "") + names[i];
  return names.size() > kMost ? text + " and " + std::to_string(names.size() - kMost) + " more" : text;
}

bool has_check(const ImpactWatch::Checks& checks, const std::string& service, const std::string& host) {
  return std::any_of(checks.begin(), checks.end(), [&](const auto& entry) {
    return entry.second.service == service && entry.second.host == host;
  });
}

UnixNs well_since(const ImpactWatch::Checks& checks, const std::string& service, const std::string& host,
                  UnixNs started) {
  UnixNs all = 0;
  for (const auto& [name, check] : checks) {
    if (check.service != service || check.host != host) continue;
    const UnixNs since = passes_since(check.history, started);
    if (since == 0) return 0;
    all = std::max(all, since);
  }
  return all;
}

OutcomeReturn way_back(const contract::DownReport& down, const std::string& host,
                       const ImpactWatch::Checks& checks) {
  OutcomeReturn out;
  out.fault = down.fault();
  out.host = host;
  out.service = down.service();
  out.state = state_of(down.state());
  out.why = down.why();
  out.killed = down.killed_unix_ns();
  out.started = down.started_unix_ns();
  if (out.state != OutcomeReturn::State::kStarted) return out;
  out.well =
      has_check(checks, out.service, host) ? well_since(checks, out.service, host, out.started) : out.started;
  if (out.well != 0) out.state = OutcomeReturn::State::kWell;
  return out;
}

std::vector<OutcomeReturn> ways_back(const Reports& reports, const std::string& host,
                                     const std::string& service, const ImpactWatch::Checks& checks) {
  std::vector<OutcomeReturn> list;
  const auto report = reports.find(host);
  if (report == reports.end()) return list;
  for (const contract::DownReport& down : report->second.down())
    if (down.service() == service) list.push_back(way_back(down, host, checks));
  return list;
}

}  // namespace blackstart
