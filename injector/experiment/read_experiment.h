// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agents/language/document.h"
#include "agents/language/shape.h"
#include "injector/experiment/experiment.h"
#include "injector/topology/topology.h"

namespace blackstart {

// The language of an Experiment file.
const Shape& experiment_shape();
// One entry of its timeline.
Shape timeline_entry_shape();
// The object with successRatio, latency and over added; at least one of the first two is needed. `over` is
// what it says when left out.
Shape demanding(Shape shape, const std::string& over);

// Checks the document's form and reads it; every problem of form is added. What is malformed is left at
// its default, so that the rest can be validated too.
Experiment read_experiment(const Document& document, Problems& problems);

// Checks what can be said without a topology: spans of time, probes that hypothesis, guards and gates
// name; and what the language has but this version does not.
void validate(const Document& document, Problems& problems);
// Checks every name against the topology, and that every selector matches something it may match.
void validate(const Experiment& experiment, const Topology& topology, const Document& document,
              Problems& problems);

}  // namespace blackstart
