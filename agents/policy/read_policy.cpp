// SPDX-License-Identifier: Apache-2.0
#include "agents/contract/safety.h"
#include "agents/language/agent_shape.h"
#include "agents/language/read_file.h"
#include "agents/language/values.h"
#include "agents/policy/policy.h"

namespace blackstart {
namespace {

Problem unreadable(const Error& error, const std::string& file) {
  const Error what{error.kind, error.operation, error.object == file ? "it" : error.object, error.code, ""};
  return {error.kind == ErrorKind::kRefused ? Problem::Kind::kRefused : Problem::Kind::kInvalid,
          {file},
          "cannot " + what.message(),
          error.hint};
}

std::set<std::string> names(const Node* list) {
  const auto texts = texts_of(list);
  return {texts.begin(), texts.end()};
}

PowerLoss power_of(const std::string& word) {
  if (word == "freeze") return PowerLoss::kFreeze;
  if (word == "kill") return PowerLoss::kKill;
  return word == "poweroff" ? PowerLoss::kPowerOff : PowerLoss::kRefused;
}

Acceptance read_acceptance(const Document& document, const Node* node, Reporter& report) {
  Acceptance accept;
  for (const std::string& text : texts_of(child(node, "prefixes")))
    if (const auto prefix = Prefix::parse(text)) accept.prefixes.push_back(*prefix);
  accept.services = names(child(node, "services"));
  accept.faults = names(child(node, "faults"));
  accept.longest = duration_of(child(node, "longest"), accept.longest);
  accept.commands = bool_of(child(node, "commands"));
  accept.power = power_of(text_of(child(node, "power")));
  const auto at = [&](std::string_view key) { return document.locate({"spec", "accept", key}); };
  accept.prefixes_at = at("prefixes");
  accept.services_at = at("services");
  accept.faults_at = at("faults");
  accept.longest_at = at("longest");
  accept.commands_at = at("commands");
  accept.power_at = at("power");
  if (accept.longest > kLongestFault)
    report.add(accept.longest_at, "longest must be at most " + format_duration(kLongestFault),
               "no fault may last longer");
  if (accept.longest <= Duration(0)) report.add(accept.longest_at, "longest must be longer than 0s");
  return accept;
}

contract::ProcessMatch read_match(const Node& node) {
  contract::ProcessMatch match;
  match.set_exe(text_of(node.find("exe")));
  match.set_comm(text_of(node.find("comm")));
  match.set_cmdline(text_of(node.find("cmdline")));
  match.set_unit(text_of(node.find("unit")));
  if (const auto port = int_of(node.find("port"))) match.set_port(static_cast<uint32_t>(*port));
  match.set_cgroup(text_of(node.find("cgroup")));
  match.set_user(text_of(node.find("user")));
  return match;
}

ProtectedEntry read_protected(const Node& node) {
  ProtectedEntry entry;
  entry.prefix = Prefix::parse(text_of(node.find("prefix")));
  if (const auto port = int_of(node.find("port"))) entry.port = static_cast<uint16_t>(*port);
  entry.service = text_of(node.find("service"));
  if (const Node* process = node.find("process")) entry.process = read_match(*process);
  entry.why = text_of(node.find("why"));
  entry.at = node.at;
  return entry;
}

}  // namespace

tl::expected<Policy, Problems> read_policy(const std::string& file) {
  const auto text = read_trusted_file(file);
  if (!text) return tl::unexpected(Problems{unreadable(text.error(), file)});
  Problems problems;
  const Document document = read_yaml(file, *text, problems);
  check(document, agent_shape(), problems);
  Reporter report(problems);
  Policy policy;
  policy.file = file;
  const Node* spec = child(document.root.get(), "spec");
  policy.host = text_of(child(child(document.root.get(), "metadata"), "name"));
  policy.site = text_of(child(spec, "site"));
  policy.socket = text_of(child(spec, "socket"), policy.socket);
  policy.state = text_of(child(spec, "state"), policy.state);
  policy.metrics_listen = text_of(child(spec, "metricsListen"), policy.metrics_listen);
  policy.at = document.locate({"key:spec"});
  const Node* accept = child(spec, "accept");
  if (accept && accept->kind == Node::Kind::kMap) policy.accept = read_acceptance(document, accept, report);
  for (const NodePtr& item : items_of(child(spec, "protect")))
    policy.protect.push_back(read_protected(*item));
  if (problems.empty()) return policy;
  sort_problems(problems);
  return tl::unexpected(std::move(problems));
}

Policy missing_policy(const std::string& file) {
  Policy policy;
  policy.file = file;
  policy.missing = true;
  return policy;
}

Policy lab_policy() {
  Policy policy;
  policy.accept = Acceptance{.prefixes = everyone(),
                             .services = {"*"},
                             .faults = {"*"},
                             .longest = kLongestFault,
                             .commands = true,
                             .power = PowerLoss::kKill};
  return policy;
}

}  // namespace blackstart
