// SPDX-License-Identifier: Apache-2.0
// http and tcp probes. Names are resolved by NameQuery, since libcurl's own resolver is a thread per
// name that outlives its transfer while DNS hangs; the addresses go to libcurl, which tries v6 and v4
// side by side and gives each a share of the time.
#pragma once

#include "agents/probes/check.h"

namespace blackstart {

[[nodiscard]] Result<> validate_http(const contract::Probe& probe);
[[nodiscard]] Result<> validate_tcp(const contract::Probe& probe);
std::unique_ptr<Check> begin_http(const contract::Probe& probe, CheckContext& context, Report report);
std::unique_ptr<Check> begin_tcp(const contract::Probe& probe, CheckContext& context, Report report);

}  // namespace blackstart
