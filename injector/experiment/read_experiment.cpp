// SPDX-License-Identifier: Apache-2.0
#include "injector/experiment/read_experiment.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <map>
#include <tuple>
#include <utility>

#include "agents/language/values.h"
#include "injector/experiment/select.h"
#include "injector/topology/read_topology.h"

namespace blackstart {
namespace {

Comparison comparison_of(const Node* node) {
  return parse_comparison(text_of(node)).value_or(Comparison{});
}

Selector read_selector(const Node* node) {
  return {.host = text_of(child(node, "host")),
          .site = text_of(child(node, "site")),
          .group = text_of(child(node, "group")),
          .service = text_of(child(node, "service")),
          .role = text_of(child(node, "role")),
          .tier = int_of(child(node, "tier")),
          .labels = text_map_of(child(node, "labels")),
          .share = share_of(child(node, "share")),
          .count = int_of(child(node, "count")),
          .at = node->at};
}

FaultKind kind_of(const std::string& fault) {
  if (fault == "partition") return FaultKind::kPartition;
  if (fault == "storage-drop") return FaultKind::kStorageDrop;
  if (fault == "people-absent") return FaultKind::kPeopleAbsent;
  if (fault == "service-kill") return FaultKind::kServiceKill;
  if (fault == "service-freeze") return FaultKind::kServiceFreeze;
  if (fault.ends_with("-power-loss")) return FaultKind::kPowerLoss;
  return FaultKind::kSiteBlackhole;
}

contract::Manner manner_of(const std::string& manner) {
  if (manner == "reset") return contract::MANNER_RESET;
  if (manner == "unreachable") return contract::MANNER_UNREACHABLE;
  if (manner == "deny") return contract::MANNER_DENY;
  return contract::MANNER_SILENT;
}

int signal_of(const std::string& name) {
  static const std::map<std::string, int> numbers{{"TERM", SIGTERM}, {"INT", SIGINT}, {"QUIT", SIGQUIT},
                                                  {"ABRT", SIGABRT}, {"HUP", SIGHUP}, {"SEGV", SIGSEGV}};
  const auto found = numbers.find(name);
  return found == numbers.end() ? SIGKILL : found->second;
}

contract::Restore restore_of(const std::string& restore) {
  if (restore == "unit") return contract::RESTORE_UNIT;
  if (restore == "command") return contract::RESTORE_COMMAND;
  if (restore == "none") return contract::RESTORE_NONE;
  return contract::RESTORE_AUTO;
}

std::optional<contract::ProcessMatch> match_of(const Node* node) {
  if (!node) return std::nullopt;
  contract::ProcessMatch match = to_wire(read_process(node));
  if (const auto port = int_of(child(node, "port"))) match.set_port(std::clamp(*port, 0, 65535));
  return match;
}

FaultSpec read_fault(const Node* node) {
  const std::string kind = text_of(child(node, "fault"));
  const std::string direction = text_of(child(node, "direction"), "both");
  return {.kind = kind,
          .what = kind_of(kind),
          .at = duration_of(child(node, "at"), Duration(0)),
          .duration = duration_of(child(node, "for"), Duration(0)),
          .selector = read_selector(node),
          .between = texts_of(child(node, "between")),
          .direction = direction == "in"    ? SiteDirection::kIn
                       : direction == "out" ? SiteDirection::kOut
                                            : SiteDirection::kBoth,
          .manner = manner_of(text_of(child(node, "manner"))),
          .except = texts_of(child(node, "except")),
          .who = texts_of(child(node, "who")),
          .signal = signal_of(text_of(child(node, "signal"))),
          .hold_down = bool_of(child(node, "holdDown")),
          .restore = restore_of(text_of(child(node, "restore"))),
          .command = texts_of(child(node, "command")),
          .process = match_of(child(node, "process")),
          .manual_return = text_of(child(node, "return")) == "manual",
          .where = node->at};
}

Demand read_demand(const Node* node, Duration over) {
  Demand demand{.over = duration_of(child(node, "over"), over)};
  if (const Node* ratio = child(node, "successRatio")) demand.success_ratio = comparison_of(ratio);
  for (const Entry& entry : entries_of(child(node, "latency")))
    if (const auto percentile = plain_number(std::string_view(entry.key).substr(1)))
      demand.latency[static_cast<int>(*percentile)] = comparison_of(entry.value.get());
  return demand;
}

Gate read_gate(const Node* entry) {
  const Node* node = child(entry, "gate");
  Gate gate;
  static_cast<Demand&>(gate) = read_demand(node, gate.over);
  gate.at = duration_of(child(entry, "at"), Duration(0));
  gate.probes = texts_of(child(node, "probes"));
  gate.where = entry->at;
  return gate;
}

ColdStart read_cold_start(const Node* entry) {
  const Node* node = child(entry, "cold-start");
  ColdStart start{.at = duration_of(child(entry, "at"), Duration(0)),
                  .service = text_of(child(node, "service")),
                  .site = text_of(child(node, "in")),
                  .where = entry->at};
  start.within = duration_of(child(node, "within"), start.within);
  return start;
}

void read_check(const Node* node, contract::Probe& probe) {
  if (const Node* http = child(node, "http")) {
    probe.mutable_http()->set_url(text_of(child(http, "url")));
    probe.mutable_http()->set_status(int_of(child(http, "status")).value_or(0));
    probe.mutable_http()->set_body(text_of(child(http, "body")));
    probe.mutable_http()->set_ca(text_of(child(http, "ca")));
    probe.mutable_http()->set_insecure(bool_of(child(http, "insecure")));
  } else if (const Node* tcp = child(node, "tcp")) {
    probe.mutable_tcp()->set_host(text_of(child(tcp, "host")));
    probe.mutable_tcp()->set_port(int_of(child(tcp, "port")).value_or(0));
  } else if (const Node* dns = child(node, "dns")) {
    probe.mutable_dns()->set_name(text_of(child(dns, "name")));
    probe.mutable_dns()->set_server(text_of(child(dns, "server")));
    probe.mutable_dns()->set_record(text_of(child(dns, "record")));
  } else if (const Node* command = child(node, "command")) {
    for (const std::string& word : texts_of(command)) probe.mutable_command()->add_argv(word);
  } else if (const Node* prometheus = child(node, "prometheus")) {
    const Comparison value = comparison_of(child(prometheus, "value"));
    probe.mutable_prometheus()->set_url(text_of(child(prometheus, "url")));
    probe.mutable_prometheus()->set_query(text_of(child(prometheus, "query")));
    probe.mutable_prometheus()->set_op(value.op);
    probe.mutable_prometheus()->set_value(value.value);
  }
}

// What a check looks at, for people.
std::string check_text(const Node* node) {
  if (const Node* http = child(node, "http")) return "http " + text_of(child(http, "url"));
  if (const Node* tcp = child(node, "tcp"))
    return "tcp " + text_of(child(tcp, "host")) + ":" + text_of(child(tcp, "port"));
  if (const Node* dns = child(node, "dns")) return "dns " + text_of(child(dns, "name"));
  if (const Node* prometheus = child(node, "prometheus"))
    return "prometheus " + text_of(child(prometheus, "query")) + " " + text_of(child(prometheus, "value"));
  std::string text = "command";
  for (const std::string& word : texts_of(child(node, "command"))) text += " " + word;
  return text;
}

ProbeSpec read_probe(const Node* node) {
  ProbeSpec spec{.from = text_of(child(node, "from")),
                 .weight = number_of(child(node, "weight")).value_or(0),
                 .at = node->at};
  spec.probe.set_name(text_of(child(node, "name")));
  spec.probe.set_every_ns(duration_of(child(node, "every"), std::chrono::seconds(1)).count());
  spec.probe.set_timeout_ns(duration_of(child(node, "timeout"), std::chrono::seconds(1)).count());
  read_check(node, spec.probe);
  return spec;
}

// Names with a colon are nobody's in a file: they are free for what asks on its own behalf.
ProbeSpec read_own_probe(const Node* node, const std::string& name, Duration every, Duration timeout) {
  ProbeSpec spec{.from = text_of(child(node, "from")), .at = node->at};
  spec.probe.set_name(name);
  spec.probe.set_every_ns(every.count());
  spec.probe.set_timeout_ns(timeout.count());
  read_check(node, spec.probe);
  return spec;
}

Hypothesis read_hypothesis(const Node* node) {
  Hypothesis hypothesis;
  static_cast<Demand&>(hypothesis) = read_demand(node, hypothesis.over);
  hypothesis.probe = text_of(child(node, "probe"));
  hypothesis.within = duration_of(child(node, "within"), hypothesis.within);
  hypothesis.at = node->at;
  return hypothesis;
}

// Of "3 of 5"; nullopt where nothing is written or it is malformed.
std::optional<std::pair<int, int>> so_many_of(const Node* node) {
  const std::string text = text_of(node);
  const size_t of = text.find(" of ");
  if (of == std::string::npos) return std::nullopt;
  const auto many = plain_number(text.substr(0, of)), all = plain_number(text.substr(of + 4));
  if (!many || !all) return std::nullopt;
  return std::pair(static_cast<int>(*many), static_cast<int>(*all));
}

Guard read_guard(const Node* node, size_t index) {
  Guard guard;
  static_cast<Demand&>(guard) = read_demand(node, guard.over);
  guard.probe = text_of(child(node, "probe"));
  if (text_of(child(node, "onMissing")) == "ignore") guard.on_missing = Guard::OnMissing::kIgnore;
  if (const auto count = so_many_of(child(node, "breaches")))
    std::tie(guard.breaches, guard.windows) = *count;
  guard.at = node->at;
  const auto alone = [&](const char* key, std::optional<Comparison>& comparison) {
    if (const Node* value = child(node, key)) {
      comparison = comparison_of(value);
      guard.text = std::string(key) + " " + comparison->text;
    }
  };
  alone("unexpectedServices", guard.unexpected_services);
  alone("leak", guard.leaked);
  alone("agentsLost", guard.agents_lost);
  if (child(node, "prometheus")) {
    const Duration every = duration_of(child(node, "every"), std::chrono::seconds(1));
    guard.query =
        read_own_probe(node, "guard:" + std::to_string(index), every,
                       std::clamp<Duration>(every, std::chrono::milliseconds(500), std::chrono::seconds(2)));
    guard.text = check_text(node);
  } else if (!guard.probe.empty()) {
    guard.text = guard.probe + " " + guard.Demand::text();
  }
  if (guard.windows > 1) guard.text += ", " + text_of(child(node, "breaches"));
  return guard;
}

Precondition read_precondition(const Node* node, const std::string& name, Duration steady_for) {
  Precondition condition{
      .why = text_of(child(node, "why")), .probe = text_of(child(node, "probe")), .at = node->at};
  if (!condition.probe.empty()) {
    condition.demand = read_demand(node, steady_for);
    condition.text = condition.probe + " " + condition.demand.text();
    return condition;
  }
  const Duration timeout = duration_of(child(node, "timeout"), std::chrono::seconds(5));
  condition.check = read_own_probe(node, name, std::chrono::hours(1), timeout);
  condition.text = check_text(node);
  return condition;
}

std::vector<TimeWindow> read_windows(const Node* list) {
  std::vector<TimeWindow> windows;
  for (const NodePtr& item : items_of(list))
    if (auto window = fits(format::window(), *item) ? parse_window(text_of(item.get())) : std::nullopt) {
      window->at = item->at;
      windows.push_back(std::move(*window));
    }
  return windows;
}

RecordsSpec read_records(const Node* node) {
  RecordsSpec records{.name = text_of(child(node, "name"))};
  const auto side = [&](ProbeSpec& spec, const char* key) {
    spec.from = text_of(child(node, "from"));
    spec.at = node->at;
    spec.probe.set_name(records.name + ":" + key);
    spec.probe.set_every_ns(duration_of(child(node, "every"), std::chrono::milliseconds(100)).count());
    spec.probe.set_timeout_ns(duration_of(child(node, "timeout"), std::chrono::seconds(1)).count());
    for (const std::string& word : texts_of(child(node, key))) spec.probe.mutable_command()->add_argv(word);
  };
  side(records.write, "write");
  side(records.read, "read");
  return records;
}

Objectives read_objectives(const Node* node) {
  return {.detect = duration_of(child(node, "detect")),
          .mitigate = duration_of(child(node, "mitigate")),
          .recover = duration_of(child(node, "recover")),
          .mtpd = duration_of(child(node, "mtpd")),
          .rpo = duration_of(child(node, "rpo")),
          .clock = text_of(child(node, "clock"), "resolve")};
}

// "2/s", "10/m" or "30/h", as so many a second.
std::optional<double> pace_of(const Node* node) {
  const std::string text = text_of(node);
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return std::nullopt;
  const auto count = plain_number(std::string_view(text).substr(0, slash));
  const auto unit = parse_duration("1" + text.substr(slash + 1));
  if (!count || !unit) return std::nullopt;
  return *count / seconds(*unit);
}

Recovery read_recovery(const Node* node) {
  Recovery recovery{.pace_per_second = pace_of(child(node, "pace"))};
  for (const NodePtr& step : items_of(child(node, "order"))) recovery.order.push_back(texts_of(step.get()));
  recovery.watch = duration_of(child(node, "watch"), recovery.watch);
  recovery.within = duration_of(child(node, "within"), recovery.within);
  return recovery;
}

Limits read_limits(const Node* node) {
  Limits limits;
  limits.hosts = share_of(child(node, "hosts")).value_or(limits.hosts);
  limits.sites = int_of(child(node, "sites")).value_or(limits.sites);
  limits.duration = duration_of(child(node, "duration"), limits.duration);
  return limits;
}

std::string beside(const std::string& file, const std::string& path) {
  if (path.empty()) return "";
  return (std::filesystem::path(file).parent_path() / path).lexically_normal().string();
}

}  // namespace

Experiment read_experiment(const Document& document, Problems& problems) {
  check(document, experiment_shape(), problems);
  const Node* metadata = child(document.root.get(), "metadata");
  const Node* spec = child(document.root.get(), "spec");
  Experiment experiment{
      .name = text_of(child(metadata, "name")),
      .summary = text_of(child(metadata, "summary")),
      .origin = text_of(child(metadata, "origin")),
      .seed = static_cast<uint64_t>(std::max(0.0, number_of(child(metadata, "seed")).value_or(1))),
      .file = document.file,
      .topology = beside(document.file, text_of(child(spec, "topology")))};
  const Node* steady = child(spec, "steadyState");
  experiment.steady_for = duration_of(child(steady, "for"), experiment.steady_for);
  for (const NodePtr& item : items_of(child(steady, "probes")))
    experiment.probes.push_back(read_probe(item.get()));
  for (const NodePtr& item : items_of(child(spec, "timeline"))) {
    if (child(item.get(), "fault"))
      experiment.faults.push_back(read_fault(item.get()));
    else if (child(item.get(), "gate"))
      experiment.gates.push_back(read_gate(item.get()));
    else if (child(item.get(), "cold-start"))
      experiment.cold_starts.push_back(read_cold_start(item.get()));
  }
  for (const NodePtr& item : items_of(child(spec, "hypothesis")))
    experiment.hypothesis.push_back(read_hypothesis(item.get()));
  for (const NodePtr& item : items_of(child(spec, "guards")))
    experiment.guards.push_back(read_guard(item.get(), experiment.guards.size() + 1));
  for (const NodePtr& item : items_of(child(spec, "requires")))
    experiment.preconditions.push_back(
        read_precondition(item.get(), "requires:" + std::to_string(experiment.preconditions.size() + 1),
                          experiment.steady_for));
  if (const Node* incident = child(spec, "noIncident")) {
    experiment.no_incident = read_precondition(incident, "noIncident:1", experiment.steady_for);
    experiment.no_incident->why = "no live incident";
  }
  for (const NodePtr& item : items_of(child(spec, "records")))
    experiment.records.push_back(read_records(item.get()));
  const Node* windows = child(spec, "windows");
  experiment.windows = {text_of(child(windows, "zone")), read_windows(child(windows, "allowed")),
                        read_windows(child(windows, "blocked"))};
  const Node* announce = child(spec, "announce");
  experiment.announce = {text_of(child(announce, "webhook")), bool_of(child(announce, "stdout"))};
  for (const Entry& entry : entries_of(child(spec, "roles")))
    experiment.roles[entry.key] = texts_of(entry.value.get());
  experiment.objectives = read_objectives(child(spec, "objectives"));
  experiment.recovery = read_recovery(child(spec, "recovery"));
  experiment.limits = read_limits(child(spec, "limits"));
  if (text_of(child(spec, "onConductorLoss")) == "hold")
    experiment.on_conductor_loss = OnConductorLoss::kHold;
  if (text_of(child(spec, "controlPath")) == "cut") experiment.control_path = ControlPath::kCut;
  experiment.lease = duration_of(child(spec, "lease"), experiment.lease);
  const std::string enforce = text_of(child(spec, "enforce"), "both");
  experiment.enforce = enforce == "site"        ? Enforce::kSite
                       : enforce == "survivors" ? Enforce::kSurvivors
                                                : Enforce::kBoth;
  experiment.engine = engine_named(text_of(child(spec, "engine"), "auto")).value_or(contract::ENGINE_AUTO);
  for (const std::string& name : texts_of(child(spec, "unprotect"))) {
    const auto prefix = Prefix::parse(name);
    experiment.unprotect.push_back(prefix ? prefix->text() : name);
  }
  if (text_of(child(spec, "expect")) == "fail") experiment.expect = Expect::kFail;
  return experiment;
}

}  // namespace blackstart
