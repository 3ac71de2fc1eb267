// SPDX-License-Identifier: Apache-2.0
#include "injector/topology/read_topology.h"

#include "agents/language/values.h"

namespace blackstart {
namespace {

std::optional<uint16_t> port_of(const Node* node) {
  const auto number = int_of(node);
  if (!number || *number < 1 || *number > 65535) return std::nullopt;
  return static_cast<uint16_t>(*number);
}

Site read_site(const Entry& entry) {
  const Node* node = entry.value.get();
  Site site{
      .name = entry.key, .group = text_of(child(node, "group")), .outside = bool_of(child(node, "outside"))};
  site.at = entry.at;
  if (const Entry* outside = node->entry("outside")) site.outside_at = outside->at;
  for (const std::string& text : texts_of(child(node, "prefixes")))
    if (const auto prefix = Prefix::parse(text)) site.prefixes.push_back(*prefix);
  return site;
}

Host read_host(const Entry& entry) {
  const Node* node = entry.value.get();
  Host host{
      .name = entry.key, .site = text_of(child(node, "site")), .labels = text_map_of(child(node, "labels"))};
  host.at = entry.at;
  if (const Entry* attach = node->entry("attach")) {
    const Node* how = attach->value.get();
    host.attach =
        Attach{text_of(child(how, "container")), static_cast<int>(int_of(child(how, "pid")).value_or(0)),
               text_of(child(how, "netns")), attach->at};
  }
  for (const std::string& text : texts_of(child(node, "address")))
    if (const auto address = Address::parse(text)) host.addresses.push_back(*address);
  return host;
}

Need read_need(const Node& node) {
  if (node.kind == Node::Kind::kScalar) return {.service = node.text, .at = node.at};
  const std::string reachable = text_of(child(&node, "while"), "any");
  return {.service = text_of(child(&node, "service")),
          .reachable = reachable == "majority"  ? Need::While::kMajority
                       : reachable == "primary" ? Need::While::kPrimary
                                                : Need::While::kAny,
          .at = node.at};
}

Instance read_instance(const Node& node) {
  Instance instance{.host = text_of(child(&node, "host")),
                    .port = port_of(child(&node, "port")),
                    .primary = bool_of(child(&node, "primary")),
                    .at = node.at};
  if (const Node* process = child(&node, "process")) instance.process = read_process(process);
  return instance;
}

Endpoint read_endpoint(const Node& node) {
  const std::string text = text_of(&node);
  const size_t colon = text.rfind(':');
  Endpoint endpoint{.name = text.substr(0, colon), .at = node.at};
  if (colon != std::string::npos)
    endpoint.port = static_cast<uint16_t>(plain_number(std::string_view(text).substr(colon + 1)).value_or(0));
  return endpoint;
}

ServiceCheck read_check(const Node* node) {
  if (const Node* http = child(node, "http")) {
    return {ServiceCheck::Http{text_of(child(http, "path"), "/"),
                               static_cast<uint16_t>(int_of(child(http, "status")).value_or(200))}};
  }
  if (const Node* dns = child(node, "dns")) return {ServiceCheck::Dns{text_of(child(dns, "name"))}};
  return {ServiceCheck::Tcp{}};
}

Service read_service(const Entry& entry) {
  const Node* node = entry.value.get();
  Service service{.name = entry.key,
                  .role = text_of(child(node, "role")),
                  .tier = int_of(child(node, "tier")).value_or(0),
                  .labels = text_map_of(child(node, "labels"))};
  service.at = entry.at;
  for (const NodePtr& item : items_of(child(node, "needs"))) service.needs.push_back(read_need(*item));
  for (const NodePtr& item : items_of(child(node, "instances")))
    service.instances.push_back(read_instance(*item));
  for (const NodePtr& item : items_of(child(node, "endpoints")))
    service.endpoints.push_back(read_endpoint(*item));
  service.buckets = texts_of(child(node, "buckets"));
  service.check = read_check(child(node, "check"));
  return service;
}

LabRun read_run(const Entry& entry) {
  const Node* node = entry.value.get();
  LabRun run{.command = texts_of(child(node, "command"))};
  for (const NodePtr& command : items_of(child(node, "prepare")))
    run.prepare.push_back(texts_of(command.get()));
  run.files = text_map_of(child(node, "files"));
  run.env = text_map_of(child(node, "env"));
  run.user = text_of(child(node, "user"));
  if (const Node* ready = child(node, "ready")) {
    run.ready.tcp = port_of(child(ready, "tcp"));
    if (const Node* http = child(ready, "http")) run.ready.http = text_of(http);
    run.ready.within = duration_of(child(ready, "within"), run.ready.within);
  }
  run.at = entry.at;
  return run;
}

Lab read_lab(const Node* node) {
  Lab lab{.wan_latency = duration_of(child(child(node, "wan"), "latency"), Duration(0))};
  for (const Entry& entry : entries_of(child(node, "run"))) lab.run[entry.key] = read_run(entry);
  for (const Entry& entry : entries_of(child(node, "names")))
    lab.names[entry.key] = texts_of(entry.value.get());
  return lab;
}

}  // namespace

ProcessMatch read_process(const Node* node) {
  return {.exe = text_of(child(node, "exe")),
          .unit = text_of(child(node, "unit")),
          .comm = text_of(child(node, "comm")),
          .cmdline = text_of(child(node, "cmdline")),
          .cgroup = text_of(child(node, "cgroup")),
          .user = text_of(child(node, "user"))};
}

Topology read_topology(const Document& document, Problems& problems) {
  check(document, topology_shape(), problems);
  const Node* root = document.root.get();
  const Node* spec = child(root, "spec");
  Topology topology{.name = text_of(child(child(root, "metadata"), "name")),
                    .summary = text_of(child(child(root, "metadata"), "summary")),
                    .file = document.file};
  for (const Entry& entry : entries_of(child(spec, "sites"))) topology.sites[entry.key] = read_site(entry);
  for (const Entry& entry : entries_of(child(spec, "hosts"))) topology.hosts[entry.key] = read_host(entry);
  for (const Entry& entry : entries_of(child(spec, "services")))
    topology.services[entry.key] = read_service(entry);
  for (const NodePtr& item : items_of(child(spec, "protect"))) {
    topology.protect.push_back({.prefix = Prefix::parse(text_of(child(item.get(), "prefix"))),
                                .port = port_of(child(item.get(), "port")),
                                .why = text_of(child(item.get(), "why")),
                                .at = item->at,
                                .service = text_of(child(item.get(), "service"))});
  }
  if (const Node* lab = child(spec, "lab")) topology.lab = read_lab(lab);
  return topology;
}

}  // namespace blackstart
