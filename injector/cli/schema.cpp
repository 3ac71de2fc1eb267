// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "agents/language/nearest.h"
#include "injector/cli/command.h"
#include "injector/cli/json_schema.h"
#include "injector/experiment/read_experiment.h"
#include "injector/report/schema.h"
#include "injector/topology/read_topology.h"

namespace blackstart::cli {
namespace {

nlohmann::ordered_json titled(const std::string& title, const Shape& shape) {
  nlohmann::ordered_json schema{{"title", title}};
  schema.update(json_schema(shape));
  return schema;
}

}  // namespace

void declare_schema(po::options_description&) {}

int run_schema(const Invocation& invocation) {
  const std::string kind = invocation.arguments.empty() ? "" : invocation.arguments.front();
  if (invocation.arguments.size() > 1) return usage_error("schema", "expected at most one kind");
  nlohmann::ordered_json schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"}};
  if (kind == "Topology") {
    schema.update(titled(kind, topology_shape()));
  } else if (kind == "Experiment") {
    schema.update(titled(kind, experiment_shape()));
  } else if (kind == "Plan") {
    schema.update(report::plan_schema());
  } else if (kind == "Outcome") {
    schema.update(report::outcome_schema());
  } else if (kind.empty()) {
    schema["title"] = "Blackstart";
    schema["oneOf"] = {titled("Topology", topology_shape()), titled("Experiment", experiment_shape())};
  } else {
    return usage_error("schema", "there is no kind \"" + kind + "\"; " +
                                     suggest(kind, {"Topology", "Experiment", "Plan", "Outcome"}));
  }
  std::cout << schema.dump(2) << "\n";
  return 0;
}

}  // namespace blackstart::cli
