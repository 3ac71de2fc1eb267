// SPDX-License-Identifier: Apache-2.0
#include "injector/plan/plan.h"

namespace blackstart {

const char* impact_name(Impact impact) {
  switch (impact) {
    case Impact::kUnaffected:
      return "unaffected";
    case Impact::kDegraded:
      return "degraded";
    case Impact::kDown:
      return "down";
    case Impact::kUnknown:
      break;
  }
  return "unknown";
}

const char* observed_impact_name(Impact impact) {
  return impact == Impact::kUnaffected ? "ok" : impact_name(impact);
}

}  // namespace blackstart
