// SPDX-License-Identifier: Apache-2.0
#include "injector/conduct/gray.h"

#include <algorithm>

#include "agents/contract/host_port.h"

namespace blackstart {
namespace {

// Of "http://orders.lab:8080/path" and "https://[fd00::1]/".
std::optional<HostPort> door_of(const std::string& url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string::npos) return std::nullopt;
  std::string place = url.substr(scheme + 3);
  place.resize(std::min(place.size(), place.find_first_of("/?#")));
  place.erase(0, place.rfind('@') == std::string::npos ? 0 : place.rfind('@') + 1);
  const auto with_port = parse_host_port(place);
  return with_port ? with_port : parse_host_port(place + (url.starts_with("https") ? ":443" : ":80"));
}

}  // namespace

std::optional<std::string> service_behind(const Topology& topology, const contract::Probe& probe) {
  std::optional<HostPort> door;
  if (probe.has_http()) door = door_of(probe.http().url());
  if (probe.has_tcp()) door = HostPort{probe.tcp().host(), static_cast<int>(probe.tcp().port())};
  if (!door) return std::nullopt;
  const std::vector<Address> addresses = topology.resolve(door->host);
  for (const auto& [name, service] : topology.services) {
    for (const Endpoint& endpoint : service.endpoints)
      if (endpoint.name == door->host && endpoint.port == door->port) return name;
    for (const Instance& instance : service.instances) {
      const auto host = topology.hosts.find(instance.host);
      if (!instance.port || *instance.port != door->port || host == topology.hosts.end()) continue;
      for (const Address& address : host->second.addresses)
        if (std::find(addresses.begin(), addresses.end(), address) != addresses.end()) return name;
    }
  }
  return std::nullopt;
}

void fill_gray(const Topology& topology, const Experiment& experiment, const ImpactWatch& impact,
               const Histories& histories, const RunTimes& times, Outcome& outcome) {
  constexpr int64_t kSecond = Duration(std::chrono::seconds(1)).count();
  if (times.fired == 0) return;
  for (const ProbeSpec& spec : experiment.probes) {
    const auto service = service_behind(topology, spec.probe);
    const auto history = histories.find(spec.probe.name());
    if (!service || history == histories.end()) continue;
    OutcomeGray longest{*service, spec.probe.name(), 0, 0};
    UnixNs from = 0, known = 0;
    for (UnixNs second = times.fired; second + kSecond <= times.ended; second += kSecond) {
      const auto count = history->second.count(second, second + kSecond);
      const Impact state = impact.observed(*service, second, second + kSecond);
      if (count.attempts == 0 || state == Impact::kUnknown) continue;
      if (Duration(second - known) > longest_pause(history->second)) from = 0;
      known = second + kSecond;
      if (state != Impact::kUnaffected || count.failures < count.attempts) {
        from = 0;
        continue;
      }
      if (from == 0) from = second;
      if (second + kSecond - from > longest.to - longest.from) {
        longest.from = from;
        longest.to = second + kSecond;
      }
    }
    if (longest.to - longest.from >= kLeastGray.count()) outcome.gray.push_back(std::move(longest));
  }
}

}  // namespace blackstart
