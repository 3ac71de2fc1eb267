// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>

#include <nlohmann/json.hpp>

#include "injector/cli/command.h"
#include "injector/record/outcome.h"

namespace blackstart::cli {
namespace {

int exit_code(Problem::Kind kind) {
  switch (kind) {
    case Problem::Kind::kInvalid:
      return kExitInvalid;
    case Problem::Kind::kMissing:
      return kExitMissing;
    case Problem::Kind::kRefused:
      break;
  }
  return kExitRefused;
}

}  // namespace

int report(const Error& error, bool json) {
  if (json)
    std::cout << nlohmann::json::array(
                     {{{"file", nullptr},
                       {"line", nullptr},
                       {"column", nullptr},
                       {"message",
                        Error{error.kind, error.operation, error.object, error.code, ""}.message()},
                       {"hint", error.hint}}})
                     .dump(2)
              << "\n";
  else
    std::cerr << "blackstart: " << error.message() << "\n";
  return exit_code_of(error.kind);
}

int report(const Problems& problems, bool json) {
  auto list = nlohmann::json::array();
  int code = kExitPass;
  for (const Problem& problem : problems) {
    // Invalid input (4) comes before what is merely missing or refused: those may not be what was meant.
    const int own = exit_code(problem.kind);
    code = code == kExitPass ? own : std::min(code, own);
    if (json) {
      list.push_back({{"file", problem.at.file},
                      {"line", problem.at.line},
                      {"column", problem.at.column},
                      {"message", problem.message},
                      {"hint", problem.hint}});
    } else {
      std::cerr << problem.at.text() << ": error: " << problem.message << "\n";
      if (!problem.hint.empty()) std::cerr << "    hint: " << problem.hint << "\n";
    }
  }
  if (json) std::cout << list.dump(2) << "\n";
  return code;
}

int usage_error(const std::string& command, const std::string& message) {
  std::cerr << "blackstart" << (command.empty() ? "" : " " + command) << ": " << message << "\n"
            << "    hint: blackstart " << (command.empty() ? "" : command + " ") << "--help\n";
  return kExitInvalid;
}

}  // namespace blackstart::cli
