// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "injector/cli/command.h"

namespace blackstart::cli {
namespace {

std::string names_of_commands() {
  std::string names;
  for (const Command& command : catalogue()) names += std::string(names.empty() ? "" : " ") + command.name;
  return names;
}

std::string options_of(const Command& command) {
  po::options_description own;
  command.declare(own);
  std::string text = "--help --output";
  for (const auto& option : own.options()) text += " --" + option->long_name();
  return text;
}

}  // namespace

void declare_completion(po::options_description&) {}

int run_completion(const Invocation& invocation) {
  if (invocation.arguments.size() != 1 ||
      (invocation.arguments[0] != "bash" && invocation.arguments[0] != "zsh"))
    return usage_error("completion", "expected one of: bash, zsh");
  if (invocation.arguments[0] == "zsh") std::cout << "autoload -U +X bashcompinit && bashcompinit\n";
  std::cout << "_blackstart() {\n"
               "  local word=${COMP_WORDS[COMP_CWORD]} words\n"
               "  if [ \"$COMP_CWORD\" -eq 1 ]; then words=\""
            << names_of_commands() << "\"\n  else case ${COMP_WORDS[1]} in\n";
  for (const Command& command : catalogue())
    std::cout << "    " << command.name << ") words=\"" << options_of(command) << "\";;\n";
  std::cout << "  esac; fi\n"
               "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
               "  case $word in -*) ;; *) [ \"$COMP_CWORD\" -gt 1 ] && COMPREPLY+=($(compgen -f -- "
               "\"$word\"));; esac\n"
               "}\n"
               "complete -o filenames -F _blackstart blackstart\n";
  return 0;
}

}  // namespace blackstart::cli
