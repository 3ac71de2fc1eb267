// SPDX-License-Identifier: Apache-2.0
// What an order's prefixes and ports mean, for all who match packets by them.
#pragma once

#include <vector>

#include "agents/contract/contract.pb.h"
#include "agents/contract/result.h"
#include "agents/faults/traffic/prefix_table.h"
#include "agents/faults/traffic/traffic_maps.h"

namespace blackstart {

using WirePrefixes = google::protobuf::RepeatedPtrField<contract::Prefix>;

Result<> set_all(const WirePrefixes& prefixes, uint64_t bits, PrefixTable& table);
Result<> clear_all(const WirePrefixes& prefixes, uint64_t bits, PrefixTable& table);

// Every single protocol, side and port a match stands for.
Result<std::vector<traffic_port>> expand(const contract::PortMatch& match);

}  // namespace blackstart
