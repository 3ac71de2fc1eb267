// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "injector/record/outcome.h"

namespace blackstart::report {

// The same outcome without network addresses: every IPv4 and IPv6 address (with its prefix length, if it
// has one) and every MAC address becomes "address-1", "address-2"..., the same one everywhere. Names
// stay. What is sealed by the log is the outcome before.
[[nodiscard]] Outcome redacted(const Outcome& outcome);

}  // namespace blackstart::report
