// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace blackstart {

// Every role a service can have.
const std::vector<std::string>& roles();
// What a selector may say: the roles, and "ops" for every "ops/...".
std::vector<std::string> selectable_roles();
// Does a selector's role fit a service's?
bool role_fits(std::string_view wanted, std::string_view role);

}  // namespace blackstart
