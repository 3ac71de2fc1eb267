// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <map>

#include "agents/language/read_file.h"
#include "agents/language/values.h"
#include "injector/cli/command.h"
#include "injector/experiment/load.h"
#include "injector/report/plan_report.h"

namespace blackstart::cli {
namespace {

// Each file is read once, so that pipes work and several experiments share one topology.
ReadFile reading_once() {
  auto known = std::make_shared<std::map<std::string, Result<std::string>>>();
  return [known](const std::string& path) {
    const auto found = known->find(path);
    return found != known->end() ? found->second : known->emplace(path, read_file(path)).first->second;
  };
}

// What is said of a file that is well: its name, and lines about it.
struct Held {
  std::string name;
  std::vector<std::string> lines;
};

// What the file holds, or its problems.
tl::expected<Held, Problems> validate_file(const std::string& path, const std::string& kind,
                                           const std::string& topology, const ReadFile& read) {
  if (kind == "Experiment")
    return load_experiment(path, topology, read).map([](const LoadedExperiment& loaded) {
      return Held{loaded.experiment.name, report::windows_text(loaded.experiment.windows)};
    });
  return load_topology(path, read).map([](const Topology& loaded) { return Held{loaded.name, {}}; });
}

}  // namespace

void declare_validate(po::options_description& options) {
  options.add_options()("topology", po::value<std::string>()->default_value("")->value_name("FILE"),
                        "check experiments against this topology instead of their own");
}

int run_validate(const Invocation& invocation) {
  if (invocation.arguments.empty()) return usage_error("validate", "expected at least one FILE");
  const std::string topology = invocation.options["topology"].as<std::string>();
  const ReadFile read = reading_once();
  Problems all;
  for (const std::string& path : invocation.arguments) {
    const std::string kind = kind_of_file(path, read);
    const auto held = validate_file(path, kind, topology, read);
    if (!held) {
      all.insert(all.end(), held.error().begin(), held.error().end());
    } else if (!invocation.json) {
      std::cout << path << ": ok (" << kind << " " << held->name << ")\n";
      for (const std::string& line : held->lines) std::cout << "    windows: " << line << "\n";
    }
  }
  sort_problems(all);
  return report(all, invocation.json);
}

}  // namespace blackstart::cli
