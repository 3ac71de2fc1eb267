// SPDX-License-Identifier: Apache-2.0
#include "agents/language/shape.h"

#include "injector/experiment/read_experiment.h"
#include "injector/topology/roles.h"

namespace blackstart {
namespace {

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

Shape http() {
  return object("http",
                {must("url", scalar(format::http_url()), "what to ask for"),
                 may("status", scalar(format::integer(100, 599)), "the answer expected (any below 400)"),
                 may("body", text(), "must occur in the answer"),
                 may("ca", text(), "PEM file on the host that asks: who may have signed (whom it trusts)"),
                 may("insecure", scalar(format::boolean()), "any certificate will do (false)")});
}

Shape prometheus() {
  return object("prometheus",
                {must("url", scalar(format::http_url()), "of the server"), must("query", text(), "PromQL"),
                 must("value", scalar(format::value_comparison()), "what the answer must be")});
}

Field from() {
  return may("from", name(), "the host that asks (the conductor's own place)");
}

// The ways to look at a system; each key is one.
std::vector<Field> checks() {
  Shape tcp = object("tcp", {must("host", text(), "name or address"),
                             must("port", scalar(format::port()), "to connect to")});
  Shape dns = object(
      "dns", {must("name", text(), "the name asked for"), may("server", text(), "address, or address:port"),
              may("record", words({"A", "AAAA", "CNAME", "MX", "NS", "PTR", "SRV", "TXT"}), "(A)")});
  return {may("http", http(), "an HTTP request"), may("tcp", std::move(tcp), "a TCP connect"),
          may("dns", std::move(dns), "a DNS query"),
          may("command", list_of(text(), 1), "a program that exits 0; no shell"),
          may("prometheus", prometheus(), "a query to a Prometheus server")};
}

Shape probe() {
  std::vector<Field> fields{
      must("name", name(), "what others call it by"), from(),
      may("every", duration(), "between two attempts (1s)"),
      may("timeout", duration(), "of one attempt (1s)"),
      may("weight", scalar(format::number(0)), "above 0: a user's journey, and how much it counts")};
  std::vector<std::string> ways;
  for (Field& check : checks()) {
    ways.push_back(check.name);
    fields.push_back(std::move(check));
  }
  Shape shape = object("a probe", std::move(fields));
  shape.exactly_one = {ways};
  return shape;
}

Shape records() {
  return object("records",
                {must("name", name(), "what reports call them"),
                 may("from", name(), "the host that writes and reads (the conductor's own place)"),
                 may("every", duration(), "between two records (100ms)"),
                 may("timeout", duration(), "of one write or read (1s)"),
                 must("write", list_of(text(), 1), "writes record {n} of {run}; exit 0: acknowledged"),
                 must("read", list_of(text(), 1), "exit 0: record {n} of {run} is there; 1: it is not")});
}

Shape hypothesis() {
  std::vector<Field> fields{must("probe", name(), "what it is about"),
                            may("within", duration(), "of T0 it must be met, and kept (0s)")};
  return demanding(object("a hypothesis", std::move(fields)), "5s");
}

// What is said about data over time, and what a want of it means.
std::vector<Field> patience() {
  return {may("onMissing", words({"breach", "ignore"}), "what no data means (breach)"),
          may("breaches", scalar(format::so_many_of()), "so many of the last windows or answers (1 of 1)")};
}

Shape guard() {
  std::vector<Field> about_probe{must("probe", name(), "what it is about")};
  std::vector<Field> about_query{must("prometheus", prometheus(), "what must hold"), from(),
                                 may("every", duration(), "between two queries (1s)")};
  for (const Field& field : patience()) {
    about_probe.push_back(field);
    about_query.push_back(field);
  }
  const auto alone = [](const char* key, Format format, const char* description) {
    return Case{key, "", object("a guard", {must(key, scalar(std::move(format)), description)})};
  };
  return cases(
      "a guard",
      {{"probe", "", demanding(object("a guard", std::move(about_probe)), "10s")},
       {"prometheus", "", object("a guard", std::move(about_query))},
       alone("unexpectedServices", format::count_comparison(), "services hurt though predicted unaffected"),
       alone("leak", format::count_comparison(), "packets that got through although they must not"),
       alone("agentsLost", format::ratio_comparison(), "agents that do not answer, of all (<= 10%)")});
}

Shape precondition() {
  const Field why = may("why", text(), "what it is for");
  std::vector<Case> all{
      {"probe", "",
       demanding(object("a requirement", {must("probe", name(), "of the steady state"), why}),
                 "steadyState.for")}};
  for (Field& check : checks()) {
    check.required = true;
    const std::string key = check.name;
    all.push_back({key, "",
                   object("a requirement", {std::move(check), from(),
                                            may("timeout", duration(), "of the one attempt (5s)"), why})});
  }
  return cases("a requirement", std::move(all));
}

Shape no_incident() {
  Shape shape = object("noIncident", {may("http", http(), "an HTTP request"),
                                      may("prometheus", prometheus(), "a query to a Prometheus server"),
                                      from(), may("timeout", duration(), "of the one attempt (5s)")});
  shape.exactly_one = {{"http", "prometheus"}};
  return shape;
}

Shape windows() {
  Shape shape = object("windows",
                       {must("zone", scalar(format::zone()), "whose clock counts, as in the tz database"),
                        may("allowed", list_of(scalar(format::window()), 1), "when a drill may run (always)"),
                        may("blocked", list_of(scalar(format::window()), 1), "when none may")});
  shape.at_least_one = {{"allowed", "blocked"}};
  return shape;
}

Shape recovery() {
  std::vector<std::string> steps = selectable_roles();
  steps.insert(steps.begin(), "network");
  Shape step = words(steps);
  return object(
      "recovery",
      {may("order", list_of(either({step, list_of(step, 1)})), "roles; a nested list comes back together"),
       may("pace", scalar(format::pace()), "hosts or instances a second (all at once)"),
       may("watch", duration(), "how long the steady state must hold after the last return (5s)"),
       may("within", duration(), "how long after the last return it may take until that begins (1m)")});
}

Shape announce() {
  Shape shape = object("announce", {may("webhook", scalar(format::http_url()), "gets each as a POST of JSON"),
                                    may("stdout", scalar(format::boolean()), "a line each (false)")});
  shape.at_least_one = {{"webhook", "stdout"}};
  return shape;
}

Shape people() {
  const Shape who = one_or_more(text());
  return object("roles", {may("owner", who, "answers for the drill"), may("coordinator", who, "runs it"),
                          may("reporter", who, "writes down what happens"),
                          may("observers", who, "watch, and take no part"),
                          may("commander", who, "leads the response: the control tower"),
                          may("safety", who, "may end the drill at any time; never the commander")});
}

Shape spec() {
  Shape steady =
      object("steadyState", {may("for", duration(), "how long it must hold (5s)"),
                             may("probes", list_of(probe()), "what users and operators would see")});
  Shape objectives = object(
      "objectives", {may("detect", duration(), "until somebody knows"),
                     may("mitigate", duration(), "until users are served again"),
                     may("recover", duration(), "until everything is back"),
                     may("clock", words({"resolve", "respond"}), "what the objective counts (resolve)"),
                     may("mtpd", duration(), "the longest tolerable disruption"),
                     may("rpo", duration(), "the longest tolerable loss of data")});
  Shape limits =
      object("limits", {may("hosts", share(), "of the hosts that are not outside, as targets (60%)"),
                        may("sites", scalar(format::integer(0, 1000)), "cut at once (1)"),
                        may("duration", duration(), "of the longest fault (5m)")});
  return object(
      "spec",
      {may("topology", text(), "path, from this file's folder"),
       may("steadyState", std::move(steady), "must hold before anything is touched, and after recovery"),
       must("timeline", list_of(timeline_entry_shape(), 1), "faults, gates and cold starts"),
       may("records", list_of(records()), "written all along and read back after recovery: what is lost"),
       may("requires", list_of(precondition()), "what must be true before anything is touched"),
       may("noIncident", no_incident(), "what says that there is no live incident"),
       may("windows", windows(), "when this drill may run"),
       may("announce", announce(), "who is told what happens, while it happens"),
       may("roles", people(), "who is who in this drill"),
       may("hypothesis", list_of(hypothesis()), "what is expected to hold during the faults"),
       may("guards", list_of(guard()), "when to abort"),
       may("objectives", std::move(objectives), "how long things may take"),
       may("recovery", recovery(), "how things come back"),
       may("limits", std::move(limits), "how far this experiment may go"),
       may("onConductorLoss", words({"revert", "hold"}),
           "revert a lease later, or hold to the deadline (revert)"),
       may("controlPath", words({"keep", "cut"}), "keep the way to the agents open, or not (keep)"),
       may("lease", duration(), "how long an agent waits for the conductor's word (15s)"),
       may("enforce", words({"both", "site", "survivors"}), "whose agents drop the packets (both)"),
       may("engine", words({"auto", "ebpf", "netfilter"}),
           "what drops packets: auto takes eBPF where the kernel lets it (auto)"),
       may("unprotect", list_of(text()),
           "protected services, ports and prefixes whose processes this drill hits on purpose"),
       may("expect", words({"pass", "fail"}), "fail: this drill shows a known weakness (pass)")});
}

}  // namespace

Shape demanding(Shape shape, const std::string& over) {
  const Shape limit = scalar(format::latency_limit());
  Shape latency = object("latency", {may("p50", limit, "half of the attempts"), may("p90", limit, "90 %"),
                                     may("p95", limit, "95 %"), may("p99", limit, "99 %")});
  latency.at_least_one = {{"p50", "p90", "p95", "p99"}};
  shape.fields.push_back(may("successRatio", scalar(format::ratio_comparison()), "of its attempts"));
  shape.fields.push_back(
      may("latency", std::move(latency), "how long they take; a failed one is slower than any answer"));
  shape.fields.push_back(may("over", duration(), "the window looked at (" + over + ")"));
  shape.at_least_one.push_back({"successRatio", "latency"});
  return shape;
}

const Shape& experiment_shape() {
  static const Shape shape =
      document_shape("Experiment",
                     {may("origin", text(), "the incident it repeats"),
                      may("seed", scalar(format::integer(0, 9007199254740991.0)), "of every draw (1)")},
                     spec());
  return shape;
}

}  // namespace blackstart
