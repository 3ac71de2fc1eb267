// SPDX-License-Identifier: Apache-2.0
#include "agents/daemon/exposition.h"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include <algorithm>
#include <array>
#include <exception>
#include <map>
#include <mutex>
#include <utility>

#include "agents/contract/units.h"

namespace blackstart {
namespace {

enum MetricId : size_t {
  kAgentUp,
  kFaultActive,
  kFaultPackets,
  kFaultBytes,
  kFaultLeaked,
  kProcessesKilled,
  kDeadlineRemaining,
  kResidueObjects,
  kLeverEngaged,
  kMetricCount,
};

using Type = AgentMetric::Type;

const std::array<AgentMetric, kMetricCount>& table() {
  static const std::array<AgentMetric, kMetricCount> metrics{{
      {"blackstart_agent_up", Type::kGauge, "1 while the agent answers", {}},
      {"blackstart_fault_active",
       Type::kGauge,
       "1 while the fault is in force on this host, read back from the kernel",
       {"experiment", "fault", "kind", "site", "agent"}},
      {"blackstart_fault_packets_total",
       Type::kCounter,
       "Packets the fault decided on",
       {"fault", "src_site", "dst_site", "verdict", "hook"}},
      {"blackstart_fault_bytes_total",
       Type::kCounter,
       "Bytes of the packets the fault decided on",
       {"fault", "src_site", "dst_site", "verdict", "hook"}},
      {"blackstart_fault_leaked_packets_total",
       Type::kCounter,
       "Packets between cut sites seen by an independent counter behind the drop; must stay 0",
       {"src_site", "dst_site"}},
      {"blackstart_processes_killed_total",
       Type::kCounter,
       "Processes the fault killed; respawn=\"yes\": at exec, before their first instruction",
       {"fault", "service", "respawn"}},
      {"blackstart_deadline_remaining_seconds",
       Type::kGauge,
       "Time until the fault ends by itself, whatever becomes of agent and conductor",
       {"fault"}},
      {"blackstart_residue_objects",
       Type::kGauge,
       "Kernel objects of ours on this host although no run holds it; must be 0",
       {"agent"}},
      {"blackstart_lever_engaged",
       Type::kGauge,
       "1 while the lever is engaged: runs end, and none starts",
       {}},
  }};
  return metrics;
}

std::string site_label(const std::string& site) {
  return site.empty() ? "outside" : site;
}

// "ebpf/tcx" and ingress: "tcx_ingress".
std::string hook_label(const std::string& engine, contract::Direction direction) {
  const std::string attachment = engine.substr(engine.find('/') + 1);
  switch (direction) {
    case contract::DIRECTION_INGRESS:
      return attachment + "_ingress";
    case contract::DIRECTION_EGRESS:
      return attachment + "_egress";
    default:
      return attachment;
  }
}

// Samples by metric and label values. The same labels twice, which Prometheus would reject, add up.
class Samples {
 public:
  void add(MetricId metric, std::vector<std::string> labels, double value) {
    values_[metric][std::move(labels)] += value;
  }

  [[nodiscard]] std::vector<prometheus::MetricFamily> families() const {
    std::vector<prometheus::MetricFamily> families;
    for (size_t id = 0; id < kMetricCount; ++id) {
      const AgentMetric& metric = table()[id];
      const bool counter = metric.type == Type::kCounter;
      prometheus::MetricFamily& family = families.emplace_back();
      family.name = metric.name;
      family.help = metric.help;
      family.type = counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
      for (const auto& [labels, value] : values_[id]) {
        prometheus::ClientMetric& sample = family.metric.emplace_back();
        for (size_t i = 0; i < labels.size(); ++i) sample.label.push_back({metric.labels.at(i), labels[i]});
        (counter ? sample.counter.value : sample.gauge.value) = value;
      }
    }
    return families;
  }

 private:
  std::array<std::map<std::vector<std::string>, double>, kMetricCount> values_;
};

void add_fault(const contract::HostReport& report, const contract::FaultReport& fault, Samples& samples) {
  const bool in_force = fault.state() == contract::FAULT_FIRING || fault.state() == contract::FAULT_STRANDED;
  samples.add(kFaultActive,
              {report.experiment(), fault.id(), fault.kind(), site_label(report.site()), report.host()},
              in_force);
  if (in_force && fault.end_unix_ns() != 0) {
    const int64_t left = std::max<int64_t>(0, fault.end_unix_ns() - unix_now());
    samples.add(kDeadlineRemaining, {fault.id()}, seconds(Duration(left)));
  }
  for (const contract::ProcessCount& count : fault.processes()) {
    samples.add(kProcessesKilled, {fault.id(), count.service(), "no"}, static_cast<double>(count.killed()));
    samples.add(kProcessesKilled, {fault.id(), count.service(), "yes"},
                static_cast<double>(count.respawns_killed()));
  }
  for (const contract::PacketCount& count : fault.packets()) {
    const std::vector<std::string> labels{fault.id(), site_label(count.src_site()),
                                          site_label(count.dst_site()), count.verdict(),
                                          hook_label(fault.engine(), count.direction())};
    samples.add(kFaultPackets, labels, static_cast<double>(count.packets()));
    samples.add(kFaultBytes, labels, static_cast<double>(count.bytes()));
  }
}

void add_host(const contract::HostReport& report, Samples& samples) {
  for (const contract::FaultReport& fault : report.faults()) add_fault(report, fault, samples);
  for (const contract::LeakReport& leak : report.leaks()) {
    samples.add(kFaultLeaked, {site_label(leak.src_site()), site_label(leak.dst_site())},
                static_cast<double>(leak.packets()));
  }
  samples.add(kResidueObjects, {report.host()}, report.residue_size());
  if (report.has_lever_engaged()) samples.add(kLeverEngaged, {}, report.lever_engaged());
}

}  // namespace

std::span<const AgentMetric> agent_metrics() {
  return table();
}

class MetricsServer::Families final : public prometheus::Collectable {
 public:
  void set_provider(std::function<contract::HostReport()> provider) {
    const std::lock_guard lock(mutex_);
    provider_ = std::move(provider);
  }

  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override {
    Samples samples;
    samples.add(kAgentUp, {}, 1);
    const std::lock_guard lock(mutex_);
    if (provider_) add_host(provider_(), samples);
    return samples.families();
  }

 private:
  mutable std::mutex mutex_;
  std::function<contract::HostReport()> provider_;
};

Result<std::unique_ptr<MetricsServer>> MetricsServer::make(const std::string& listen_address) {
  try {
    auto exposer = std::make_unique<prometheus::Exposer>(listen_address, 1);
    auto families = std::make_shared<Families>();
    exposer->RegisterCollectable(families);
    return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(exposer), std::move(families)));
  } catch (const std::exception&) {
    // The library does not say why.
    return fail(ErrorKind::kInternal, "serve metrics on", listen_address, 0,
                "is the address this host's, and the port free?");
  }
}

MetricsServer::MetricsServer(std::unique_ptr<prometheus::Exposer> exposer, std::shared_ptr<Families> families)
    : families_(std::move(families)), exposer_(std::move(exposer)) {}

MetricsServer::~MetricsServer() = default;

uint16_t MetricsServer::port() const {
  return static_cast<uint16_t>(exposer_->GetListeningPorts().front());
}

void MetricsServer::set_provider(std::function<contract::HostReport()> provider) {
  families_->set_provider(std::move(provider));
}

}  // namespace blackstart
