// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>

#include <nlohmann/json.hpp>

#include "injector/cli/drill.h"
#include "injector/cli/end_runs.h"
#include "injector/record/marks.h"

namespace blackstart::cli {
namespace {

Error refused(const std::string& mark, const std::string& hint) {
  return Error{ErrorKind::kRefused, "mark " + mark, "", 0, hint};
}

// The run that is meant: the one that is named, else the only one.
Result<RunRecord> meant(const RunRegistry& registry, const std::string& mark, const std::string& run) {
  auto live = registry.live();
  if (!live) return tl::unexpected(live.error());
  std::erase_if(*live, [&](const RunRecord& record) {
    return (!run.empty() && record.run != run) || !RunRegistry::conductor_alive(record);
  });
  if (live->size() == 1) return live->front();
  if (live->size() > 1) {
    std::string names;
    for (const RunRecord& record : *live) names += (names.empty() ? "" : ", ") + record.run;
    return tl::unexpected(Error{ErrorKind::kInvalid, "mark " + mark, "", 0,
                                "several runs are under way, --run says which: " + names});
  }
  if (run.empty()) return tl::unexpected(refused(mark, "no run is under way"));
  const auto kept = registry.kept();
  if (std::find(kept.begin(), kept.end(), run) != kept.end())
    return tl::unexpected(refused(mark, "run " + run + " is over: its record is closed"));
  return tl::unexpected(
      Error{ErrorKind::kInvalid, "mark " + mark, run, 0, "no such run; `blackstart status` lists them"});
}

}  // namespace

void declare_mark(po::options_description& options) {
  auto add = options.add_options();
  add("run", po::value<std::string>()->default_value("")->value_name("RUN"),
      "which run; left out: the only one under way");
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
  const auto record = meant(registry, mark, invocation.options["run"].as<std::string>());
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
