// SPDX-License-Identifier: Apache-2.0
// Between the passive types of the code and the messages of the wire.
#pragma once

#include "agents/contract/contract.pb.h"
#include "agents/contract/ip.h"
#include "agents/contract/result.h"

namespace blackstart {

void to_wire(const Prefix& prefix, contract::Prefix* out);
// Fails on a wrong address size, a length out of range, or host bits set.
Result<Prefix> from_wire(const contract::Prefix& prefix);

void to_wire(const Error& error, contract::Failure* out);
Error from_wire(const contract::Failure& failure);

}  // namespace blackstart
