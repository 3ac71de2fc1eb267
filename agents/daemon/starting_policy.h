// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <tl/expected.hpp>

#include "agents/policy/policy.h"

namespace blackstart {

// The policy an agent starts with: a lab's, or what `config` says. Without a name for the file it is
// kPolicyFile, which need not be there: nothing is accepted then. A lab is believed only where the caller's
// network is not that of process 1: what cuts a host off would cut the machine off there.
[[nodiscard]] tl::expected<Policy, Problems> starting_policy(bool lab, const std::string& config);

// As people read them, one a line with its hint below.
[[nodiscard]] std::string text_of(const Problems& problems);

}  // namespace blackstart
