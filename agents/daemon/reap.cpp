// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "agents/daemon/commands.h"
#include "agents/daemon/families.h"
#include "agents/kernel/named_netns.h"
#include "agents/runtime/sole_agent.h"

namespace blackstart {

namespace {

// What stands in a namespace that lives can be taken back only there; from here it would be forgotten.
Result<> require_in_place(const Journal& journal, const std::string& folder) {
  for (const StandingStep& standing : journal.standing()) {
    if (standing.place.boot_id != journal.here().boot_id || standing.place == journal.here()) continue;
    if (const auto elsewhere = living_netns(standing.place.netns))
      return fail(ErrorKind::kRefused, "reap", describe(standing.step), 0,
                  "it stands in another network namespace: " + elsewhere->way_in +
                      "blackstart-agent reap --state " + folder);
  }
  return {};
}

}  // namespace

int reap_by_hand(const CommandLine& line) {
  int exit_code = 0;
  const auto options = parse_reap_options(line, exit_code);
  if (!options) return exit_code;
  log_as("reap");
  const auto give_up = [](const Error& error, int code) {
    std::cerr << "blackstart-agent: " << error.message() << "\n";
    return code;
  };
  const auto unable = [](const Error& error) {
    return error.kind == ErrorKind::kRefused ? kExitRefused : kExitFailed;
  };
  const auto folder = StateFolder::claim(options->state);
  if (!folder) return give_up(folder.error(), unable(folder.error()));
  const auto journal = Journal::open(*folder, options->here());
  if (!journal) return give_up(journal.error(), kExitStranded);
  if (auto ok = require_in_place(**journal, options->state); !ok)
    return give_up(ok.error(), unable(ok.error()));
  const auto alone = be_sole_agent();
  if (!alone) return give_up(alone.error(), unable(alone.error()));
  const auto removed = reap(**journal, reap_parts(false));
  if (!removed) return give_up(removed.error(), kExitStranded);
  for (const std::string& what : *removed) std::cout << "removed " << what << "\n";
  if (removed->empty()) std::cout << "nothing was left\n";
  return 0;
}

}  // namespace blackstart
