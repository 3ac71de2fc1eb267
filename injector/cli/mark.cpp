// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include <nlohmann/json.hpp>

#include "injector/cli/drill.h"
#include "injector/cli/end_runs.h"
#include "injector/cli/meant_run.h"
#include "injector/record/marks.h"

namespace blackstart::cli {
void declare_mark(po::options_description& options) {
  declare_meant_run(options);
  auto add = options.add_options();
  add("note", po::value<std::string>()->default_value("")->value_name("TEXT"), "in your own words");
  add("custom", "a name that is no milestone");
  declare_state(options);
}

int run_mark(const Invocation& invocation) {
  if (invocation.arguments.size() != 1)
    return usage_error("mark",
                       "expected one mark: detected, acknowledged, command, decided, switched, recovered");
  const UnixNs at = unix_now();
  const std::string& mark = invocation.arguments[0];
  if (mark.empty()) return usage_error("mark", "a mark has a name");
  if (!invocation.options.count("custom"))
    if (auto ok = check_milestone(mark); !ok) return report(ok.error(), invocation.json);
  const RunRegistry registry = registry_of(invocation);
  const auto record = meant_run(registry, invocation, "mark " + mark);
  if (!record) return report(record.error(), invocation.json);
  const OutcomeMark said{mark, at, who_asks(), invocation.options["note"].as<std::string>()};
  if (auto ok = say_mark(registry.marks_file(record->run), said); !ok)
    return report(ok.error(), invocation.json);
  if (invocation.json)
    std::cout << nlohmann::json{{"run", record->run}, {"mark", mark}, {"at", rfc3339(at)}}.dump(2) << "\n";
  else
    std::cout << record->run << ": " << mark << " at " << rfc3339(at) << "\n";
  return kExitPass;
}

}  // namespace blackstart::cli
