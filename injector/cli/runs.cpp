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
#include "injector/record/outcome_json.h"
#include "injector/record/record.h"
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

// A run by its id among those kept, or, with a slash in it, by its folder.
Result<std::string> folder_of(const RunRegistry& registry, const std::string& run) {
  const std::string folder = run.find('/') == std::string::npos ? registry.kept_folder(run) : run;
  if (std::filesystem::is_directory(folder)) return folder;
  return fail(ErrorKind::kInvalid, "report on", run, 0, "no such run; `blackstart runs` lists them");
}

Result<Outcome> read_kept(const RunRegistry& registry, const std::string& run) {
  const auto folder = folder_of(registry, run);
  if (!folder) return tl::unexpected(folder.error());
  const auto text = text_of(*folder + "/outcome.json");
  if (!text)
    return fail(ErrorKind::kInvalid, "report on", run, 0,
                "it has no outcome: it is under way, or its conductor died; what happened is in " + *folder +
                    "/events.jsonl");
  const json read = json::parse(*text, nullptr, false);
  if (read.is_discarded())
    return fail(ErrorKind::kInvalid, "read", *folder + "/outcome.json", 0, "it is no JSON");
  auto outcome = read_outcome(read);
  if (outcome)
    if (const auto record = verify_record(*folder)) outcome->log_head = record->head;
  return outcome;
}

int verify(const RunRegistry& registry, const std::string& run, const std::string& head, bool as_json) {
  const auto folder = folder_of(registry, run);
  if (!folder) return report(folder.error(), as_json);
  const auto record = verify_record(*folder, head);
  if (!record) return report(Problems{record.error()}, as_json);
  if (as_json)
    std::cout << json{{"kind", "Verification"},
                      {"run", run},
                      {"events", record->events},
                      {"head", record->head},
                      {"sealed", record->sealed}}
                     .dump(2)
              << "\n";
  else if (record->sealed)
    std::cout << run << ": plan, events and outcome are what the run wrote\n"
              << record->events << " events, intact, head " << record->head << "\n";
  else
    std::cout << run << ": " << record->events << " events, intact so far, head " << record->head << "\n"
              << "the record has no end: the run is under way, its conductor died, or the end was cut off\n";
  return record->sealed ? kExitPass : kExitInconclusive;
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
    std::cout << json_text(report::compare_json(before, after));
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
    std::cout << json_text(list);
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
  add("verify", "check that plan, events and outcome are what the run wrote; RUN may be a folder");
  add("head", po::value<std::string>()->default_value("")->value_name("HASH"),
      "with --verify: the head the run printed must be the record's");
  declare_report_files(options);
  declare_state(options);
}

int run_report(const Invocation& invocation) {
  if (invocation.arguments.size() != 1)
    return usage_error("report", "expected one run; `blackstart runs` lists them");
  const RunRegistry registry = registry_of(invocation);
  const std::string head = invocation.options["head"].as<std::string>();
  if (invocation.options.count("verify"))
    return verify(registry, invocation.arguments[0], head, invocation.json);
  if (!head.empty()) return usage_error("report", "--head goes with --verify");
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
    std::cout << json_text(outcome_json(outcome));
  } else {
    std::cout << report::terminal_text(outcome, isatty(STDOUT_FILENO) != 0, files->edition);
  }
  return kExitPass;
}

}  // namespace blackstart::cli
