// SPDX-License-Identifier: Apache-2.0
// Takes what an Alertmanager tells a webhook (its version 4), at any path, while a run lasts.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agents/contract/result.h"
#include "injector/conduct/conduct.h"

namespace blackstart::cli {

// The firing alerts of one notification, as marks of the moment `at`; nullopt: it is none. One that does not
// say when it began is taken to have begun before every cut.
struct Alert {
  SaidMark said;
  std::string identity;  // the same in every notification about it
};
[[nodiscard]] std::optional<std::vector<Alert>> read_alerts(const std::string& body, UnixNs at);

class AlertListener {
 public:
  // "ADDRESS:PORT", "[ADDRESS]:PORT"; port 0 takes a free one. Listens until it is destroyed.
  [[nodiscard]] static Result<std::unique_ptr<AlertListener>> make(const std::string& address);
  ~AlertListener();
  AlertListener(const AlertListener&) = delete;
  AlertListener& operator=(const AlertListener&) = delete;

  [[nodiscard]] uint16_t port() const;
  // Alerts that fired since the last time; however often one is told, it is there once.
  [[nodiscard]] std::vector<SaidMark> take();

 private:
  class Server;
  explicit AlertListener(std::unique_ptr<Server> server);

  std::unique_ptr<Server> server_;
};

}  // namespace blackstart::cli
