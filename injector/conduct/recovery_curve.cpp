// SPDX-License-Identifier: Apache-2.0
#include "injector/conduct/recovery_curve.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace blackstart {
namespace {

constexpr int64_t kSecond = Duration(std::chrono::seconds(1)).count();

// [0]: before the cut; [n]: in the nth second after it.
using Wells = std::vector<bool>;

Wells wells_of(const ProbeHistory& history, UnixNs cut, size_t seconds) {
  enum Answer : char { kNotAsked, kPassed, kFailed };
  std::vector<Answer> answers(seconds + 1, kNotAsked);
  for (const ProbeHistory::Sample& sample : history.samples()) {
    if (sample.outcome != contract::Sample::SUCCESS && sample.outcome != contract::Sample::FAILURE) continue;
    const Answer answer = sample.outcome == contract::Sample::SUCCESS ? kPassed : kFailed;
    if (sample.scheduled <= cut - kSecond) {
      answers[0] = answer;
    } else if (sample.scheduled > cut) {
      const auto second = static_cast<size_t>((sample.scheduled - cut - 1) / kSecond + 1);
      if (second <= seconds) answers[second] = std::max(answers[second], answer);
    }
  }
  Wells wells;
  bool well = false;
  for (const Answer answer : answers) {
    if (answer != kNotAsked) well = answer == kPassed;
    wells.push_back(well);
  }
  return wells;
}

// Those that were well before the cut; each is well where all of its checks are.
template <typename Name>
void join(std::map<Name, Wells>& all, const Name& name, const Wells& wells) {
  const auto [known, first] = all.try_emplace(name, wells);
  if (first) return;
  for (size_t i = 0; i < wells.size(); ++i) known->second[i] = known->second[i] && wells[i];
}
void keep_well_before(std::map<std::string, Wells>& all) {
  std::erase_if(all, [](const auto& entry) { return !entry.second[0]; });
}

}  // namespace

OutcomeRecovery recovery_curve(const ImpactWatch::Checks& checks, const Topology& topology,
                               const RunTimes& times) {
  OutcomeRecovery out;
  if (times.fired == 0 || times.ended < times.fired) return out;
  const auto seconds = static_cast<size_t>((times.ended - times.fired) / kSecond);
  std::map<std::string, Wells> services, hosts;
  std::map<std::pair<std::string, std::string>, Wells> instances;  // service, host
  for (const auto& [name, check] : checks) {
    const Wells wells = wells_of(check.history, times.fired, seconds);
    join(services, check.service, wells);
    join(instances, {check.service, check.host}, wells);
    if (!check.host.empty()) join(hosts, check.host, wells);
  }
  keep_well_before(services);
  keep_well_before(hosts);
  for (const auto& [name, wells] : instances) {
    if (!wells.front() || wells.back() || !(services.contains(name.first) || hosts.contains(name.second)))
      continue;
    const auto host = topology.hosts.find(name.second);
    out.not_back.push_back({name.first, name.second, host == topology.hosts.end() ? "" : host->second.site});
  }
  if (services.empty() && hosts.empty()) return out;

  out.services = services.size();
  for (const auto& [host, wells] : hosts) ++out.hosts[topology.hosts.at(host).site];
  for (size_t second = 1; second <= seconds; ++second) {
    OutcomeRecovery::Point point;
    point.at = times.fired + static_cast<int64_t>(second - 1) * kSecond;
    for (const auto& [site, count] : out.hosts) point.hosts[site] = 0;
    for (const auto& [service, wells] : services) point.services += wells[second] ? 1 : 0;
    for (const auto& [host, wells] : hosts)
      point.hosts[topology.hosts.at(host).site] += wells[second] ? 1 : 0;
    const bool changed = out.curve.empty() || out.curve.back().services != point.services ||
                         out.curve.back().hosts != point.hosts;
    if (changed) out.curve.push_back(std::move(point));
  }
  return out;
}

}  // namespace blackstart
