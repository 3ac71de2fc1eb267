// SPDX-License-Identifier: Apache-2.0
// From an experiment in memory to a verdict on the terminal: what `run` and the ad-hoc commands share.
#pragma once

#include <string>

#include "injector/cli/command.h"
#include "injector/experiment/experiment.h"
#include "injector/record/outcome.h"
#include "injector/record/run_registry.h"
#include "injector/topology/topology.h"

namespace blackstart::cli {

// --attach, --metrics, --ci, --yes, and where reports go.
void declare_drill(po::options_description& options);

// Plans, asks (unless told not to), conducts, keeps the record, prints. Returns the exit code.
int drill(const Experiment& experiment, const Topology& topology, const Invocation& invocation);

// --state: where records are kept; and the registry that stands there.
void declare_state(po::options_description& options);
RunRegistry registry_of(const Invocation& invocation);

// Where the agents of a topology's lab listen.
std::string agents_folder(const std::string& topology);

}  // namespace blackstart::cli
