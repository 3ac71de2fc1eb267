// SPDX-License-Identifier: Apache-2.0
// What fresh instances, started where there were none, came up or died for. Pure.
#pragma once

#include <string>

#include "injector/conduct/impact_watch.h"
#include "injector/conduct/way_back.h"
#include "injector/plan/plan.h"
#include "injector/record/outcome.h"
#include "injector/topology/topology.h"

namespace blackstart {

// The need it died for: where its last words say that a name was not resolved, a name server whose every
// check failed around `at`; the nearest of the needs it declares, directly or through others, that they name
// (the service, a host or address of it, the name of an endpoint); another service they name, which is a need
// nobody declared; or else the nearest need whose every check failed around `at`. "": none of them.
[[nodiscard]] std::string died_for(const Topology& topology, const std::string& service,
                                   const std::string& last_words, const ImpactWatch& impact, UnixNs at);

// Each cold start of the plan; one that came to its end without being ready adds evidence to single_site
// where the need stands in one site alone. Needs t0 and fired.
void fill_cold_starts(const Plan& plan, const Topology& topology, const Reports& reports,
                      const ImpactWatch& impact, Outcome& outcome);

// Whether any of the plan's cold starts that began before `horizon` has not come to its end.
[[nodiscard]] bool cold_starts_under_way(const Plan& plan, const Reports& reports, Duration horizon);

}  // namespace blackstart
