// SPDX-License-Identifier: Apache-2.0
// Where a command writes reports, and for whom: --report, --junit, --edition, --redact.
#pragma once

#include <string>
#include <vector>

#include "injector/cli/command.h"
#include "injector/record/outcome.h"
#include "injector/report/outcome_report.h"

namespace blackstart::cli {

struct ReportFiles {
  std::vector<std::string> files;  // each .md, .html or .json
  std::string junit;               // "": none
  report::Edition edition = report::Edition::kSre;
  bool redact = false;
};

void declare_report_files(po::options_description& options);
// Fails before anything is touched: kInvalid for an edition there is not, kMissing for a file of no known
// format.
Result<ReportFiles> report_files_of(const Invocation& invocation);

// As it may leave the house: redacted if that was asked for.
[[nodiscard]] Outcome shown(const ReportFiles& files, const Outcome& outcome);
// Writes all it can; the error is the first.
Result<> write_reports(const ReportFiles& files, const Outcome& shown);
// Two runs instead of one; there is no JUnit of that. The earlier one stands first in every file.
Result<> write_comparison(const ReportFiles& files, const Outcome& before, const Outcome& after);

}  // namespace blackstart::cli
