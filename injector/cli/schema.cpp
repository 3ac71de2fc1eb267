// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <map>

#include "agents/language/agent_shape.h"
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
  const std::map<std::string, nlohmann::ordered_json> language{
      {"Topology", titled("Topology", topology_shape())},
      {"Experiment", titled("Experiment", experiment_shape())},
      {"Agent", titled("Agent", agent_shape())}};
  auto kinds = language;
  kinds["Plan"] = report::plan_schema();
  kinds["Outcome"] = report::outcome_schema();
  nlohmann::ordered_json schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"}};
  if (kind.empty()) {
    schema["title"] = "Blackstart";
    for (const auto& [title, body] : language) schema["oneOf"].push_back(body);
  } else if (const auto known = kinds.find(kind); known != kinds.end()) {
    schema.update(known->second);
  } else {
    return usage_error("schema", "there is no kind \"" + kind + "\"; " + suggest(kind, names_of(kinds)));
  }
  std::cout << schema.dump(2) << "\n";
  return 0;
}

}  // namespace blackstart::cli
