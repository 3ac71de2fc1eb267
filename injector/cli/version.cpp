// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "injector/cli/command.h"

namespace blackstart::cli {

void declare_version(po::options_description&) {}

int run_version(const Invocation& invocation) {
  if (invocation.json)
    std::cout << "{\"version\": \"" BLACKSTART_VERSION "\"}\n";
  else
    std::cout << "blackstart " BLACKSTART_VERSION "\n";
  return 0;
}

}  // namespace blackstart::cli
