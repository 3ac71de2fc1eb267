// SPDX-License-Identifier: Apache-2.0
// Small algebra of prefix lists.
#pragma once

#include <vector>

#include "agents/contract/safety.h"
#include "injector/topology/topology.h"

namespace blackstart {

[[nodiscard]] bool covered(const Prefix& prefix, const std::vector<Prefix>& by);
// Whether the longest prefix among both lists that holds this one is in `prefixes`, as the datapath asks.
[[nodiscard]] bool most_specific_is_in(const std::vector<Prefix>& prefixes, const std::vector<Prefix>& except,
                                       const Prefix& prefix);
void append(std::vector<Prefix>& to, const std::vector<Prefix>& from);
// Sorted, without duplicates.
[[nodiscard]] std::vector<Prefix> tidy(std::vector<Prefix> prefixes);
// The same addresses in the fewest prefixes.
[[nodiscard]] std::vector<Prefix> merged(std::vector<Prefix> prefixes);
[[nodiscard]] std::vector<Prefix> addresses_of(const Host& host);

}  // namespace blackstart
