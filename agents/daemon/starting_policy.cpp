// SPDX-License-Identifier: Apache-2.0
#include "agents/daemon/starting_policy.h"

#include <unistd.h>

#include "agents/kernel/netns.h"

namespace blackstart {
namespace {

tl::unexpected<Problems> not_a_lab(std::string message, std::string hint) {
  return tl::unexpected(Problems{{Problem::Kind::kRefused, {"--lab"}, std::move(message), std::move(hint)}});
}

}  // namespace

tl::expected<Policy, Problems> starting_policy(bool lab, const std::string& config) {
  if (!lab) {
    if (config.empty() && ::access(kPolicyFile, F_OK) != 0 && errno == ENOENT)
      return missing_policy(kPolicyFile);
    return read_policy(config.empty() ? kPolicyFile : config);
  }
  if (!config.empty())
    return not_a_lab("a lab's agent has no configuration of its own", "leave out --config, or --lab");
  const auto shared = in_network_of_init();
  if (!shared) return not_a_lab("cannot tell: " + shared.error().message(), "mount /proc");
  if (*shared)
    return not_a_lab("this is the machine's own network, not a lab's",
                     "`blackstart lab up` starts agents where they belong; without --lab an agent accepts "
                     "what " +
                         std::string(kPolicyFile) + " says");
  return lab_policy();
}

std::string text_of(const Problems& problems) {
  std::string text;
  for (const Problem& problem : problems) {
    text += problem.at.text() + ": " + problem.message + "\n";
    if (!problem.hint.empty()) text += "    hint: " + problem.hint + "\n";
  }
  return text;
}

}  // namespace blackstart
