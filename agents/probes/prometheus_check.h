// SPDX-License-Identifier: Apache-2.0
// prometheus probes: an instant query over HTTP. Success is a scalar, or a vector with at least one
// sample, of which every value fulfils the comparison.
#pragma once

#include "agents/probes/check.h"

namespace blackstart {

[[nodiscard]] Result<> validate_prometheus(const contract::Probe& probe);
std::unique_ptr<Check> begin_prometheus(const contract::Probe& probe, CheckContext& context, Report report);

}  // namespace blackstart
