// SPDX-License-Identifier: Apache-2.0
// blackstart-agent: one per host.
#include <iostream>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "agents/daemon/commands.h"

namespace blackstart {

void log_as(const std::string& who) {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("agent"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %l " + who + ": %v");
}

namespace {

struct Command {
  const char* name;
  int (*run)(const CommandLine& line);
};

constexpr Command kCommands[] = {{"serve", serve},
                                 {"sentinel", stand_sentinel},
                                 {"reap", reap_by_hand},
                                 {"inventory", take_inventory},
                                 {"probe", probe_only}};

int run(const CommandLine& line) {
  for (const Command& command : kCommands)
    if (line.command == command.name) return command.run(line);
  std::cerr << "blackstart-agent: there is no command " << line.command
            << "\n    hint: blackstart-agent --help\n";
  return kExitUsage;
}

}  // namespace
}  // namespace blackstart

int main(int argc, char** argv) {
  return blackstart::run(blackstart::CommandLine::of(argc, argv));
}
