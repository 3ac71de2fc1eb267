// SPDX-License-Identifier: Apache-2.0
// Gray failures: a service says it is well, and those who use it get nothing. Pure.
#pragma once

#include <optional>
#include <string>

#include "injector/conduct/evaluate.h"
#include "injector/conduct/impact_watch.h"
#include "injector/experiment/experiment.h"
#include "injector/record/outcome.h"
#include "injector/topology/topology.h"

namespace blackstart {

// The service a probe talks to, by the name or address and the port it asks; nullopt: none of the topology's.
[[nodiscard]] std::optional<std::string> service_behind(const Topology& topology,
                                                        const contract::Probe& probe);

// The longest time from the cut on in which every attempt of a probe failed while every instance of the
// service behind it passed its check; shorter than kLeastGray it is none. A second without answers ends
// nothing; more of them than lie between two attempts do.
inline constexpr Duration kLeastGray = std::chrono::seconds(3);
void fill_gray(const Topology& topology, const Experiment& experiment, const ImpactWatch& impact,
               const Histories& histories, const RunTimes& times, Outcome& outcome);

}  // namespace blackstart
