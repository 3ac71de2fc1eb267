// SPDX-License-Identifier: Apache-2.0
// From an experiment in memory to a verdict on the terminal: what `run` and the ad-hoc commands share.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "injector/cli/command.h"
#include "injector/experiment/experiment.h"
#include "injector/plan/make_plan.h"
#include "injector/record/outcome.h"
#include "injector/record/run_registry.h"
#include "injector/topology/topology.h"

namespace blackstart::cli {

// --engine and --attach, for what is planned; a plan that cannot be is the error.
void declare_engine(po::options_description& options);
Result<PlanOptions> plan_options(const Invocation& invocation);

// --engine, --attach, --metrics, --metrics-listen, --alerts, --ci, --yes, --override-window, and where
// reports go.
void declare_drill(po::options_description& options);

// Plans, asks (unless told not to), conducts, keeps the record, prints. Returns the exit code. ad_hoc: the
// experiment is made of options, and hints name those.
int drill(const Experiment& experiment, const Topology& topology, const Invocation& invocation,
          bool ad_hoc = false);

// --state: where records are kept; and the registry that stands there.
void declare_state(po::options_description& options);
RunRegistry registry_of(const Invocation& invocation);

// {since, by, why}, or null while it is not engaged.
nlohmann::json lever_json(const std::optional<LeverState>& state);

// Where the agents of a topology's lab listen.
std::string agents_folder(const std::string& topology);

}  // namespace blackstart::cli
