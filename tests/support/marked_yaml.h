// SPDX-License-Identifier: Apache-2.0
// Deliberate mistakes, marked where they are made: a trailing "# ! COLUMN words; COLUMN words" says at
// which columns of its line a problem stands, and which words its message or hint holds.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "agents/language/problem.h"

namespace blackstart::test {

struct ExpectedProblem {
  int line = 0, column = 0;
  std::string words;
};

inline std::string support_file(const std::string& name) {
  return std::string(BLACKSTART_SOURCE_DIR "/tests/support/") + name;
}

inline std::vector<ExpectedProblem> read_marks(const std::string& path) {
  constexpr std::string_view kMark = "  # ! ";
  std::vector<ExpectedProblem> expected;
  std::ifstream in(path);
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    size_t at = line.find(kMark);
    if (at == std::string::npos) continue;
    at += kMark.size();
    while (at < line.size()) {
      size_t digits = 0;
      const int column = std::stoi(line.substr(at), &digits);
      const size_t end = std::min(line.find("; ", at), line.size());
      expected.push_back({number, column, line.substr(at + digits + 1, end - at - digits - 1)});
      at = end + 2;
    }
  }
  return expected;
}

// Each expected problem is there, and no other.
inline void expect_exactly(const std::vector<ExpectedProblem>& expected, Problems problems) {
  for (const ExpectedProblem& one : expected) {
    const auto found = std::find_if(problems.begin(), problems.end(), [&](const Problem& problem) {
      return problem.at.line == one.line && problem.at.column == one.column &&
             (problem.message + " " + problem.hint).find(one.words) != std::string::npos;
    });
    if (found == problems.end())
      ADD_FAILURE() << "missing: " << one.line << ":" << one.column << " " << one.words;
    else
      problems.erase(found);
  }
  for (const Problem& problem : problems)
    ADD_FAILURE() << "not expected: " << problem.at.text() << " " << problem.message;
}

}  // namespace blackstart::test
