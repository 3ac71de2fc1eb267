// SPDX-License-Identifier: Apache-2.0
#include "injector/cli/report_files.h"

#include <filesystem>

#include <nlohmann/json.hpp>

#include "agents/language/nearest.h"
#include "injector/record/outcome_json.h"
#include "injector/record/write_file.h"
#include "injector/report/compare.h"
#include "injector/report/redact.h"

namespace blackstart::cli {
namespace {

enum class Format { kMarkdown, kHtml, kJson };

std::optional<Format> format_of(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension();
  if (extension == ".md") return Format::kMarkdown;
  if (extension == ".html") return Format::kHtml;
  if (extension == ".json") return Format::kJson;
  return std::nullopt;
}

std::string document(Format format, const Outcome& outcome, report::Edition edition) {
  switch (format) {
    case Format::kMarkdown:
      return report::markdown_text(outcome, edition);
    case Format::kHtml:
      return report::html_text(outcome, edition);
    case Format::kJson:
      break;
  }
  return json_text(outcome_json(outcome));
}

std::string document(Format format, const Outcome& before, const Outcome& after) {
  switch (format) {
    case Format::kMarkdown:
      return report::compare_markdown(before, after);
    case Format::kHtml:
      return report::compare_html(before, after);
    case Format::kJson:
      break;
  }
  return json_text(report::compare_json(before, after));
}

}  // namespace

void declare_report_files(po::options_description& options) {
  auto add = options.add_options();
  add("report", po::value<std::vector<std::string>>()->value_name("FILE"),
      "write the report to FILE.md, FILE.html or FILE.json; may be given several times");
  add("junit", po::value<std::string>()->value_name("FILE.xml"), "write JUnit XML, for CI");
  add("edition", po::value<std::string>()->default_value("sre")->value_name("sre|executive|regulator"),
      "whom the report is for");
  add("redact", "replace every IP and MAC address in reports");
}

Result<ReportFiles> report_files_of(const Invocation& invocation) {
  ReportFiles out;
  if (invocation.options.count("report"))
    out.files = invocation.options["report"].as<std::vector<std::string>>();
  for (const std::string& path : out.files)
    if (!format_of(path)) {
      const std::string extension = std::filesystem::path(path).extension();
      return fail(ErrorKind::kMissing, "write a report as", extension.empty() ? path : extension, 0,
                  "this version writes .md, .html and .json");
    }
  if (invocation.options.count("junit")) out.junit = invocation.options["junit"].as<std::string>();
  const std::string& edition = invocation.options["edition"].as<std::string>();
  const auto named = report::edition_named(edition);
  if (!named)
    return fail(ErrorKind::kInvalid, "write edition", edition, 0,
                suggest(edition, {"sre", "executive", "regulator"}));
  out.edition = *named;
  out.redact = invocation.options.count("redact") > 0;
  return out;
}

Outcome shown(const ReportFiles& files, const Outcome& outcome) {
  return files.redact ? report::redacted(outcome) : outcome;
}

Result<> write_reports(const ReportFiles& files, const Outcome& shown) {
  Result<> all;
  for (const std::string& path : files.files)
    keep_first(all, write_file(path, document(*format_of(path), shown, files.edition)));
  if (!files.junit.empty()) keep_first(all, write_file(files.junit, report::junit_text(shown)));
  return all;
}

Result<> write_comparison(const ReportFiles& files, const Outcome& before, const Outcome& after) {
  Result<> all;
  for (const std::string& path : files.files)
    keep_first(all, write_file(path, document(*format_of(path), before, after)));
  return all;
}

}  // namespace blackstart::cli
