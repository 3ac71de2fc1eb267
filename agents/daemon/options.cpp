// SPDX-License-Identifier: Apache-2.0
#include "agents/daemon/options.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <iostream>
#include <string_view>

#include <boost/program_options.hpp>

#include "agents/daemon/commands.h"
#include "agents/daemon/starting_policy.h"

namespace blackstart {
namespace {

namespace po = boost::program_options;

constexpr const char* kComesBackByNobody =
    "a loss of power switches this machine off: it does not come back by itself, somebody has to switch it "
    "on\n";

// What follows it among the words of a sentinel is the agent's.
constexpr const char* kAgentsOwn = "--";

constexpr std::string_view kUsage =
    "usage: blackstart-agent [--config FILE] [OPTIONS]\n"
    "       blackstart-agent --lab --host NAME --socket PATH --state DIR [OPTIONS]\n"
    "       blackstart-agent reap --state DIR\n"
    "       blackstart-agent inventory [--output json]\n\n"
    "reap takes back what a dead agent left, as the agent itself does when it starts.\n"
    "Every agent is two processes: the second, `sentinel`, is started by the first.\n\n";

void add_common(po::options_description& all, AgentOptions& options) {
  all.add_options()("help,h", "print this text")("version", "print the version");
  all.add_options()("boot-id-file", po::value(&options.boot_id_file)->default_value(options.boot_id_file),
                    "where the name of this boot stands");
}

// False: end with exit_code.
bool read(const CommandLine& line, const po::options_description& all, int& exit_code) {
  try {
    po::variables_map values;
    po::store(po::command_line_parser(line.words).options(all).run(), values);
    exit_code = 0;
    if (values.count("help")) {
      std::cout << kUsage << all;
      return false;
    }
    if (values.count("version")) {
      std::cout << "blackstart-agent " BLACKSTART_VERSION "\n";
      return false;
    }
    if (values.count("probe-features")) {
      print_features();
      return false;
    }
    po::notify(values);
    return true;
  } catch (const po::error& error) {
    std::cerr << "blackstart-agent: " << error.what() << "\n    hint: blackstart-agent --help\n";
    exit_code = kExitUsage;
    return false;
  }
}

int exit_code_of(const Problems& problems) {
  const bool refused = std::all_of(problems.begin(), problems.end(), [](const Problem& problem) {
    return problem.kind == Problem::Kind::kRefused;
  });
  return refused ? kExitRefused : kExitUsage;
}

// What the command line leaves open is as the policy says.
void settle(AgentOptions& options, const std::optional<std::string>& metrics_listen) {
  const Policy& policy = options.policy;
  const auto fill = [](std::string& option, const std::string& said) {
    if (option.empty()) option = said;
  };
  fill(options.host, policy.host);
  fill(options.site, policy.site);
  fill(options.socket, policy.socket);
  fill(options.state, policy.state);
  options.metrics_listen = metrics_listen.value_or(policy.metrics_listen);
  char name[HOST_NAME_MAX + 1] = {};
  if (options.host.empty() && ::gethostname(name, HOST_NAME_MAX) == 0) options.host = name;
}

}  // namespace

Place AgentOptions::here() const {
  struct stat netns {};
  ::stat("/proc/self/ns/net", &netns);
  return {boot_id(boot_id_file), netns.st_ino};
}

CommandLine CommandLine::of(int argc, char** argv) {
  CommandLine line{argc > 0 ? argv[0] : "blackstart-agent", "serve", {}};
  int next = 1;
  if (argc > 1 && argv[1][0] != '-') line.command = argv[next++];
  line.words.assign(argv + std::min(next, argc), argv + argc);
  return line;
}

std::vector<std::string> sentinel_words(const CommandLine& agent, const AgentOptions& settled) {
  std::vector<std::string> out{agent.program,
                               "sentinel",
                               "--host",
                               settled.host,
                               "--state",
                               settled.state,
                               "--boot-id-file",
                               settled.boot_id_file,
                               settled.lab ? "--lab" : "--no-lab",
                               kAgentsOwn};
  out.insert(out.end(), agent.words.begin(), agent.words.end());
  return out;
}

std::optional<AgentOptions> parse_sentinel_options(const CommandLine& line, CommandLine& agent,
                                                   int& exit_code) {
  const auto own = std::find(line.words.begin(), line.words.end(), kAgentsOwn);
  agent = {line.program, "serve", {own == line.words.end() ? own : own + 1, line.words.end()}};
  AgentOptions options;
  po::options_description all("options of sentinel");
  add_common(all, options);
  all.add_options()("host", po::value(&options.host));
  all.add_options()("state", po::value(&options.state)->required());
  bool elsewhere = false;
  all.add_options()("lab", po::bool_switch(&options.lab));
  all.add_options()("no-lab", po::bool_switch(&elsewhere));
  if (!read({line.program, line.command, {line.words.begin(), own}}, all, exit_code)) return std::nullopt;
  return options;
}

std::optional<AgentOptions> parse_agent_options(const CommandLine& line, int& exit_code) {
  AgentOptions options;
  std::string config;
  std::optional<std::string> metrics_listen;
  bool check = false;
  po::options_description all("options");
  add_common(all, options);
  all.add_options()("probe-features", "try what this kernel can do, print it as JSON, and end");
  all.add_options()("config", po::value(&config),
                    "what it is and what it accepts, unless said here (/etc/blackstart/agent.yaml)");
  all.add_options()("check", po::bool_switch(&check),
                    "read the configuration, say what is wrong with it, and end");
  all.add_options()("host", po::value(&options.host), "this host's name in the topology");
  all.add_options()("site", po::value(&options.site), "the site it stands in");
  all.add_options()("socket", po::value(&options.socket), "unix socket to listen on");
  all.add_options()("state", po::value(&options.state), "folder for what must be known after a crash");
  all.add_options()("metrics-listen", po::value<std::string>()->notifier([&](const std::string& said) {
    metrics_listen = said;
  }),
                    "address of /metrics; empty: none");
  all.add_options()("abort-file", po::value(&options.stop.abort)->default_value(options.stop.abort),
                    "while it is there, nothing is held and nothing armed");
  all.add_options()("lever-file", po::value(&options.stop.lever)->default_value(options.stop.lever),
                    "the same, for the lever");
  all.add_options()("lab", po::bool_switch(&options.lab),
                    "this host is part of a lab: accept whatever the lab orders");
  all.add_options()("keeper", po::value(&options.keeper),
                    "socket of the lab's keeper, which starts services");
  if (!read(line, all, exit_code)) return std::nullopt;

  const auto policy = starting_policy(options.lab, config);
  if (!policy) {
    std::cerr << "blackstart-agent: this host's own word cannot be taken\n" << text_of(policy.error());
    exit_code = exit_code_of(policy.error());
    return std::nullopt;
  }
  if (check) {
    std::cout << policy->file << (policy->missing ? ": not there; nothing is accepted\n" : ": ok\n");
    if (policy->accept && policy->accept->power == PowerLoss::kPowerOff) std::cout << kComesBackByNobody;
    return std::nullopt;
  }
  if (options.lab && (options.host.empty() || options.socket.empty() || options.state.empty())) {
    std::cerr << "blackstart-agent: --lab needs --host, --socket and --state\n"
                 "    hint: `blackstart lab up` starts the agents of a lab\n";
    exit_code = kExitUsage;
    return std::nullopt;
  }
  options.policy = *policy;
  settle(options, metrics_listen);
  return options;
}

std::optional<AgentOptions> parse_reap_options(const CommandLine& line, int& exit_code) {
  AgentOptions options;
  po::options_description all("options of reap");
  add_common(all, options);
  all.add_options()("state", po::value(&options.state)->default_value(Policy{}.state),
                    "the agent's folder for what must be known after a crash");
  if (!read(line, all, exit_code)) return std::nullopt;
  return options;
}

}  // namespace blackstart
