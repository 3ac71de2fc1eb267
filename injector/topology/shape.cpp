// SPDX-License-Identifier: Apache-2.0
#include "agents/language/shape.h"

#include "injector/topology/read_topology.h"
#include "injector/topology/roles.h"

namespace blackstart {
namespace {

Shape name() {
  return scalar(format::name());
}
Shape text() {
  return scalar(format::text());
}
Shape flag() {
  return scalar(format::boolean());
}
Shape port() {
  return scalar(format::port());
}
Shape duration() {
  return scalar(format::duration());
}
Shape labels() {
  return map_of(format::name(), text());
}
Shape arguments() {
  return list_of(text(), 1);
}

Shape site() {
  return object("a site",
                {must("prefixes", one_or_more(scalar(format::prefix())), "its address ranges, IPv4 and IPv6"),
                 may("group", name(), "sites of one group share fate: building, carrier, campus"),
                 may("outside", flag(), "users and partners: watched from, never a target")});
}

Shape host() {
  Shape attach = object(
      "attach", {may("container", text(), "a running container, by name or id"),
                 may("pid", scalar(format::integer(1)), "a process whose network namespace is the host's"),
                 may("netns", text(), "a network namespace, by path or name")});
  attach.exactly_one = {{"container", "pid", "netns"}};
  return object("a host", {must("site", name(), "the site it stands in"),
                           must("address", one_or_more(scalar(format::address())),
                                "one or more, inside the site's prefixes"),
                           may("labels", labels(), "to select it by"),
                           may("attach", std::move(attach),
                               "what is running already is the host; then so it is for every host")});
}

Shape need() {
  return either({name(), object("a need", {must("service", name(), "the service needed"),
                                           may("while", scalar(format::words({"any", "majority", "primary"})),
                                               "which of its instances must be reachable (any)")})});
}

Shape instance() {
  Shape shape =
      object("an instance", {must("host", name(), "where it runs"), may("port", port(), "where it answers"),
                             may("process", process_shape(), "how to recognise it, without or beside a port"),
                             may("primary", flag(), "the one that takes writes; at most one a service")});
  shape.at_least_one = {{"port", "process"}};
  return shape;
}

Shape service_check() {
  Shape shape = object(
      "a check",
      {may("http",
           object("http", {may("path", scalar(format::http_path()), "what to ask for (/)"),
                           may("status", scalar(format::integer(100, 599)), "the answer expected (200)")}),
           "an HTTP request to the instance's port"),
       may("tcp", object("tcp", {}), "a TCP connect to the instance's port (what is done without a check)"),
       may("dns", object("dns", {must("name", text(), "the name asked for")}),
           "a DNS query to the instance")});
  shape.exactly_one = {{"http", "tcp", "dns"}};
  return shape;
}

Shape service() {
  Shape shape =
      object("a service",
             {must("role", scalar(format::words(roles())), "what it is for"),
              may("tier", scalar(format::integer(1, 9)), "1 is the most important"),
              may("labels", labels(), "to select it by"),
              may("needs", list_of(need()), "services without which it does not work"),
              may("instances", list_of(instance(), 1), "where it runs"),
              may("endpoints", list_of(scalar(format::endpoint()), 1), "by name; the addresses are followed"),
              may("buckets", list_of(text()), "of an object storage"),
              may("check", service_check(), "asked of every instance")});
  shape.at_least_one = {{"instances", "endpoints"}};
  return shape;
}

Shape protection() {
  Shape shape = object("a protection", {may("prefix", scalar(format::prefix()), "addresses nobody may touch"),
                                        may("port", port(), "a TCP or UDP port, local or remote"),
                                        may("service", name(), "its processes, on every host"),
                                        may("why", text(), "the reason, shown in every plan")});
  shape.exactly_one = {{"prefix", "port", "service"}};
  return shape;
}

Shape lab() {
  Shape ready = object("ready", {may("tcp", port(), "ready once this port accepts"),
                                 may("http", scalar(format::http_path()),
                                     "ready once this path answers 200 on the instance's port"),
                                 may("within", duration(), "how long that may take (10s)")});
  ready.exactly_one = {{"tcp", "http"}};
  Shape run = object(
      "how a service is started",
      {must("command", arguments(), "program and arguments; no shell"),
       may("prepare", list_of(arguments()), "commands run before, in order, as the same user"),
       may("files", map_of(format::text(), text()), "name under {dir}, from a template beside the topology"),
       may("env", map_of(format::text(), text()), "environment variables"),
       may("user", name(), "who runs it (root)"),
       may("ready", std::move(ready), "when it counts as started")});
  return object(
      "lab", {may("wan", object("wan", {may("latency", duration(), "between sites")}),
                  "the network between the sites"),
              may("run", map_of(format::name(), std::move(run)), "by service: how each instance is started"),
              may("names", map_of(format::name(), one_or_more(name())),
                  "further names, and the hosts that carry them")});
}

Shape spec() {
  return object("spec", {must("sites", map_of(format::name(), site(), 1),
                              "failure domains: prefixes and who shares fate"),
                         may("hosts", map_of(format::name(), host()),
                             "machines; a fleet needs none, agents register themselves"),
                         may("services", map_of(format::name(), service()), "what users and operators need"),
                         may("protect", list_of(protection()), "what no fault may touch"),
                         may("lab", lab(), "how the topology is built on this machine")});
}

}  // namespace

Shape process_shape() {
  Shape shape = object(
      "a process",
      {may("exe", scalar(format::absolute_path()), "its program, or the script it interprets"),
       may("comm", scalar(format::comm()), "the kernel's short name for it"),
       may("cmdline", scalar(format::regex()), "found in its arguments, joined by spaces"),
       may("unit", text(), "of systemd, with its sockets, timers and paths"),
       may("cgroup", scalar(format::cgroup_path()), "and all below it"), may("user", name(), "whose it is")});
  shape.at_least_one = {{"exe", "comm", "cmdline", "unit", "cgroup", "user"}};
  return shape;
}

const Shape& topology_shape() {
  static const Shape shape = document_shape("Topology", {}, spec());
  return shape;
}

}  // namespace blackstart
