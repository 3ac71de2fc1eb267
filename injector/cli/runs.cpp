// SPDX-License-Identifier: Apache-2.0
// `runs` lists what was kept, `report` prints one of it again.
#include <unistd.h>

#include <fstream>
#include <iostream>

#include <nlohmann/json.hpp>

#include "injector/cli/drill.h"
#include "injector/record/event_log.h"
#include "injector/record/outcome_json.h"
#include "injector/record/write_file.h"
#include "injector/report/compare.h"
#include "injector/report/outcome_report.h"

namespace blackstart::cli {
namespace {

using nlohmann::json;

Result<Outcome> read_kept(const RunRegistry& registry, const std::string& run) {
  // A run id never holds a slash: nothing outside the folder is read.
  const std::string path = registry.kept_folder(run) + "/outcome.json";
  std::ifstream file(path);
  if (run.find('/') != std::string::npos || !file)
    return fail(ErrorKind::kInvalid, "report on", run, 0, "no such run; `blackstart runs` lists them");
  return read_outcome(json::parse(file, nullptr, false));
}

}  // namespace

void declare_runs(po::options_description& options) {
  declare_state(options);
}

int run_runs(const Invocation& invocation) {
  const RunRegistry registry = registry_of(invocation);
  json list = json::array();
  for (const std::string& run : registry.kept()) {
    const auto outcome = read_kept(registry, run);
    if (!outcome) continue;  // under way, or ended before it had an outcome
    list.push_back({{"run", run},
                    {"experiment", outcome->experiment},
                    {"topology", outcome->topology},
                    {"verdict", verdict_name(outcome->verdict)},
                    {"recoveryVerdict", verdict_name(outcome->recovery_verdict)},
                    {"exitCode", outcome->exit_code}});
  }
  if (invocation.json) {
    std::cout << list.dump(2) << "\n";
    return kExitPass;
  }
  if (list.empty()) std::cout << "no runs are kept\n";
  for (const json& run : list)
    std::cout << run["run"].get<std::string>() << "  " << run["experiment"].get<std::string>() << " on "
              << run["topology"].get<std::string>() << ": " << run["verdict"].get<std::string>() << " (exit "
              << run["exitCode"] << ")\n";
  return kExitPass;
}

void declare_report(po::options_description& options) {
  auto add = options.add_options();
  add("compare", po::value<std::string>()->value_name("RUN"), "print both runs side by side");
  add("report", po::value<std::string>()->value_name("FILE.md"),
      "write Markdown to FILE.md instead of printing");
  add("verify", "check the hash chain of the run's event log");
  declare_state(options);
}

int run_report(const Invocation& invocation) {
  if (invocation.arguments.size() != 1)
    return usage_error("report", "expected one run; `blackstart runs` lists them");
  const RunRegistry registry = registry_of(invocation);
  const auto outcome = read_kept(registry, invocation.arguments[0]);
  if (!outcome) return report(outcome.error(), invocation.json);
  if (invocation.options.count("verify")) {
    const auto verified = verify_log(outcome->log_file, outcome->log_head);
    if (!verified) return report(verified.error(), invocation.json);
    if (invocation.json) {
      std::cout
          << json{{"file", outcome->log_file}, {"events", verified->events}, {"head", verified->head}}.dump(2)
          << "\n";
      return kExitPass;
    }
    std::cout << outcome->log_file << ": unbroken, " << verified->events << " events, head " << verified->head
              << "\n";
    return kExitPass;
  }
  if (invocation.options.count("compare")) {
    const auto other = read_kept(registry, invocation.options["compare"].as<std::string>());
    if (!other) return report(other.error(), invocation.json);
    if (invocation.json)
      std::cout << json::array({outcome_json(*outcome), outcome_json(*other)}).dump(2) << "\n";
    else
      std::cout << report::compare_text(*outcome, *other);
  } else if (invocation.options.count("report")) {
    if (auto ok = write_file(invocation.options["report"].as<std::string>(), report::markdown_text(*outcome));
        !ok)
      return report(ok.error(), invocation.json);
  } else if (invocation.json) {
    std::cout << outcome_json(*outcome).dump(2) << "\n";
  } else {
    std::cout << report::terminal_text(*outcome, isatty(STDOUT_FILENO) != 0);
  }
  return kExitPass;
}

}  // namespace blackstart::cli
