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
Shape success_ratio() {
  return scalar(format::ratio_comparison());
}

Shape probe() {
  Shape http =
      object("http", {must("url", scalar(format::http_url()), "what to ask for"),
                      may("status", scalar(format::integer(100, 599)), "the answer expected (any below 400)"),
                      may("body", text(), "must occur in the answer")});
  Shape tcp = object("tcp", {must("host", text(), "name or address"),
                             must("port", scalar(format::port()), "to connect to")});
  Shape dns = object(
      "dns", {must("name", text(), "the name asked for"), may("server", text(), "address, or address:port"),
              may("record", words({"A", "AAAA", "CNAME", "MX", "NS", "PTR", "SRV", "TXT"}), "(A)")});
  Shape prometheus =
      object("prometheus",
             {must("url", scalar(format::http_url()), "of the server"), must("query", text(), "PromQL"),
              must("value", scalar(format::value_comparison()), "what the answer must be")});
  Shape shape =
      object("a probe",
             {must("name", name(), "what others call it by"),
              may("from", name(), "the host that asks (the conductor's own place)"),
              may("every", duration(), "between two attempts (1s)"),
              may("timeout", duration(), "of one attempt (1s)"),
              may("weight", scalar(format::number(0)), "above 0: a user's journey, and how much it counts"),
              may("http", std::move(http), "an HTTP request"), may("tcp", std::move(tcp), "a TCP connect"),
              may("dns", std::move(dns), "a DNS query"),
              may("command", list_of(text(), 1), "a program that exits 0; no shell"),
              may("prometheus", std::move(prometheus), "a query to a Prometheus server")});
  shape.exactly_one = {{"http", "tcp", "dns", "command", "prometheus"}};
  return shape;
}

Shape hypothesis() {
  Shape shape =
      object("a hypothesis", {must("probe", name(), "what it is about"),
                              may("successRatio", success_ratio(), "of its attempts"),
                              may("latency", scalar(format::duration_comparison()), "of its answers"),
                              may("over", duration(), "the window looked at (5s)"),
                              may("within", duration(), "of T0 it must be met, and kept (0s)")});
  shape.at_least_one = {{"successRatio", "latency"}};
  return shape;
}

Shape guard() {
  return cases(
      "a guard",
      {{"probe", "",
        object("a guard", {must("probe", name(), "what it is about"),
                           must("successRatio", success_ratio(), "below it the run is aborted"),
                           may("over", duration(), "the window looked at (10s)"),
                           may("onMissing", words({"breach", "ignore"}), "what no data means (breach)")})},
       {"unexpectedServices", "",
        object("a guard", {must("unexpectedServices", scalar(format::count_comparison()),
                                "services hurt though predicted unaffected")})}});
}

Shape recovery() {
  std::vector<std::string> steps = selectable_roles();
  steps.insert(steps.begin(), "network");
  Shape step = words(steps);
  return object(
      "recovery",
      {may("order", list_of(either({step, list_of(step, 1)})), "roles; a nested list comes back together"),
       may("pace", scalar(format::pace()), "hosts or instances a second (all at once)"),
       may("watch", duration(), "how long the steady state must hold after the last return (5s)")});
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
       must("timeline", list_of(timeline_entry_shape(), 1), "faults and gates"),
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
       may("unprotect", list_of(text()), "protected things this drill names on purpose"),
       may("expect", words({"pass", "fail"}), "fail: this drill shows a known weakness (pass)")});
}

}  // namespace

const Shape& experiment_shape() {
  static const Shape shape =
      document_shape("Experiment",
                     {may("origin", text(), "the incident it repeats"),
                      may("seed", scalar(format::integer(0, 9007199254740991.0)), "of every draw (1)")},
                     spec());
  return shape;
}

}  // namespace blackstart
