// SPDX-License-Identifier: Apache-2.0
// One command of `blackstart` is one file here and one line in catalogue.cpp.
#pragma once

#include <string>
#include <vector>

#include <boost/program_options.hpp>

#include "agents/contract/result.h"
#include "agents/language/problem.h"

namespace blackstart::cli {

namespace po = boost::program_options;

struct Invocation {
  po::variables_map options;
  std::vector<std::string> arguments;  // what is not an option, in order
  bool json = false;                   // --output json
};

struct Command {
  const char* name;
  const char* synopsis;  // "FILE…": what follows the name
  const char* summary;   // one line
  // The command's own options; --help and --output are added to every command.
  void (*declare)(po::options_description& options);
  int (*run)(const Invocation& invocation);  // returns the exit code
  bool verbatim_after_first = false;         // `lab exec HOST CMD…`: options end at the first argument
};

// In the order `--help` prints them.
const std::vector<Command>& catalogue();

// Prints the error to stderr (or as JSON to stdout) and returns the exit code it stands for.
int report(const Error& error, bool json);
// The same for located problems; the worst kind decides the exit code.
int report(const Problems& problems, bool json);
// A wrong command line: exit code 4, with where to find help.
int usage_error(const std::string& command, const std::string& message);

// The commands.
#define BLACKSTART_COMMAND(name)                         \
  void declare_##name(po::options_description& options); \
  int run_##name(const Invocation& invocation)
BLACKSTART_COMMAND(plan);
BLACKSTART_COMMAND(lab);
BLACKSTART_COMMAND(version);
BLACKSTART_COMMAND(run);
BLACKSTART_COMMAND(blackhole);
BLACKSTART_COMMAND(kill);
BLACKSTART_COMMAND(abort);
BLACKSTART_COMMAND(lever);
BLACKSTART_COMMAND(mark);
BLACKSTART_COMMAND(return );
BLACKSTART_COMMAND(status);
BLACKSTART_COMMAND(runs);
BLACKSTART_COMMAND(report);
BLACKSTART_COMMAND(doctor);
BLACKSTART_COMMAND(completion);
BLACKSTART_COMMAND(validate);
BLACKSTART_COMMAND(schema);
#undef BLACKSTART_COMMAND

}  // namespace blackstart::cli
