// SPDX-License-Identifier: Apache-2.0
#include "injector/experiment/load.h"

#include <algorithm>
#include <cstring>

#include "agents/language/nearest.h"
#include "agents/language/read_file.h"
#include "agents/language/values.h"
#include "injector/experiment/read_experiment.h"
#include "injector/topology/read_topology.h"

namespace blackstart {
namespace {

Problem unreadable(const Location& at, const std::string& path, const Error& error) {
  const std::string why = error.code ? std::strerror(error.code) : error.hint;
  return {Problem::Kind::kInvalid, at, "cannot read " + path + ": " + why, ""};
}

bool any_invalid(const Problems& problems) {
  return std::any_of(problems.begin(), problems.end(),
                     [](const Problem& problem) { return problem.kind == Problem::Kind::kInvalid; });
}

// `named_at`: what is reported when the file cannot be read at all.
Document read_document(const std::string& path, const Location& named_at, const ReadFile& read,
                       Problems& problems) {
  const auto text = read(path);
  if (text) return read_yaml(path, *text, problems);
  problems.push_back(unreadable(named_at, path, text.error()));
  return {path, nullptr};
}

// A file of the other kind would be nothing but unknown keys.
bool is_kind(const Document& document, const std::string& wanted, const std::string& other,
             Problems& problems) {
  if (!document.root) return false;
  const Node* kind = child(document.root.get(), "kind");
  if (text_of(kind) != other) return true;
  problems.push_back({Problem::Kind::kInvalid, kind->at,
                      "this is kind: " + other + ", but kind: " + wanted + " is needed here", ""});
  return false;
}

Topology load_topology_into(const std::string& path, const Location& named_at, const ReadFile& read,
                            Problems& problems) {
  // Problems of this file only: a Reporter knows places by line and column.
  Problems own;
  Topology topology;
  const Document document = read_document(path, named_at, read, own);
  if (is_kind(document, "Topology", "Experiment", own)) {
    topology = read_topology(document, own);
    validate(topology, document, own);
  }
  problems.insert(problems.end(), own.begin(), own.end());
  return topology;
}

}  // namespace

tl::expected<Topology, Problems> load_topology(const std::string& path, const ReadFile& read) {
  Problems problems;
  Topology topology = load_topology_into(path, {path}, read, problems);
  sort_problems(problems);
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return topology;
}

tl::expected<LoadedExperiment, Problems> load_experiment(const std::string& path,
                                                         const std::string& topology_path,
                                                         const ReadFile& read) {
  Problems problems, topology_problems;
  LoadedExperiment loaded;
  const Document document = read_document(path, {path}, read, problems);
  if (is_kind(document, "Experiment", "Topology", problems)) {
    Experiment& experiment = loaded.experiment;
    experiment = read_experiment(document, problems);
    validate(document, problems);
    if (!topology_path.empty()) experiment.topology = topology_path;
    if (experiment.topology.empty()) {
      problems.push_back({Problem::Kind::kInvalid, document.locate({"spec"}),
                          "the experiment names no topology",
                          "write spec.topology, or give --topology FILE"});
    } else {
      const Location named_at =
          topology_path.empty() ? document.locate({"spec", "topology"}) : Location{topology_path};
      loaded.topology = load_topology_into(experiment.topology, named_at, read, topology_problems);
      // A name missing from a topology that is itself wrong may be its mistake, not the experiment's.
      if (!any_invalid(topology_problems)) validate(experiment, loaded.topology, document, problems);
    }
  }
  problems.insert(problems.end(), topology_problems.begin(), topology_problems.end());
  sort_problems(problems);
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return loaded;
}

tl::expected<Topology, Problems> load_topology(const std::string& path) {
  return load_topology(path, read_file);
}

tl::expected<LoadedExperiment, Problems> load_experiment(const std::string& path,
                                                         const std::string& topology_path) {
  return load_experiment(path, topology_path, read_file);
}

std::string kind_of_file(const std::string& path, const ReadFile& read) {
  Problems ignored;
  const Document document = read_document(path, {path}, read, ignored);
  const std::string kind = text_of(child(document.root.get(), "kind"));
  if (const auto meant = nearest(kind, {"Topology", "Experiment"})) return *meant;
  return child(child(document.root.get(), "spec"), "timeline") ? "Experiment" : "Topology";
}

}  // namespace blackstart
