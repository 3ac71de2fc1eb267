// SPDX-License-Identifier: Apache-2.0
#include "injector/cli/drill.h"
#include "injector/experiment/load.h"

namespace blackstart::cli {

void declare_run(po::options_description& options) {
  options.add_options()("topology", po::value<std::string>()->default_value("")->value_name("FILE"),
                        "use this topology instead of the one the experiment names");
  declare_drill(options);
}

int run_run(const Invocation& invocation) {
  if (invocation.arguments.size() != 1) return usage_error("run", "expected one experiment");
  const auto loaded =
      load_experiment(invocation.arguments[0], invocation.options["topology"].as<std::string>());
  if (!loaded) return report(loaded.error(), invocation.json);
  return drill(loaded->experiment, loaded->topology, invocation);
}

}  // namespace blackstart::cli
