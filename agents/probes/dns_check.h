// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agents/probes/check.h"

namespace blackstart {

[[nodiscard]] Result<> validate_dns(const contract::Probe& probe);
std::unique_ptr<Check> begin_dns(const contract::Probe& probe, CheckContext& context, Report report);

}  // namespace blackstart
