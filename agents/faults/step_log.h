// SPDX-License-Identifier: Apache-2.0
// Where a fault family writes down what would outlive the agent, before the kernel is touched
// (safety rule S10). Steps are taken back in the reverse order of their recording.
#pragma once

#include <cstdint>

#include "agents/contract/contract.pb.h"
#include "agents/contract/result.h"

namespace blackstart {

class StepLog {
 public:
  virtual ~StepLog() = default;

  // On disk when it returns; what it returns names the step. On failure nothing is recorded, and the
  // kernel must not be touched.
  [[nodiscard]] virtual Result<uint64_t> record(const contract::Step& step) = 0;
  // The step was taken back, or turned out not to be needed.
  [[nodiscard]] virtual Result<> taken_back(uint64_t step) = 0;
};

}  // namespace blackstart
