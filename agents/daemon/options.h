// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agents/kernel/boot_id.h"
#include "agents/policy/policy.h"
#include "agents/runtime/journal.h"
#include "agents/runtime/stop_files.h"

namespace blackstart {

inline constexpr int kExitUsage = 4, kExitMissing = 5, kExitRefused = 6, kExitStranded = 7, kExitFailed = 70;

struct AgentOptions {
  std::string host, site, socket, state, metrics_listen;
  std::string boot_id_file = kBootIdFile;
  StopFiles stop;
  bool lab = false;
  std::string keeper;  // the socket of the lab's keeper, which starts services; "": none
  Policy policy;       // a lab's, or what the configuration says

  // This boot, this network namespace.
  [[nodiscard]] Place here() const;
};

// What is asked of this program: a command and the words behind it. No command is `serve`.
struct CommandLine {
  std::string program;  // as it was called
  std::string command;
  std::vector<std::string> words;

  static CommandLine of(int argc, char** argv);
};

// The options of `serve`. Prints what is wrong, or what was asked for; `exit_code` then says how to end.
std::optional<AgentOptions> parse_agent_options(const CommandLine& line, int& exit_code);

// The command line, as an argv, of the sentinel of an agent with this one: what was settled for the agent,
// whatever becomes of its configuration, then "--" and the agent's own words.
std::vector<std::string> sentinel_words(const CommandLine& agent, const AgentOptions& settled);
// What the sentinel reads of it: host, state, boot_id_file and lab, and the command line of the agent.
std::optional<AgentOptions> parse_sentinel_options(const CommandLine& line, CommandLine& agent,
                                                   int& exit_code);
// Those of `reap`.
std::optional<AgentOptions> parse_reap_options(const CommandLine& line, int& exit_code);

}  // namespace blackstart
