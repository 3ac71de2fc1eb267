// SPDX-License-Identifier: Apache-2.0
// How far one killed instance is on its way back, as its agent and its checks say. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agents/contract/contract.pb.h"
#include "injector/conduct/impact_watch.h"
#include "injector/record/outcome.h"

namespace blackstart {

using Reports = std::map<std::string, contract::HostReport>;  // the last word of each host

// Since when every check of the instance has passed, of those asked after `started`; 0: not now, or nobody
// asks.
[[nodiscard]] UnixNs well_since(const ImpactWatch::Checks& checks, const std::string& service,
                                const std::string& host, UnixNs started);
// Whether a check of the instance that had passed before was asked after `started` and fails: more than not
// being seen well.
[[nodiscard]] bool stays_bad(const ImpactWatch::Checks& checks, const std::string& service,
                             const std::string& host, UnixNs started);
[[nodiscard]] bool has_check(const ImpactWatch::Checks& checks, const std::string& service,
                             const std::string& host);

// Host, service, fault, state, moments and why; an instance without a check is well once it is started.
[[nodiscard]] OutcomeReturn way_back(const contract::DownReport& down, const std::string& host,
                                     const ImpactWatch::Checks& checks);

// Of every fault that killed it; empty: none did, as far as its agent has said.
[[nodiscard]] std::vector<OutcomeReturn> ways_back(const Reports& reports, const std::string& host,
                                                   const std::string& service,
                                                   const ImpactWatch::Checks& checks);

// "a, b, c and 4 more"
[[nodiscard]] std::string several(const std::vector<std::string>& names);

}  // namespace blackstart
