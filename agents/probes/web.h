// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <curl/curl.h>

#include <memory>

#include "agents/contract/result.h"
#include "agents/probes/loop.h"

namespace blackstart {

// A transfer libcurl carries out for someone.
class Transfer {
 public:
  virtual ~Transfer() = default;
  virtual void ended(CURLcode result) = 0;
};

// All transfers of the prober: one libcurl multi handle on the loop.
class Web final : private Watcher {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Web>> make(Loop& loop);
  ~Web() override;
  Web(const Web&) = delete;
  Web& operator=(const Web&) = delete;

  // Starts a transfer; its CURLOPT_PRIVATE is the Transfer told of its end. The handle stays the
  // caller's, who takes it back with remove() before destroying it, not from within ended().
  CURLMcode add(CURL* easy);
  void remove(CURL* easy);

 private:
  Web(Loop& loop, CURLM* multi) : loop_(loop), multi_(multi) {}
  void ready(int fd, uint32_t events) override;
  void alarm() override;
  void tell_ended();

  Loop& loop_;
  CURLM* const multi_;
};

}  // namespace blackstart
