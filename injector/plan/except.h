// SPDX-License-Identifier: Apache-2.0
// `except`: hosts, services, sites, groups and prefixes a fault leaves alone.
#pragma once

#include <set>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "injector/experiment/experiment.h"
#include "injector/topology/topology.h"

namespace blackstart {

struct Exceptions {
  std::vector<Prefix> prefixes;
  std::set<std::string> hosts;  // all of whose addresses are in `prefixes`: neither cut nor enforcing
};

[[nodiscard]] tl::expected<Exceptions, Problems> resolve_exceptions(const Topology& topology,
                                                                    const FaultSpec& fault);

}  // namespace blackstart
