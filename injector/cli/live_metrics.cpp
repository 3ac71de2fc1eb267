// SPDX-License-Identifier: Apache-2.0
#include "injector/cli/live_metrics.h"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include <exception>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "agents/contract/host_port.h"
#include "injector/record/metrics_table.h"

namespace blackstart::cli {
namespace {

prometheus::MetricFamily family_of(const Metric& metric, const std::vector<MetricSample>& samples) {
  const bool counter = std::string_view(metric.type) == "counter";
  prometheus::MetricFamily family;
  family.name = metric.name;
  family.help = metric.help;
  family.type = counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
  for (const MetricSample& each : samples) {
    prometheus::ClientMetric& sample = family.metric.emplace_back();
    for (const auto& [key, value] : each.labels) sample.label.push_back({key, value});
    (counter ? sample.counter.value : sample.gauge.value) = each.value;
  }
  return family;
}

}  // namespace

class LiveMetrics::Families final : public prometheus::Collectable {
 public:
  void show(std::shared_ptr<const Outcome> outcome) {
    const std::lock_guard lock(mutex_);
    outcome_ = std::move(outcome);
  }

  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override {
    std::shared_ptr<const Outcome> outcome;
    {
      const std::lock_guard lock(mutex_);
      outcome = outcome_;
    }
    std::vector<prometheus::MetricFamily> families;
    if (!outcome) return families;
    for (const Metric& metric : metrics_table())
      if (const auto samples = metric.samples(*outcome); !samples.empty())
        families.push_back(family_of(metric, samples));
    return families;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Outcome> outcome_;
};

Result<std::unique_ptr<LiveMetrics>> LiveMetrics::make(const std::string& address) {
  if (!parse_host_port(address))
    return fail(ErrorKind::kInvalid, "serve metrics on", address, 0, "--metrics-listen takes ADDRESS:PORT");
  try {
    auto exposer = std::make_unique<prometheus::Exposer>(address, 1);
    auto families = std::make_shared<Families>();
    exposer->RegisterCollectable(families);
    return std::unique_ptr<LiveMetrics>(new LiveMetrics(std::move(exposer), std::move(families)));
  } catch (const std::exception&) {
    // The library does not say why.
    return fail(ErrorKind::kRefused, "serve metrics on", address, 0,
                "is the address this host's, and the port free?");
  }
}

LiveMetrics::LiveMetrics(std::unique_ptr<prometheus::Exposer> exposer, std::shared_ptr<Families> families)
    : families_(std::move(families)), exposer_(std::move(exposer)) {}

LiveMetrics::~LiveMetrics() = default;

uint16_t LiveMetrics::port() const {
  return static_cast<uint16_t>(exposer_->GetListeningPorts().front());
}

void LiveMetrics::show(const Outcome& outcome) {
  families_->show(std::make_shared<const Outcome>(outcome));
}

}  // namespace blackstart::cli
