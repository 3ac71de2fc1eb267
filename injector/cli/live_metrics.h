// SPDX-License-Identifier: Apache-2.0
// The metrics of a run on /metrics for Prometheus, while it lasts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agents/contract/result.h"
#include "injector/record/outcome.h"

namespace prometheus {
class Exposer;
}

namespace blackstart::cli {

class LiveMetrics {
 public:
  // "ADDRESS:PORT", "[ADDRESS]:PORT"; port 0 takes a free one. kInvalid: it is no address; kRefused: it
  // cannot be had. Serves until it is destroyed, which takes up to two seconds: the web server looks up that
  // seldom.
  [[nodiscard]] static Result<std::unique_ptr<LiveMetrics>> make(const std::string& address);
  ~LiveMetrics();
  LiveMetrics(const LiveMetrics&) = delete;
  LiveMetrics& operator=(const LiveMetrics&) = delete;

  [[nodiscard]] uint16_t port() const;
  // What every scrape tells from now on; before the first, it tells nothing.
  void show(const Outcome& outcome);

 private:
  class Families;
  LiveMetrics(std::unique_ptr<prometheus::Exposer> exposer, std::shared_ptr<Families> families);

  std::shared_ptr<Families> families_;
  std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace blackstart::cli
