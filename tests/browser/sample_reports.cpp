// SPDX-License-Identifier: Apache-2.0
// Writes one page of each kind into a folder, for a browser to open.
#include <cstdio>
#include <filesystem>

#include "injector/record/write_file.h"
#include "injector/report/compare.h"
#include "injector/report/outcome_report.h"
#include "tests/unit/outcome_fixture.h"

int main(int argc, char** argv) {
  using namespace blackstart;
  if (argc != 2) return 4;
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  const Outcome outcome = pangyo_went_dark();
  bool ok = true;
  const auto write = [&](const char* name, const std::string& text) {
    ok = write_file(folder / name, text).has_value() && ok;
  };
  using report::Edition;
  write("sre.html", report::html_text(outcome));
  write("executive.html", report::html_text(outcome, Edition::kExecutive));
  write("regulator.html", report::html_text(outcome, Edition::kRegulator));
  write("compare.html", report::compare_html(outcome, pangyo_went_dark_bridged()));
  write("refused.html", report::html_text(nobody_started()));
  write("hostile.html", report::html_text(hostile()));
  return ok ? 0 : 1;
}
