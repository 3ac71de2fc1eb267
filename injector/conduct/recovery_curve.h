// SPDX-License-Identifier: Apache-2.0
// Which services and hosts were back, second by second from the cut to the end. Pure.
#pragma once

#include "injector/conduct/evaluate.h"
#include "injector/conduct/impact_watch.h"
#include "injector/record/outcome.h"
#include "injector/topology/topology.h"

namespace blackstart {

// A service or host is back in a second when every check of it passed; a check nobody asked in a second is
// as it was last seen. Who was well before is judged by the last answers that cannot have met the cut: those
// asked for a second or more before it. not_back names the instances that keep a service or host from being
// back at the end. Empty without a cut, or when nothing was well before.
OutcomeRecovery recovery_curve(const ImpactWatch::Checks& checks, const Topology& topology,
                               const RunTimes& times);

}  // namespace blackstart
