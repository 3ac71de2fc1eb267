// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agents/language/document.h"
#include "agents/language/shape.h"
#include "injector/topology/topology.h"

namespace blackstart {

// The language of a Topology file.
const Shape& topology_shape();
// How processes are recognised, and what that says.
Shape process_shape();
ProcessMatch read_process(const Node* node);

// Checks the document's form and reads it; every problem of form is added. What is malformed is left at
// its default, so that the rest can be validated too.
Topology read_topology(const Document& document, Problems& problems);

// Checks what the parts say about one another: names that must exist, addresses inside their site,
// prefixes that must not overlap; and what the language has but this version does not.
void validate(const Topology& topology, const Document& document, Problems& problems);

}  // namespace blackstart
