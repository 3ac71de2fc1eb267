// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agents/contract/result.h"
#include "injector/lab/blueprint.h"

namespace blackstart::lab {

// Makes the lab's network: a namespace for each host and the router namespace that joins the sites with
// one bridge each. Attached hosts have a network already: nothing is made, removed or in the way. On failure
// part of it exists; remove_network() takes that away too.
[[nodiscard]] Result<> make_network(const Blueprint& blueprint);

// Removes every namespace of the blueprint, with all that is in them. What does not exist is fine.
[[nodiscard]] Result<> remove_network(const Blueprint& blueprint);

// The name of a namespace of the blueprint that exists already; "": none.
[[nodiscard]] std::string existing_namespace(const Blueprint& blueprint);

}  // namespace blackstart::lab
