// SPDX-License-Identifier: Apache-2.0
#include "injector/cli/command.h"

namespace blackstart::cli {

const std::vector<Command>& catalogue() {
  static const std::vector<Command> commands{
      {"validate", "FILE...", "report every problem of topologies and experiments", declare_validate, run_validate},
      {"schema", "[Topology|Experiment]", "print the JSON Schema of the language", declare_schema, run_schema},
      {"completion", "bash|zsh", "print a shell completion script", declare_completion, run_completion},
      {"lab", "up FILE | down [NAME] | status [NAME] | exec HOST CMD…", "a topology as network namespaces on this machine",
       declare_lab, run_lab, true},
      {"version", "", "print the version", declare_version, run_version},
  };
  return commands;
}

}  // namespace blackstart::cli
