// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace blackstart {

// Where something stands in a file. Lines and columns count from 1; line 0: the file as a whole.
struct Location {
  std::string file;
  int line = 0;
  int column = 0;

  [[nodiscard]] std::string text() const;  // "file:line:column", "file:line" or "file"
};

// One thing that is wrong with the input, located, with what was expected.
struct Problem {
  enum class Kind {
    kInvalid,  // exit code 4
    kMissing,  // exit code 5: the language has it, this version does not
    kRefused,  // exit code 6: a safety rule forbids it
  };
  Kind kind = Kind::kInvalid;
  Location at;
  std::string message;
  std::string hint;
};

using Problems = std::vector<Problem>;

}  // namespace blackstart
