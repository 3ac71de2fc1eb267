// SPDX-License-Identifier: Apache-2.0
// `runs` lists what was kept, `report` prints one of it again.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>

#include <nlohmann/json.hpp>

#include "injector/cli/drill.h"
#include "injector/cli/report_files.h"
#include "injector/plan/sha256.h"
#include "injector/record/event_log.h"
#include "injector/record/outcome_json.h"
#include "injector/report/compare.h"
#include "injector/report/outcome_report.h"

namespace blackstart::cli {
namespace {

using nlohmann::json;

std::optional<std::string> text_of(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<Outcome> read_kept(const RunRegistry& registry, const std::string& run) {
  const std::string folder = registry.kept_folder(run);
  // A run id never holds a slash: nothing outside the folder is read.
  if (run.find('/') != std::string::npos || !std::filesystem::is_directory(folder))
    return fail(ErrorKind::kInvalid, "report on", run, 0, "no such run; `blackstart runs` lists them");
  const auto text = text_of(folder + "/outcome.json");
  if (!text)
    return fail(ErrorKind::kInvalid, "report on", run, 0,
                "it has no outcome: it is under way, or its conductor died; what happened is in " + folder +
                    "/events.jsonl");
  const json outcome = json::parse(*text, nullptr, false);
  if (outcome.is_discarded())
    return fail(ErrorKind::kInvalid, "read", folder + "/outcome.json", 0, "it is no JSON");
  return read_outcome(outcome);
}

// The chain is whole, and what it seals at its end is what lies beside it.
Result<VerifiedLog> verify_run(const RunRegistry& registry, const std::string& run) {
  const std::string folder = registry.kept_folder(run);
  const auto verified = verify_log(folder + "/events.jsonl");
  if (!verified) return verified;
  if (verified->last_type != "record")
    return fail(ErrorKind::kInvalid, "verify", folder, 0,
                "the chain is whole but was never sealed: the run is under way, or its conductor died");
  const json sealed = json::parse(verified->last_data);
  for (const char* part : {"plan", "outcome"})
    if (sealed.value(part, "") != sha256_hex(text_of(folder + "/" + part + ".json").value_or("")))
      return fail(ErrorKind::kInvalid, "verify", folder + "/" + part + ".json", 0,
                  "it is not what the run wrote");
  return verified;
}

int verify(const RunRegistry& registry, const std::string& run, bool as_json) {
  const auto verified = verify_run(registry, run);
  if (!verified) return report(verified.error(), as_json);
  if (as_json)
    std::cout << json{{"run", run}, {"events", verified->events - 1}, {"head", verified->before_last}}.dump(2)
              << "\n";
  else
    std::cout << run << ": plan, events and outcome are what the run wrote; " << verified->events - 1
              << " events, head " << verified->before_last << "\n";
  return kExitPass;
}

int compare(const RunRegistry& registry, const ReportFiles& files, const Outcome& one, const std::string& run,
            bool as_json) {
  const auto kept = read_kept(registry, run);
  if (!kept) return report(kept.error(), as_json);
  const Outcome other = shown(files, *kept);
  // Since when: the earlier run stands first, whichever was named first.
  const bool in_order = zero_of(one) <= zero_of(other);
  const Outcome& before = in_order ? one : other;
  const Outcome& after = in_order ? other : one;
  if (!files.files.empty()) {
    if (auto ok = write_comparison(files, before, after); !ok) return report(ok.error(), as_json);
  } else if (as_json) {
    std::cout << report::compare_json(before, after).dump(2) << "\n";
  } else {
    std::cout << report::compare_text(before, after);
  }
  return kExitPass;
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
    if (!outcome) {
      list.push_back({{"run", run}, {"verdict", nullptr}, {"why", outcome.error().hint}});
      continue;
    }
    const bool judged = outcome->verdict != Verdict::kNone;
    list.push_back({{"run", run},
                    {"experiment", outcome->experiment},
                    {"topology", outcome->topology},
                    {"verdict", judged ? json(verdict_name(outcome->verdict)) : json()},
                    {"why", judged ? "" : "refused: " + outcome->reason},
                    {"exitCode", outcome->exit_code}});
  }
  if (invocation.json) {
    std::cout << list.dump(2) << "\n";
    return kExitPass;
  }
  if (list.empty()) std::cout << "no runs are kept\n";
  for (const json& run : list) {
    std::cout << run["run"].get<std::string>();
    if (run.contains("experiment"))
      std::cout << "  " << run["experiment"].get<std::string>() << " on "
                << run["topology"].get<std::string>();
    std::cout << ": " << (run["verdict"].is_null() ? run["why"] : run["verdict"]).get<std::string>();
    if (run.contains("exitCode")) std::cout << " (exit " << run["exitCode"] << ")";
    std::cout << "\n";
  }
  return kExitPass;
}

void declare_report(po::options_description& options) {
  auto add = options.add_options();
  add("compare", po::value<std::string>()->value_name("RUN"),
      "what got better or worse between the two runs");
  add("verify", "check that plan, events and outcome are what the run wrote");
  declare_report_files(options);
  declare_state(options);
}

int run_report(const Invocation& invocation) {
  if (invocation.arguments.size() != 1)
    return usage_error("report", "expected one run; `blackstart runs` lists them");
  const RunRegistry registry = registry_of(invocation);
  if (invocation.options.count("verify")) return verify(registry, invocation.arguments[0], invocation.json);
  const auto files = report_files_of(invocation);
  if (!files) return report(files.error(), invocation.json);
  const auto kept = read_kept(registry, invocation.arguments[0]);
  if (!kept) return report(kept.error(), invocation.json);
  const Outcome outcome = shown(*files, *kept);
  if (invocation.options.count("compare"))
    return compare(registry, *files, outcome, invocation.options["compare"].as<std::string>(),
                   invocation.json);
  if (!files->files.empty() || !files->junit.empty()) {
    if (auto ok = write_reports(*files, outcome); !ok) return report(ok.error(), invocation.json);
  } else if (invocation.json) {
    std::cout << outcome_json(outcome).dump(2) << "\n";
  } else {
    std::cout << report::terminal_text(outcome, isatty(STDOUT_FILENO) != 0, files->edition);
  }
  return kExitPass;
}

}  // namespace blackstart::cli
