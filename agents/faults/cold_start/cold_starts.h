// SPDX-License-Identifier: Apache-2.0
// The cold starts of an order: at its moment each has the lab's keeper start a fresh instance of a service on
// this host, and reports what became of it. A fresh instance lives until the revert, or until the agent is
// dead: the keeper ends it with the connection.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agents/faults/fault.h"
#include "agents/kernel/fd.h"
#include "agents/kernel/timer.h"

namespace blackstart {

class ColdStarts : public FaultFamily {
 public:
  // The socket of the lab's keeper; "": there is none, and an order with cold starts is not armed (kMissing).
  static Result<std::unique_ptr<ColdStarts>> make(std::string keeper);

 private:
  struct Start {
    contract::ColdStart ordered;
    Fd keeper;  // valid: started, or being started
    contract::ColdStartReport report;
  };

  explicit ColdStarts(std::string keeper) : keeper_(std::move(keeper)) {}

  Result<> do_arm(const contract::Order& order) override;
  Result<> do_fire(int64_t t0, const Word& word) override;
  Result<> do_renew(const Word& word) override;
  void do_observe(contract::HostReport& report) const override;
  Result<> do_revert() override;
  Result<> do_lift() override { return {}; }  // what is being tried goes on
  int do_wake_fd() const override { return wake_.get(); }
  Result<> do_wake() override;

  void begin(Start& start, int64_t now);
  void hear(Start& start);
  void set_timer() const;

  const std::string keeper_;
  std::string host_;
  std::vector<Start> starts_;
  Timer timer_;
  Fd wake_;         // readable when the timer or a connection is
  int64_t t0_ = 0;  // 0: not fired
  Word word_;
};

}  // namespace blackstart
