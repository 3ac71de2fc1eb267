// SPDX-License-Identifier: Apache-2.0
// Every metric the conductor leaves behind, in one table. What is not known has no sample, or the value
// a metric's help names for it; never 0.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "injector/record/outcome.h"

namespace blackstart {

struct MetricSample {
  std::map<std::string, std::string> labels;
  double value = 0;
};

struct Metric {
  const char* name;
  const char* type;    // gauge, counter
  const char* unit;    // "" : a plain number
  const char* labels;  // separated by blanks
  const char* help;
  std::vector<MetricSample> (*samples)(const Outcome& outcome);
};

const std::vector<Metric>& metrics_table();

// Prometheus text exposition, for the node_exporter's textfile collector.
[[nodiscard]] std::string prometheus_text(const Outcome& outcome);

}  // namespace blackstart
