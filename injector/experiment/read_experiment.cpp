// SPDX-License-Identifier: Apache-2.0
#include "injector/experiment/read_experiment.h"

#include <algorithm>
#include <filesystem>

#include "agents/language/values.h"

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
  return FaultKind::kSiteBlackhole;
}

contract::Manner manner_of(const std::string& manner) {
  if (manner == "reset") return contract::MANNER_RESET;
  if (manner == "unreachable") return contract::MANNER_UNREACHABLE;
  if (manner == "deny") return contract::MANNER_DENY;
  return contract::MANNER_SILENT;
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
          .where = node->at};
}

Gate read_gate(const Node* entry) {
  const Node* gate = child(entry, "gate");
  return {.at = duration_of(child(entry, "at"), Duration(0)),
          .probes = texts_of(child(gate, "probes")),
          .success_ratio = comparison_of(child(gate, "successRatio")),
          .over = duration_of(child(gate, "over"), std::chrono::seconds(5)),
          .where = entry->at};
}

ProbeSpec read_probe(const Node* node) {
  ProbeSpec spec{.from = text_of(child(node, "from")),
                 .weight = number_of(child(node, "weight")).value_or(0),
                 .at = node->at};
  contract::Probe& probe = spec.probe;
  probe.set_name(text_of(child(node, "name")));
  probe.set_every_ns(duration_of(child(node, "every"), std::chrono::seconds(1)).count());
  probe.set_timeout_ns(duration_of(child(node, "timeout"), std::chrono::seconds(1)).count());
  if (const Node* http = child(node, "http")) {
    probe.mutable_http()->set_url(text_of(child(http, "url")));
    probe.mutable_http()->set_status(int_of(child(http, "status")).value_or(0));
    probe.mutable_http()->set_body(text_of(child(http, "body")));
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
  return spec;
}

Hypothesis read_hypothesis(const Node* node) {
  Hypothesis hypothesis{.probe = text_of(child(node, "probe")),
                        .success_ratio = comparison_of(child(node, "successRatio"))};
  hypothesis.over = duration_of(child(node, "over"), hypothesis.over);
  hypothesis.within = duration_of(child(node, "within"), hypothesis.within);
  hypothesis.at = node->at;
  return hypothesis;
}

Guard read_guard(const Node* node) {
  Guard guard{.probe = text_of(child(node, "probe")),
              .success_ratio = comparison_of(child(node, "successRatio"))};
  guard.over = duration_of(child(node, "over"), guard.over);
  if (text_of(child(node, "onMissing")) == "ignore") guard.on_missing = Guard::OnMissing::kIgnore;
  guard.at = node->at;
  if (const Node* unexpected = child(node, "unexpectedServices")) {
    guard.unexpected_services = comparison_of(unexpected);
    guard.text = "unexpectedServices " + guard.unexpected_services->text;
  } else {
    guard.text =
        guard.probe + " successRatio " + guard.success_ratio.text + " over " + format_duration(guard.over);
  }
  return guard;
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
  }
  for (const NodePtr& item : items_of(child(spec, "hypothesis")))
    experiment.hypothesis.push_back(read_hypothesis(item.get()));
  for (const NodePtr& item : items_of(child(spec, "guards")))
    experiment.guards.push_back(read_guard(item.get()));
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
  experiment.unprotect = texts_of(child(spec, "unprotect"));
  if (text_of(child(spec, "expect")) == "fail") experiment.expect = Expect::kFail;
  return experiment;
}

}  // namespace blackstart
