// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <iostream>

#include "agents/daemon/commands.h"
#include "agents/daemon/families.h"

namespace blackstart {

int reap_by_hand(const CommandLine& line) {
  int exit_code = 0;
  const auto options = parse_reap_options(line, exit_code);
  if (!options) return exit_code;
  log_as("reap");
  const auto give_up = [](const Error& error, int code) {
    std::cerr << "blackstart-agent: " << error.message() << "\n";
    return code;
  };
  const auto folder = StateFolder::claim(options->state);
  if (!folder)
    return give_up(folder.error(), folder.error().kind == ErrorKind::kRefused ? kExitRefused : kExitFailed);
  const auto journal = Journal::open(*folder, options->here());
  if (!journal) return give_up(journal.error(), kExitStranded);
  const auto removed = reap(**journal, reap_parts());
  if (!removed) return give_up(removed.error(), kExitStranded);
  for (const std::string& what : *removed) std::cout << "removed " << what << "\n";
  if (removed->empty()) std::cout << "nothing was left\n";
  return 0;
}

}  // namespace blackstart
