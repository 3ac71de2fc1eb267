// SPDX-License-Identifier: Apache-2.0
// docs/metrics.md is made from the tables the metrics are made from. BLACKSTART_WRITE_DOCS=1 writes it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "agents/daemon/exposition.h"
#include "injector/record/metrics_table.h"

namespace blackstart {
namespace {

const std::string kFile = BLACKSTART_SOURCE_DIR "/docs/metrics.md";

std::string row(const std::string& name, const std::string& type, const std::string& labels,
                const std::string& help) {
  return "| `" + name + (labels.empty() ? "" : "{" + labels + "}") + "` | " + type + " | " + help + " |\n";
}

std::string metrics_page() {
  std::string page =
      "<!-- SPDX-License-Identifier: Apache-2.0 -->\n"
      "# Metrics\n\n"
      "## Agents\n\n"
      "Every agent serves these on `/metrics` (`--metrics-listen`; in a lab port 9464 of every host).\n\n"
      "| metric | type | meaning |\n|---|---|---|\n";
  for (const AgentMetric& metric : agent_metrics()) {
    std::string labels;
    for (const char* label : metric.labels) labels += (labels.empty() ? "" : ",") + std::string(label);
    page +=
        row(metric.name, metric.type == AgentMetric::Type::kGauge ? "gauge" : "counter", labels, metric.help);
  }
  page +=
      "\n## Runs\n\n"
      "`blackstart run --metrics FILE.prom` leaves these for node_exporter's textfile collector. "
      "`--metrics-listen\n"
      "ADDRESS:PORT` serves them on `/metrics` while the run lasts, as they are at that moment: what is only "
      "known\n"
      "at the end (verdicts, times, objectives) is absent until then.\n\n"
      "| metric | type | meaning |\n|---|---|---|\n";
  for (const Metric& metric : metrics_table()) {
    std::string labels = metric.labels;
    for (char& c : labels)
      if (c == ' ') c = ',';
    page += row(metric.name, metric.type, labels, metric.help);
  }
  return page;
}

TEST(Docs, MetricsPageIsWhatTheTablesSay) {
  if (std::getenv("BLACKSTART_WRITE_DOCS")) std::ofstream(kFile, std::ios::trunc) << metrics_page();
  std::stringstream text;
  text << std::ifstream(kFile).rdbuf();
  EXPECT_EQ(text.str(), metrics_page()) << "BLACKSTART_WRITE_DOCS=1 docs_test writes the page anew";
}

}  // namespace
}  // namespace blackstart
