// SPDX-License-Identifier: Apache-2.0
// Options → one command → exit code.
#include <algorithm>
#include <iostream>

#include "agents/language/nearest.h"
#include "injector/cli/command.h"
#include "injector/record/outcome.h"

namespace {

using namespace blackstart;
using namespace blackstart::cli;

void print_help() {
  std::cout << "usage: blackstart COMMAND [OPTIONS] [ARGUMENTS]\n\n"
               "Rehearses the loss of a datacenter.\n\ncommands:\n";
  for (const Command& command : catalogue()) {
    const std::string name = command.name;
    std::cout << "  " << name << std::string(name.size() < 12 ? 12 - name.size() : 1, ' ') << command.summary
              << "\n";
  }
  std::cout << "\n`blackstart COMMAND --help` tells more.\n"
               "exit codes: 0 pass · 1 hypothesis or recovery failed · 2 aborted · 3 inconclusive · 4 "
               "invalid input ·\n"
               "            5 a capability is missing · 6 refused by a safety rule · 7 stranded · 70 "
               "internal error\n";
}

int dispatch(const Command& command, const std::vector<std::string>& words) {
  po::options_description visible("options");
  visible.add_options()("help,h", "print this text");
  visible.add_options()("output", po::value<std::string>()->default_value("text")->value_name("text|json"),
                        "how to print");
  command.declare(visible);
  po::options_description all;
  all.add(visible).add_options()("argument", po::value<std::vector<std::string>>());
  po::positional_options_description positional;
  positional.add("argument", -1);

  // With verbatim_after_first, what follows the second word (`exec HOST`) belongs to somebody else.
  std::vector<std::string> own = words, rest;
  if (command.verbatim_after_first) {
    auto split = std::find(own.begin(), own.end(), "exec");
    if (split != own.end()) {
      while (++split != own.end() && split->starts_with("--")) {
        if (split->find('=') == std::string::npos && *split != "--help" && std::next(split) != own.end())
          ++split;
      }
      if (split != own.end()) ++split;  // HOST
      rest.assign(split, own.end());
      own.erase(split, own.end());
    }
  }

  Invocation invocation;
  try {
    po::store(po::command_line_parser(own).options(all).positional(positional).run(), invocation.options);
    if (!invocation.options.count("help")) po::notify(invocation.options);
  } catch (const po::error& error) {
    return usage_error(command.name, error.what());
  }
  if (invocation.options.count("help")) {
    std::cout << "usage: blackstart " << command.name << " [OPTIONS] " << command.synopsis << "\n\n"
              << command.summary << "\n\n"
              << visible;
    return kExitPass;
  }
  const std::string output = invocation.options["output"].as<std::string>();
  if (output != "text" && output != "json")
    return usage_error(command.name, "--output is text or json, not " + output);
  invocation.json = output == "json";
  if (invocation.options.count("argument"))
    invocation.arguments = invocation.options["argument"].as<std::vector<std::string>>();
  invocation.arguments.insert(invocation.arguments.end(), rest.begin(), rest.end());
  return command.run(invocation);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    print_help();
    return words.empty() ? kExitInvalid : kExitPass;
  }
  const std::string name = words[0] == "--version" ? "version" : words[0];
  std::vector<std::string> names;
  for (const Command& command : catalogue()) {
    names.emplace_back(command.name);
    if (name != command.name) continue;
    try {
      return dispatch(command, {words.begin() + 1, words.end()});
    } catch (const std::exception& error) {
      std::cerr << "blackstart: internal error: " << error.what() << "\n";
      return kExitInternal;
    }
  }
  const std::string meant = suggest_near(name, names);
  return usage_error("", "unknown command " + name + (meant.empty() ? "" : "; " + meant));
}
