// SPDX-License-Identifier: Apache-2.0
// A file through which people tell a run something while it lasts: a line of JSON each. It is there from the
// start of the run until its conductor closes it; what was said before that is taken, and nothing can be
// said after it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "agents/contract/result.h"

namespace blackstart {

// Adds one line; safe beside others that do. False: the file is closed, or was never there.
[[nodiscard]] Result<bool> say_line(const std::string& file, const nlohmann::json& line);

// The conductor's side.
class SaidLines {
 public:
  // Creates the file; `head`, if it is not null, is its first line and never taken.
  [[nodiscard]] static Result<SaidLines> open(const std::string& file, const nlohmann::json& head = nullptr);
  // What was said since the last time, in order; a line that is no JSON object is left out.
  [[nodiscard]] std::vector<nlohmann::json> take();
  // The last of it; from here on nobody can say anything.
  [[nodiscard]] std::vector<nlohmann::json> close();

 private:
  SaidLines(std::string file, int64_t read) : file_(std::move(file)), read_(read) {}

  std::string file_;
  int64_t read_;  // bytes
};

// Fields of a line that anybody could have written: "" and `otherwise` where there is none of that kind.
[[nodiscard]] std::string text_in(const nlohmann::json& line, const char* key);
[[nodiscard]] int64_t number_in(const nlohmann::json& line, const char* key, int64_t otherwise);

}  // namespace blackstart
