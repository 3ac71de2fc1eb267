// SPDX-License-Identifier: Apache-2.0
// Writes the documents a schema speaks of into a folder: outcomes as JSON, and as JUnit XML.
#include <filesystem>

#include <nlohmann/json.hpp>

#include "injector/record/outcome_json.h"
#include "injector/record/write_file.h"
#include "injector/report/outcome_report.h"
#include "tests/unit/outcome_fixture.h"

int main(int argc, char** argv) {
  using namespace blackstart;
  if (argc != 2) return 4;
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  bool ok = true;
  const auto write = [&](const std::string& name, const Outcome& outcome) {
    ok = write_file(folder / (name + ".json"), json_text(outcome_json(outcome))).has_value() && ok;
    ok = write_file(folder / (name + ".xml"), report::junit_text(outcome)).has_value() && ok;
  };
  write("dark", pangyo_went_dark());
  write("power", pangyo_lost_power());
  write("bridged", pangyo_went_dark_bridged());
  write("hostile", hostile());
  write("refused", nobody_started());
  return ok ? 0 : 1;
}
