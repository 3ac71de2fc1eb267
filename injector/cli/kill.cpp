// SPDX-License-Identifier: Apache-2.0
#include "injector/cli/ad_hoc.h"

namespace blackstart::cli {
namespace {

struct Choice {
  const char* option;
  const char* value;
  const char* help;
};

constexpr Choice kPlaces[] = {{"host", "HOST", "only on this host"},
                              {"site", "SITE", "only in this site"},
                              {"role", "ROLE", "services of this role; ops stands for every ops/..."}};
// Which processes, whatever the topology says of them.
constexpr Choice kMatches[] = {{"exe", "PATH", "processes of this program, or of this script"},
                               {"comm", "NAME", "... of this short name"},
                               {"cmdline", "REGEX", "... with this in their arguments"},
                               {"unit", "UNIT", "... of this unit of systemd"},
                               {"port", "PORT", "... that listen here"},
                               {"cgroup", "PATH", "... of this cgroup and all below it"},
                               {"user", "USER", "... of this user"}};

// Of those given, in the order of the table: `key: value, key: value`.
template <size_t N>
std::string chosen(const Choice (&choices)[N], const po::variables_map& options) {
  std::string text;
  for (const Choice& choice : choices) {
    if (!options.count(choice.option)) continue;
    const std::string value = options[choice.option].as<std::string>();
    const bool number = std::string_view(choice.option) == "port";
    text += (text.empty() ? "" : ", ") + std::string(choice.option) + ": " + (number ? value : quoted(value));
  }
  return text;
}

}  // namespace

void declare_kill(po::options_description& options) {
  auto add = options.add_options();
  add("hold-down", "what comes up again dies before its first instruction");
  add("freeze", "freeze them: their ports accept, and nobody answers");
  add("signal", po::value<std::string>()->value_name("KILL|TERM|INT|QUIT|ABRT|HUP|SEGV"), "sent (KILL)");
  add("restore", po::value<std::string>()->value_name("auto|unit|command|none"),
      "who starts them again afterwards (auto)");
  add("command", po::value<std::vector<std::string>>()->composing()->value_name("WORD"),
      "with --restore command: program and arguments, one option each");
  add("unprotect", po::value<std::vector<std::string>>()->composing()->value_name("NAME"),
      "a service, port or prefix that may be hit although it is protected; one option each");
  for (const Choice& choice : kPlaces)
    add(choice.option, po::value<std::string>()->value_name(choice.value), choice.help);
  for (const Choice& choice : kMatches)
    add(choice.option, po::value<std::string>()->value_name(choice.value), choice.help);
  declare_ad_hoc(options);
}

int run_kill(const Invocation& invocation) {
  const auto& options = invocation.options;
  const bool freeze = options.count("freeze") > 0;
  if (invocation.arguments.size() > 1) return usage_error("kill", "expected one service");
  const std::string service = invocation.arguments.empty() ? "" : invocation.arguments[0];
  const std::string places = chosen(kPlaces, options), match = chosen(kMatches, options);
  if (service.empty() && places.empty())
    return usage_error("kill", "expected a service, or --role, --host or --site");
  for (const char* of_kill : {"hold-down", "signal", "restore", "command"})
    if (freeze && options.count(of_kill))
      return usage_error("kill", "--" + std::string(of_kill) + " is for what dies, not for what is frozen");

  std::string fault = freeze ? "fault: service-freeze" : "fault: service-kill";
  if (!service.empty()) fault += ", service: " + quoted(service);
  if (!places.empty()) fault += ", " + places;
  if (!match.empty()) fault += ", process: {" + match + "}";
  if (options.count("signal")) fault += ", signal: " + quoted(options["signal"].as<std::string>());
  if (options.count("hold-down")) fault += ", holdDown: true";
  if (options.count("restore")) fault += ", restore: " + quoted(options["restore"].as<std::string>());
  if (options.count("command"))
    fault += ", command: " + quoted(options["command"].as<std::vector<std::string>>());
  std::string what = service.empty() ? "What runs at " + places : service;
  if (!match.empty()) what += " (" + match + ")";
  std::erase(what, '"');
  return run_ad_hoc(
      {freeze ? "ad-hoc-freeze" : "ad-hoc-kill",
       what + (freeze ? " is frozen for " : " is killed for ") + options["for"].as<std::string>() + ".",
       fault,
       options.count("unprotect") ? options["unprotect"].as<std::vector<std::string>>()
                                  : std::vector<std::string>{}},
      invocation);
}

}  // namespace blackstart::cli
