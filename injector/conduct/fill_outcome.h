// SPDX-License-Identifier: Apache-2.0
// From what the agents reported to the outcome's faults and series. Pure.
#pragma once

#include <map>
#include <string>

#include "agents/contract/contract.pb.h"
#include "injector/conduct/evaluate.h"
#include "injector/record/outcome.h"

namespace blackstart {

// Sums each fault over the hosts; sets t0 (the first packet or process hit), fired and the skew. A fault that
// starts at or behind the horizon never fired and is noted. `reverted_by`: why what was in force was taken
// back, once every host has said how; "": not known of all of them.
void fill_faults(const Plan& plan, const std::map<std::string, contract::HostReport>& reports,
                 const RunTimes& times, Duration horizon, const std::string& reverted_by, Outcome& outcome);

// What every probe saw, second by second; a longer run gets longer spans, never more than kMostSpans.
// A span begins at the common instant, so none straddles the cut.
inline constexpr int64_t kMostSpans = 300;
void fill_series(const Histories& histories, const RunTimes& times, Outcome& outcome);

}  // namespace blackstart
