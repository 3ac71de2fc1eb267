// SPDX-License-Identifier: Apache-2.0
// The faults of the language, one table. Which of them this version can do is said in validate_alone.cpp.
#include <algorithm>

#include "injector/experiment/read_experiment.h"
#include "injector/topology/read_topology.h"
#include "injector/topology/roles.h"

namespace blackstart {
namespace {

using Fields = std::vector<Field>;

Shape name() {
  return scalar(format::name());
}
Shape text() {
  return scalar(format::text());
}
Shape share() {
  return scalar(format::share());
}
Shape duration() {
  return scalar(format::duration());
}
Shape words(std::vector<std::string> all) {
  return scalar(format::words(std::move(all)));
}
Shape positive() {
  return scalar(format::integer(1));
}

Fields operator+(Fields left, const Fields& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

const std::vector<std::string> kSelectorKeys{"host", "site", "group", "service", "role", "tier", "labels"};

Fields selector() {
  return {
      may("host", name(), "the host of this name"),
      may("site", name(), "everything in this site"),
      may("group", name(), "everything in the sites of this group"),
      may("service", name(), "where this service runs"),
      may("role", words(selectable_roles()), "where services of this role run; ops stands for every ops/..."),
      may("tier", scalar(format::integer(1, 9)), "where services of this tier run"),
      may("labels", map_of(format::name(), text(), 1), "hosts that carry all of these labels"),
      may("share", share(), "of what matched, drawn with metadata.seed"),
      may("count", positive(), "how many of what matched, drawn with metadata.seed")};
}

Field between(bool required) {
  return {"between", list_of(name(), 2, 2), required, "the two sides: sites or groups"};
}

Field direction() {
  return may("direction", words({"both", "in", "out"}), "seen from the site, or the first side (both)");
}

Field manner(std::vector<std::string> all) {
  return may("manner", words(std::move(all)), "how it shows (silent)");
}

Fields traffic_fields() {
  return Fields{between(false), direction(),
                may("except", one_or_more(text()), "hosts, services, sites, prefixes left alone")} +
         selector();
}

std::vector<std::string> with_between() {
  std::vector<std::string> keys = kSelectorKeys;
  keys.push_back("between");
  return keys;
}

Field process() {
  Shape shape = process_shape();
  shape.fields.push_back(may("port", scalar(format::port()), "it listens there, TCP or UDP"));
  shape.at_least_one.front().push_back("port");
  return may("process", std::move(shape), "which processes there, whatever the topology says of them");
}

Field way_back() {
  return may("return", words({"manual", "paced"}), "how it comes back: manual waits for a person (paced)");
}

Shape cold_start() {
  return object("a cold start", {must("service", name(), "of which a fresh instance is started"),
                                 must("in", name(), "the site, on a host that has none"),
                                 may("within", duration(), "how long until it is ready (15s)")});
}

struct FaultShape {
  const char* name;
  Fields own;
  std::vector<std::string> at_least_one;  // keys
  bool needs_for = true;
};

const std::vector<FaultShape>& traffic_faults() {
  static const std::vector<FaultShape> all{
      {"site-blackhole",
       Fields{manner({"silent", "reset", "unreachable", "deny"}), direction(),
              may("except", one_or_more(text()), "hosts, services, sites, prefixes left alone")} +
           selector(),
       kSelectorKeys},
      {"partition", {between(true), direction(), manner({"silent", "reset", "unreachable", "deny"})}, {}},
      {"packet-loss", Fields{must("probability", share(), "of a packet being lost")} + traffic_fields(),
       with_between()},
      {"latency",
       Fields{must("delay", duration(), "added to every packet"),
              may("jitter", duration(), "more or less than that")} +
           traffic_fields(),
       with_between()},
      {"bandwidth",
       Fields{must("rate", scalar(format::rate()), "what is left"),
              may("burst", scalar(format::size()), "sent at once")} +
           traffic_fields(),
       with_between()},
      {"packet-corrupt", Fields{must("probability", share(), "of a packet being damaged")} + traffic_fields(),
       with_between()},
  };
  return all;
}

// Wraps another traffic fault: its fields stand beside flap's own.
FaultShape flap() {
  std::vector<std::string> wrapped;
  Fields fields{must("up", duration(), "how long the link is well"),
                must("down", duration(), "how long the fault lasts"),
                may("cycles", positive(), "how often (until `for` has passed)")};
  for (const FaultShape& fault : traffic_faults()) {
    wrapped.emplace_back(fault.name);
    for (Field field : fault.own) {
      const bool there =
          std::any_of(fields.begin(), fields.end(), [&](const Field& one) { return one.name == field.name; });
      field.required = false;
      if (!there) fields.push_back(std::move(field));
    }
  }
  fields.insert(fields.begin(), must("wraps", words(wrapped), "the traffic fault that comes and goes"));
  return {"flap", std::move(fields), with_between()};
}

std::vector<FaultShape> all_faults() {
  std::vector<FaultShape> all = traffic_faults();
  all.push_back(flap());
  all.push_back(
      {"service-kill",
       Fields{
           may("signal", words({"KILL", "TERM", "INT", "QUIT", "ABRT", "HUP", "SEGV"}),
               "sent to every process (KILL)"),
           may("holdDown", scalar(format::boolean()), "a new one dies before its first instruction (false)"),
           may("restore", words({"auto", "unit", "command", "none"}),
               "who starts it again: what started it, its unit, a command, nobody (auto)"),
           may("command", list_of(text(), 1), "that starts it again; no shell"), way_back(), process()} +
           selector(),
       kSelectorKeys});
  all.push_back({"service-freeze", Fields{process()} + selector(), kSelectorKeys});
  all.push_back(
      {"storage-drop",
       Fields{may("operations", list_of(words({"read", "write", "list", "delete"}), 1), "only these verbs"),
              may("buckets", list_of(text(), 1), "only these buckets"),
              manner({"silent", "reset", "slow-down"})} +
           selector(),
       kSelectorKeys});
  all.push_back({"dns-outage",
                 Fields{may("names", one_or_more(text()), "only these names"),
                        manner({"silent", "servfail", "nxdomain"})} +
                     selector(),
                 {"names", "service", "role", "host", "site", "group", "tier", "labels"}});
  all.push_back({"site-power-loss", Fields{way_back()} + selector(), kSelectorKeys});
  all.push_back({"host-power-loss", Fields{way_back()} + selector(), kSelectorKeys});
  FaultShape pressure{
      "host-pressure",
      Fields{may("cpu", share(), "of every processor"), may("memory", share(), "of all memory"),
             may("disk", share(), "of the free space")} +
          selector(),
      kSelectorKeys};
  all.push_back(std::move(pressure));
  all.push_back({"load-surge",
                 Fields{must("command", list_of(text(), 1), "the load generator; no shell")} + selector(),
                 {}});
  all.push_back({"people-absent", {must("who", one_or_more(text()), "who takes no part")}, {}, false});
  return all;
}

Shape shape_of(const FaultShape& fault) {
  Fields fields{must("fault", words({fault.name}), "what goes wrong"),
                may("at", duration(), "from T0 (0s)"),
                {"for", duration(), fault.needs_for, "how long; at most 12h"}};
  Shape shape = object(fault.name, fields + fault.own);
  if (!fault.at_least_one.empty()) shape.at_least_one.push_back(fault.at_least_one);
  if (fault.name == std::string("host-pressure")) shape.at_least_one.push_back({"cpu", "memory", "disk"});
  shape.at_most_one = {{"share", "count"}};
  return shape;
}

}  // namespace

Shape timeline_entry_shape() {
  std::vector<Case> all;
  for (const FaultShape& fault : all_faults()) all.push_back({"fault", fault.name, shape_of(fault)});
  Shape gate = demanding(
      object("a gate", {must("probes", one_or_more(name()), "the probes that must be well")}), "5s");
  all.push_back({"gate", "",
                 object("a gate's entry", {must("at", duration(), "from T0"),
                                           must("gate", std::move(gate), "stops widening when it fails")})});
  all.push_back({"cold-start", "",
                 object("a cold start's entry",
                        {may("at", duration(), "from T0 (0s)"),
                         must("cold-start", cold_start(), "does it come up with what is left?")})});
  return cases("an entry of the timeline", std::move(all));
}

}  // namespace blackstart
