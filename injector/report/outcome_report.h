// SPDX-License-Identifier: Apache-2.0
// What one run was, for people. Unknown is said as "unknown", never as 0; a bound as "≥ x". Every format
// is made of the same sections, so a number that is in one is the same in all.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "injector/record/outcome.h"

namespace blackstart::report {

// Who reads it: engineers (everything), executives (a sentence, five figures, what to do), or whoever
// needs evidence (times with zone, objectives, scope, hashes, what was not tested).
enum class Edition { kSre, kExecutive, kRegulator };
[[nodiscard]] std::optional<Edition> edition_named(const std::string& name);  // sre executive regulator

// What HTML draws above a section's lines and table; text has no pictures.
enum class Picture { kNone, kFigures, kTimeline, kRecovery, kMatrix, kObjectives };

// One part of the report: lines, then a table whose first row is its head. Either may be empty.
struct Section {
  std::string title;
  std::vector<std::string> lines;
  std::vector<std::vector<std::string>> table;
  Picture picture = Picture::kNone;
};

// "FAIL: pangyo-blackhole on messenger: the hypothesis failed (recovery pass, exit code 1)"
[[nodiscard]] std::string verdict_line(const Outcome& outcome);
// Everything below it, in the order a reader asks.
[[nodiscard]] std::vector<Section> sections(const Outcome& outcome, Edition edition = Edition::kSre);

// kScreenWidth wide; engineers get what fits one screen. `colour` adds ANSI escapes.
[[nodiscard]] std::string terminal_text(const Outcome& outcome, bool colour = false,
                                        Edition edition = Edition::kSre);
// For a file, a pull request or a CI job's summary.
[[nodiscard]] std::string markdown_text(const Outcome& outcome, Edition edition = Edition::kSre);
// One file: no script, and nothing is fetched from anywhere.
[[nodiscard]] std::string html_text(const Outcome& outcome, Edition edition = Edition::kSre);
// JUnit XML as Jenkins' xUnit plugin, GitLab and GitHub's reporters read it: a test case for the run
// itself, each hypothesis, guard and gate, the recovery and the residue. What failed is `failure`, what
// nobody could judge `error`. In a run whose exit code is 0 what did not hold (a failure that was
// expected, a gate that stopped the widening) is `skipped`: the suite is red exactly when the exit code is
// not 0.
[[nodiscard]] std::string junit_text(const Outcome& outcome);

}  // namespace blackstart::report
