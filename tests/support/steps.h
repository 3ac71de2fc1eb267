// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>

#include "agents/faults/step_log.h"

namespace blackstart::test {

// A journal in memory.
class Steps final : public StepLog {
 public:
  Result<uint64_t> record(const contract::Step& step) override {
    open[++last_] = step;
    return last_;
  }
  Result<> taken_back(uint64_t step) override {
    open.erase(step);
    return {};
  }
  std::map<uint64_t, contract::Step> open;

 private:
  uint64_t last_ = 0;
};

}  // namespace blackstart::test
