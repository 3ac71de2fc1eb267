// SPDX-License-Identifier: Apache-2.0
// The agent's /metrics for Prometheus, computed from its HostReport at every scrape.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agents/contract/contract.pb.h"
#include "agents/contract/result.h"

namespace prometheus {
class Exposer;
}

namespace blackstart {

// One metric an agent exports. What is not known has no sample; a site without a name, which is
// everything outside the topology, is "outside".
struct AgentMetric {
  enum class Type { kGauge, kCounter };
  const char* name;
  Type type;
  const char* help;
  std::vector<const char*> labels;
};

// Every metric of an agent, in the order of the exposition.
std::span<const AgentMetric> agent_metrics();

class MetricsServer {
 public:
  // "ADDRESS:PORT", "[ADDRESS]:PORT" or "PORT"; port 0 takes a free one. Serves until it is
  // destroyed, which takes up to two seconds: the web server looks up that seldom.
  [[nodiscard]] static Result<std::unique_ptr<MetricsServer>> make(const std::string& listen_address);
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  [[nodiscard]] uint16_t port() const;

  // Asked at every scrape, on a thread of the server, one scrape at a time. After it was replaced (an
  // empty one is allowed) the old provider is no longer in use.
  void set_provider(std::function<contract::HostReport()> provider);

 private:
  class Families;
  MetricsServer(std::unique_ptr<prometheus::Exposer> exposer, std::shared_ptr<Families> families);

  std::shared_ptr<Families> families_;
  std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace blackstart
