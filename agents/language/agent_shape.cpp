// SPDX-License-Identifier: Apache-2.0
#include "agents/language/agent_shape.h"

namespace blackstart {
namespace {

Format service_or_any() {
  Format any = format::name();
  any.expected = "the name of a service, or \"*\" for any";
  any.accepts = nullptr;
  any.pattern = "^(\\*|[A-Za-z0-9][A-Za-z0-9._-]{0,62})$";
  any.compiled = std::make_shared<const std::regex>(any.pattern, std::regex::ECMAScript | std::regex::nosubs);
  return any;
}

Shape accept() {
  return object(
      "accept",
      {may("prefixes", list_of(scalar(format::prefix())), "every target of a packet fault must lie inside"),
       may("services", list_of(scalar(service_or_any())), "that faults may name; \"*\" is any"),
       may("faults", list_of(scalar(format::words(touching_fault_kinds()))), "kinds of fault"),
       may("longest", scalar(format::duration()), "of one fault, at most 12h (5m)"),
       may("commands", scalar(format::boolean()), "may command probes run (false)"),
       may("power", scalar(format::words(power_losses())),
           "what a loss of power does here; after `poweroff` the machine does not come back by itself (left "
           "out: "
           "refused)")});
}

Shape process() {
  Shape shape = object(
      "a process",
      {may("exe", scalar(format::http_path()), "path of the program, or of the script an interpreter runs"),
       may("comm", scalar(format::text()), "its name, of at most 15 characters"),
       may("cmdline", scalar(format::text()), "an expression, searched in its arguments joined by spaces"),
       may("unit", scalar(format::text()), "of systemd"),
       may("port", scalar(format::port()), "it listens there, TCP or UDP"),
       may("cgroup", scalar(format::text()), "of version 2, relative to the root, and all below it"),
       may("user", scalar(format::text()), "whose it is")});
  shape.at_least_one = {{"exe", "comm", "cmdline", "unit", "port", "cgroup", "user"}};
  return shape;
}

Shape protection() {
  Shape shape =
      object("a protection",
             {may("prefix", scalar(format::prefix()), "addresses no fault on this host may touch"),
              may("port", scalar(format::port()), "a TCP or UDP port, local or remote"),
              may("service", scalar(format::name()), "a service no fault may kill or freeze here"),
              may("process", process(), "processes no fault may kill or freeze: all that is said fits"),
              may("why", scalar(format::text()), "the reason, named when an order is refused")});
  shape.exactly_one = {{"prefix", "port", "service", "process"}};
  return shape;
}

}  // namespace

const std::vector<std::string>& touching_fault_kinds() {
  static const std::vector<std::string> kinds{
      "site-blackhole",  "partition",      "packet-loss", "latency",
      "bandwidth",       "packet-corrupt", "flap",        "service-kill",
      "service-freeze",  "storage-drop",   "dns-outage",  "site-power-loss",
      "host-power-loss", "host-pressure",  "load-surge"};
  return kinds;
}

const std::vector<std::string>& power_losses() {
  static const std::vector<std::string> ways{"freeze", "kill", "poweroff"};
  return ways;
}

const Shape& agent_shape() {
  static const Shape shape = document_shape(
      "Agent", {},
      object(
          "spec",
          {may("site", scalar(format::name()), "the site this host stands in"),
           may("socket", scalar(format::http_path()), "where it listens (/run/blackstart/agent.sock)"),
           may("state", scalar(format::http_path()),
               "folder for what must be known after a crash (/var/lib/blackstart/agent)"),
           may("metricsListen", scalar(format::text()), "address of /metrics; \"\": none (127.0.0.1:9464)"),
           may("accept", accept(), "what orders may ask of this host; left out: nothing"),
           may("protect", list_of(protection()),
               "traffic and processes no order may touch, whatever it says")}));
  return shape;
}

}  // namespace blackstart
