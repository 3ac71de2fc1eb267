// SPDX-License-Identifier: Apache-2.0
// For schema_test.py: reads "KIND DOCUMENT" lines (JSON, which is YAML) and answers each with "ok" or its
// first problem of form: what the schema can say, without the names a schema cannot follow.
#include <iostream>
#include <string>

#include "agents/language/agent_shape.h"
#include "injector/experiment/read_experiment.h"
#include "injector/topology/read_topology.h"

int main() {
  using namespace blackstart;
  for (std::string line; std::getline(std::cin, line);) {
    const size_t space = line.find(' ');
    Problems problems;
    const Document document = read_yaml("line", line.substr(space + 1), problems);
    const std::string kind = line.substr(0, space);
    check(document,
          kind == "Topology" ? topology_shape()
          : kind == "Agent"  ? agent_shape()
                             : experiment_shape(),
          problems);
    std::cout << (problems.empty() ? "ok" : problems.front().at.text() + " " + problems.front().message)
              << "\n";
  }
}
