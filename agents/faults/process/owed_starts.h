// SPDX-License-Identifier: Apache-2.0
// The services that faults killed on this host, in the journal until each is started again.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agents/contract/contract.pb.h"
#include "agents/contract/result.h"
#include "agents/faults/step_log.h"

namespace blackstart {

// Starts a service as its step says; idempotent.
using StartService = std::function<Result<>(const contract::Step::DownService&)>;

class OwedStarts {
 public:
  // `steps` is not owned; null: nothing is written down. `keeper`: the socket of the lab's, or "".
  OwedStarts(StepLog* steps, StartService start, std::string host, std::string keeper)
      : steps_(steps), start_(std::move(start)), host_(std::move(host)), keeper_(std::move(keeper)) {}

  // It runs, and is about to be killed: on disk when it returns. Known already: nothing changes. `active`: of
  // a unit, what is to be started with it.
  [[nodiscard]] Result<> owe(const std::string& fault, const contract::ProcessTarget& target,
                             const std::vector<std::string>& active = {});
  // It did not run when it would have been killed.
  void was_down(const std::string& fault, const std::string& service);
  // All that is owed was killed by now.
  void killed(int64_t moment_unix_ns);

  // Goes on after a failure and returns the first as kStranded; what failed is tried again next time.
  [[nodiscard]] Result<> start(const std::vector<std::string>& services);
  [[nodiscard]] Result<> start_all();

  [[nodiscard]] const std::vector<contract::DownReport>& reports() const { return reports_; }

 private:
  struct Owed {
    contract::Step::DownService what;
    uint64_t step = 0;
    size_t report = 0;
  };
  [[nodiscard]] bool knows(const std::string& service) const;
  contract::DownReport& report(const std::string& fault, const std::string& service,
                               contract::DownReport::State state);
  [[nodiscard]] Result<> start(const std::function<bool(const std::string&)>& meant);

  StepLog* steps_;
  StartService start_;
  std::string host_, keeper_;
  std::vector<contract::DownReport> reports_;
  std::vector<Owed> owed_;
};

}  // namespace blackstart
