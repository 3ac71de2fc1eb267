// SPDX-License-Identifier: Apache-2.0
#include "injector/conduct/impact_watch.h"

#include <algorithm>
#include <array>

namespace blackstart {
namespace {

constexpr Duration kEvery = std::chrono::seconds(1);
constexpr Duration kTimeout = std::chrono::milliseconds(900);

std::string bracketed(const Address& address) {
  return address.v6 ? "[" + address.text() + "]" : address.text();
}

void set_check(const ServiceCheck& check, const Address& address, uint16_t port, contract::Probe& probe) {
  if (const auto* http = std::get_if<ServiceCheck::Http>(&check.how)) {
    probe.mutable_http()->set_url("http://" + bracketed(address) + ":" + std::to_string(port) + http->path);
    probe.mutable_http()->set_status(http->status);
  } else if (const auto* dns = std::get_if<ServiceCheck::Dns>(&check.how)) {
    probe.mutable_dns()->set_name(dns->name);
    probe.mutable_dns()->set_server(bracketed(address) + ":" + std::to_string(port));
  } else {
    probe.mutable_tcp()->set_host(address.text());
    probe.mutable_tcp()->set_port(port);
  }
}

std::string choose_viewpoint(const Topology& topology, const Plan& plan) {
  for (const auto& [name, host] : topology.hosts)
    if (topology.sites.at(host.site).outside) return name;
  for (const auto& [name, host] : topology.hosts) {
    const bool cut = std::any_of(plan.targets.begin(), plan.targets.end(),
                                 [&](const PlanTarget& target) { return target.cut && target.host == name; });
    if (!cut) return name;
  }
  return {};
}

}  // namespace

ImpactWatch::ImpactWatch(const Topology& topology, const Plan& plan)
    : viewpoint_(choose_viewpoint(topology, plan)) {
  if (viewpoint_.empty()) return;
  const auto watch = [&](const Service& service, const std::string& host, const Address& address,
                         uint16_t port) {
    contract::Probe probe;
    probe.set_name("check:" + service.name + ":" + (host.empty() ? bracketed(address) : host) + ":" +
                   std::to_string(port));
    probe.set_every_ns(kEvery.count());
    probe.set_timeout_ns(kTimeout.count());
    set_check(service.check, address, port, probe);
    checks_of_[service.name].push_back(probe.name());
    checks_[probe.name()] = {service.name, host, ProbeHistory()};
    probes_.push_back(std::move(probe));
  };
  for (const auto& [name, service] : topology.services) {
    for (const Instance& instance : service.instances) {
      const auto host = topology.hosts.find(instance.host);
      if (instance.port && host != topology.hosts.end() && !host->second.addresses.empty())
        watch(service, instance.host, host->second.addresses.front(), *instance.port);
    }
    if (!service.instances.empty()) continue;
    for (const Endpoint& endpoint : service.endpoints)
      for (const Address& address : topology.resolve(endpoint.name))
        watch(service, "", address, endpoint.port);
  }
}

void ImpactWatch::add(const contract::Sample& sample) {
  if (const auto found = checks_.find(sample.probe()); found != checks_.end())
    found->second.history.add(sample);
}

Impact ImpactWatch::observed(const std::string& service, UnixNs from, UnixNs to) const {
  const auto checks = checks_of_.find(service);
  if (checks == checks_of_.end() || from == 0) return Impact::kUnknown;
  std::array<int, 3> seconds_in{};  // by Impact
  for (UnixNs second = from; second + kEvery.count() <= to; second += kEvery.count()) {
    size_t well = 0, asked = 0;
    for (const std::string& check : checks->second) {
      const auto count = checks_.at(check).history.count(second, second + kEvery.count());
      if (count.attempts == 0) continue;
      ++asked;
      if (count.failures == 0) ++well;
    }
    if (asked < checks->second.size()) continue;  // an instance nobody could ask: this second says nothing
    const Impact state = well == asked ? Impact::kUnaffected : well == 0 ? Impact::kDown : Impact::kDegraded;
    ++seconds_in[static_cast<size_t>(state)];
  }
  int most = 0;
  Impact state = Impact::kUnknown;
  for (const Impact candidate : {Impact::kDown, Impact::kDegraded, Impact::kUnaffected}) {
    const int held = seconds_in[static_cast<size_t>(candidate)];
    if (held > most) {
      most = held;
      state = candidate;
    }
  }
  return state;
}

bool ImpactWatch::blind(UnixNs now) const {
  return !checks_.empty() && std::all_of(checks_.begin(), checks_.end(), [now](const auto& check) {
    return check.second.history.silent(now);
  });
}

size_t ImpactWatch::unexpected(const std::map<std::string, PredictedImpact>& predicted, UnixNs now) const {
  constexpr Duration kLately = std::chrono::seconds(5);
  constexpr Duration kUnderWay = std::chrono::seconds(1);
  return static_cast<size_t>(std::count_if(predicted.begin(), predicted.end(), [&](const auto& entry) {
    if (entry.second.impact != Impact::kUnaffected) return false;
    const UnixNs to = now - kUnderWay.count();
    const Impact state = observed(entry.first, to - kLately.count(), to);
    return state == Impact::kDegraded || state == Impact::kDown;
  }));
}

}  // namespace blackstart
