// SPDX-License-Identifier: Apache-2.0
// From paths to valid models: the one loader. On failure every problem of every file read is there, by
// file, line and column, and nothing else has happened.
#pragma once

#include <functional>
#include <string>

#include <tl/expected.hpp>

#include "agents/contract/result.h"
#include "agents/language/problem.h"
#include "injector/experiment/experiment.h"
#include "injector/topology/topology.h"

namespace blackstart {

using ReadFile = std::function<Result<std::string>(const std::string& path)>;

// A regular file of at most what the language allows; agents/language/read_file.h has the default.
tl::expected<Topology, Problems> load_topology(const std::string& path);
tl::expected<Topology, Problems> load_topology(const std::string& path, const ReadFile& read);

struct LoadedExperiment {
  Experiment experiment;
  Topology topology;
};

// `topology_path`, where given, stands in for spec.topology.
tl::expected<LoadedExperiment, Problems> load_experiment(const std::string& path,
                                                         const std::string& topology_path = {});
tl::expected<LoadedExperiment, Problems> load_experiment(const std::string& path,
                                                         const std::string& topology_path,
                                                         const ReadFile& read);

// "Topology" or "Experiment": what a file says it is, or, where it says neither, what it looks like.
std::string kind_of_file(const std::string& path, const ReadFile& read);

}  // namespace blackstart
