// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include <nlohmann/json.hpp>

#include "injector/cli/drill.h"
#include "injector/experiment/calendar.h"
#include "injector/experiment/load.h"
#include "injector/record/outcome_json.h"
#include "injector/report/plan_report.h"

namespace blackstart::cli {

void declare_plan(po::options_description& options) {
  options.add_options()("topology", po::value<std::string>()->default_value("")->value_name("FILE"),
                        "use this topology instead of the experiment's own");
  declare_engine(options);
}

int run_plan(const Invocation& invocation) {
  if (invocation.arguments.size() != 1) return usage_error("plan", "expected one EXPERIMENT");
  const auto loaded =
      load_experiment(invocation.arguments[0], invocation.options["topology"].as<std::string>());
  if (!loaded) return report(loaded.error(), invocation.json);
  const auto chosen = plan_options(invocation);
  if (!chosen) return report(chosen.error(), invocation.json);
  const auto plan = make_plan(loaded->topology, loaded->experiment, *chosen);
  if (!plan) return report(plan.error(), invocation.json);
  // A plan is the same whenever it is made; whether it may be carried out now is said beside it.
  Result<std::string> standing;
  if (plan->windows.any())
    standing = Calendar::make(plan->windows).map([&](const Calendar& calendar) {
      return standing_text(calendar, unix_now(), plan->length);
    });
  if (!standing) return report(standing.error(), invocation.json);
  if (invocation.json) {
    auto text = report::plan_json(*plan);
    if (!standing->empty()) text["windows"]["standing"] = *standing;
    std::cout << json_text(text);
  } else {
    std::cout << report::plan_text(*plan)
              << (standing->empty() ? "" : "As for its windows, " + *standing + "\n");
  }
  return 0;
}

}  // namespace blackstart::cli
