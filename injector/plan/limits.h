// SPDX-License-Identifier: Apache-2.0
// How much one experiment may take away (safety rule S12).
#pragma once

#include <vector>

#include "injector/plan/separation.h"

namespace blackstart {

// One problem per limit that is passed, with the limit, the actual figure and how to raise it. Hosts
// that only enforce do not count, those where something is killed or frozen do; outside hosts are not part
// of the whole. A partition takes nobody away,
// so it counts with its smaller side. A site all of whose hosts are cut or powered off counts as a site,
// whatever selected them.
[[nodiscard]] Problems check_limits(const Topology& topology, const Experiment& experiment,
                                    const std::vector<ResolvedFault>& faults);

}  // namespace blackstart
