// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <sstream>

#include "injector/record/metrics_table.h"

namespace blackstart {
namespace {

std::string escaped(const std::string& value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  std::ostringstream text;
  text.precision(17);
  text << value;
  return text.str();
}

}  // namespace

std::string prometheus_text(const Outcome& outcome) {
  std::string out;
  for (const Metric& metric : metrics_table()) {
    const auto samples = metric.samples(outcome);
    if (samples.empty()) continue;
    out += std::string("# HELP ") + metric.name + " " + metric.help + "\n# TYPE " + metric.name + " " +
           metric.type + "\n";
    for (const MetricSample& sample : samples) {
      std::string labels;
      for (const auto& [key, value] : sample.labels)
        labels += (labels.empty() ? "" : ",") + key + "=\"" + escaped(value) + "\"";
      out += metric.name + ("{" + labels + "} ") + number(sample.value) + "\n";
    }
  }
  return out;
}

}  // namespace blackstart
