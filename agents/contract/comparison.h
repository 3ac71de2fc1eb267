// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>

#include "agents/contract/contract.pb.h"

namespace blackstart {

struct ComparisonSign {
  std::string_view text;
  contract::Comparison op;
};

// As people write them. Longer ones first: ">=" is not ">" and a value that starts with "=".
inline constexpr std::array<ComparisonSign, 6> kComparisonSigns{{{">=", contract::COMPARISON_GREATER_EQUAL},
                                                                 {"<=", contract::COMPARISON_LESS_EQUAL},
                                                                 {"==", contract::COMPARISON_EQUAL},
                                                                 {">", contract::COMPARISON_GREATER},
                                                                 {"<", contract::COMPARISON_LESS},
                                                                 {"=", contract::COMPARISON_EQUAL}}};

// "" for one that this version does not know.
constexpr std::string_view sign_of(contract::Comparison op) {
  for (const ComparisonSign& sign : kComparisonSigns)
    if (sign.op == op) return sign.text;
  return "";
}

// Whether `actual op wanted`; false for an op that this version does not know.
constexpr bool holds(double actual, contract::Comparison op, double wanted) {
  switch (op) {
    case contract::COMPARISON_LESS:
      return actual < wanted;
    case contract::COMPARISON_LESS_EQUAL:
      return actual <= wanted;
    case contract::COMPARISON_GREATER:
      return actual > wanted;
    case contract::COMPARISON_GREATER_EQUAL:
      return actual >= wanted;
    case contract::COMPARISON_EQUAL:
      return actual == wanted;
    default:
      return false;
  }
}

}  // namespace blackstart
