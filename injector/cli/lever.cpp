// SPDX-License-Identifier: Apache-2.0
// Stops every run and keeps new ones from starting, until it is released.
#include "injector/record/lever.h"

#include <iostream>

#include <nlohmann/json.hpp>

#include "injector/cli/drill.h"
#include "injector/cli/end_runs.h"

namespace blackstart::cli {
namespace {

// The lever of a state folder ends the runs that keep their records there; that of the machine ends all.
std::vector<RunRecord> runs_under(const RunRegistry& registry, std::vector<RunRecord> live) {
  if (registry.state_folder() != kStateFolder)
    std::erase_if(live, [&](const RunRecord& record) { return record.state != registry.state_folder(); });
  return live;
}

int engage(RunRegistry& registry, const std::string& why, bool json) {
  Lever lever(registry.state_folder());
  if (auto ok = lever.engage({unix_now(), who_asks(), why}); !ok) return report(ok.error(), json);
  const auto state = lever.engaged();
  if (!json && state) std::cout << state->text() << "\n";
  const auto live = registry.live();
  if (live) return end_and_tell(registry, runs_under(registry, *live), state ? state->text() : why, json);
  // Conductors and agents watch the file themselves: who may write it need not see the runs.
  if (json)
    std::cout << nlohmann::json::array().dump() << "\n";
  else
    std::cout << "runs under way end by themselves; to see them: " << live.error().message() << "\n";
  return 0;
}

int release(const RunRegistry& registry, bool json) {
  const auto released = Lever(registry.state_folder()).release();
  if (!released) return report(released.error(), json);
  if (json)
    std::cout << nlohmann::json{{"released", *released}}.dump(2) << "\n";
  else
    std::cout << (*released ? "the lever is released: runs may start\n" : "the lever was not engaged\n");
  return 0;
}

int show(const RunRegistry& registry, bool json) {
  const auto state = engaged_lever(registry.state_folder());
  if (json)
    std::cout << lever_json(state).dump(2) << "\n";
  else
    std::cout << (state ? state->text() : "the lever is not engaged") << "\n";
  return 0;
}

}  // namespace

nlohmann::json lever_json(const std::optional<LeverState>& state) {
  if (!state) return nullptr;
  return {{"since", state->since ? nlohmann::json(rfc3339(state->since)) : nlohmann::json()},
          {"by", state->by},
          {"why", state->why}};
}

void declare_lever(po::options_description& options) {
  options.add_options()("why", po::value<std::string>()->default_value("")->value_name("TEXT"),
                        "with engage: told to whoever meets the lever");
  declare_state(options);
}

int run_lever(const Invocation& invocation) {
  if (invocation.arguments.size() != 1)
    return usage_error("lever", "expected one of: engage, release, status");
  RunRegistry registry = registry_of(invocation);
  const std::string& action = invocation.arguments[0];
  if (action == "engage")
    return engage(registry, invocation.options["why"].as<std::string>(), invocation.json);
  if (action == "release") return release(registry, invocation.json);
  if (action == "status") return show(registry, invocation.json);
  return usage_error("lever", "expected one of: engage, release, status; not " + action);
}

}  // namespace blackstart::cli
