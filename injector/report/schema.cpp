// SPDX-License-Identifier: Apache-2.0
#include "injector/report/schema.h"

#include <string>
#include <utility>
#include <vector>

namespace blackstart::report {
namespace {

using Json = nlohmann::ordered_json;

struct Key {
  const char* name;
  Json schema;
  const char* description = "";
};

// Every key is always there; what is not known is null.
Json object(const std::vector<Key>& keys) {
  Json schema{{"type", "object"}, {"properties", Json::object()}, {"required", Json::array()}};
  for (const Key& key : keys) {
    Json property = key.schema;
    if (*key.description != '\0') property["description"] = key.description;
    schema["properties"][key.name] = std::move(property);
    schema["required"].push_back(key.name);
  }
  return schema;
}

Json list(Json items) {
  return {{"type", "array"}, {"items", std::move(items)}};
}
Json named(Json values) {
  return {{"type", "object"}, {"additionalProperties", std::move(values)}};
}
Json text() {
  return {{"type", "string"}};
}
Json flag() {
  return {{"type", "boolean"}};
}
Json number() {
  return {{"type", "number"}};
}
Json count() {
  return {{"type", "integer"}, {"minimum", 0}};
}
Json ratio() {
  return {{"type", "number"}, {"minimum", 0}, {"maximum", 1}};
}
Json digest() {
  return {{"type", "string"}, {"pattern", "^([0-9a-f]{64})?$"}};
}
Json one_of(const std::vector<const char*>& words) {
  return {{"enum", words}};
}
Json constant(const char* word) {
  return {{"const", word}};
}
// Seconds from T0, or from the common instant where nothing was hit.
Json moment() {
  return number();
}
Json maybe(Json schema) {
  if (schema.contains("type")) {
    schema["type"] = Json::array({schema["type"], "null"});
  } else {
    schema["enum"].push_back(nullptr);
  }
  return schema;
}

Json verdict() {
  return one_of({"pass", "fail", "aborted", "inconclusive", "stranded", "error"});
}

Json predicted_impact() {
  return one_of({"down", "degraded", "unaffected", "unknown"});
}

Json single_site() {
  return list(object({{"service", text()}, {"dependency", text()}, {"site", text()}, {"evidence", text()}}));
}

Json fault() {
  return object(
      {{"id", text()},
       {"kind", text()},
       {"engine", text(), "how it was injected"},
       {"hosts", list(text())},
       {"firstEffect", maybe(moment()), "when the first packet or process was hit"},
       {"lastEffect", maybe(moment()), "when the last packet was hit"},
       {"end", maybe(moment())},
       {"endedBy", maybe(one_of({"end", "abort", "guard"})), "null: not every host has said"},
       {"packets", object({{"dropped", count()},
                           {"bytes", count()},
                           {"leaked", count(), "seen by an independent counter behind the drop"},
                           {"protected", count(), "let pass because they are protected"}})},
       {"pairs", list(object({{"srcSite", text(), "empty: outside every known site"},
                              {"dstSite", text()},
                              {"direction", one_of({"ingress", "egress"})},
                              {"verdict", text()},
                              {"packets", count()},
                              {"bytes", count()}}))},
       {"processes",
        object({{"killed", maybe(count())},
                {"respawnsKilled", maybe(count()), "at exec, by hold-down"},
                {"frozen", maybe(count())},
                {"services",
                 named(object({{"killed", count()}, {"respawnsKilled", count()}, {"frozen", count()}})),
                 "empty: those of no service"}}),
        "null: the fault is about packets alone"}});
}

Json returns() {
  return object(
      {{"instances",
        list(object({{"fault", text()},
                     {"host", text()},
                     {"site", text()},
                     {"service", text()},
                     {"role", text()},
                     {"stage", count(), "from 1; 0: of none"},
                     {"state", one_of({"down", "started", "well", "failed", "was-down", "left", "unseen"}),
                      "unseen: started, and nobody looked since"},
                     {"why", text(), "it failed, or nobody is to start it"},
                     {"by", text(),
                      "pace; patience: nobody had said it in time; a person; empty: its agent by itself"},
                     {"killed", maybe(moment())},
                     {"started", maybe(moment())},
                     {"well", maybe(moment()), "since when its checks pass"},
                     {"manual", flag(), "somebody has to say that it may come back"},
                     {"due", maybe(moment()), "its stage's turn came"},
                     {"asked", maybe(moment()), "a person said so"}}))},
       {"hostsPerHour", maybe(number()), "measured: hosts that are well again since the faults ended"},
       {"extrapolated32000", maybe(number()), "seconds 32,000 hosts would take at that rate: no measurement"},
       {"cycles", list(list(text())), "services that needed each other to start, and did not get well"}});
}

Json cold_start() {
  return object({{"id", text()},
                 {"service", text()},
                 {"host", text(), "where there was none"},
                 {"site", text()},
                 {"state", one_of({"waiting", "starting", "ready", "died", "late", "not-started"})},
                 {"diedFor", maybe(text()), "the need it did not come up without; null: not known"},
                 {"lastWords", text(), "of its log"},
                 {"at", maybe(moment())},
                 {"took", maybe(number()), "seconds until it was ready, died or was late"}});
}

Json probe() {
  return object({{"from", text(), "the host that asks; empty: the conductor"},
                 {"weight", number(), "share of the requests it stands for"},
                 {"attempts", count()},
                 {"failures", count()},
                 {"missed", count(), "attempts whose moment passed: nothing is known about them"},
                 {"before", maybe(ratio()), "share of attempts that succeeded"},
                 {"during", maybe(ratio())},
                 {"after", maybe(ratio())},
                 {"lastFailure", maybe(moment())},
                 {"impactFrom", maybe(moment())},
                 {"impactTo", maybe(moment())},
                 {"failed", number(), "seconds since the cut, from each first failure to the next success"},
                 {"stillFailing", flag(), "when the run ended: failed is a lower bound"},
                 {"lastReason", text()},
                 {"series", list(object({{"at", moment(), "start of a span of seriesStep"},
                                         {"attempts", count()},
                                         {"failures", count()}}))}});
}

Json windows() {
  Json schema =
      object({{"zone", text(), "whose clock"}, {"allowed", list(text())}, {"blocked", list(text())}});
  // Only where a plan is printed: it depends on when.
  schema["properties"]["standing"] = text();
  return maybe(schema);
}

Json titled(const char* title, const Json& body) {
  Json schema{{"title", title}};
  schema.update(body);
  return schema;
}

}  // namespace

Json outcome_schema() {
  return titled(
      "Outcome",
      object(
          {{"kind", constant("Outcome")},
           {"run", text()},
           {"experiment", text()},
           {"summary", text()},
           {"hash", digest(), "SHA-256 of the plan"},
           {"topology", text()},
           {"verdict", maybe(verdict()), "null: refused before anything was touched"},
           {"recoveryVerdict", maybe(verdict()), "null: nothing had to recover"},
           {"expectedFailure", flag(), "the experiment says expect: fail"},
           {"exitCode", count()},
           {"reason", text()},
           {"t0", maybe(text()), "RFC 3339; the first packet or process hit"},
           {"zeroUnixNs", Json{{"type", "integer"}}, "what moments are counted from"},
           {"fired", maybe(moment()), "the common instant agreed on"},
           {"applySkew", maybe(number()), "seconds between the first and the last agent that fired"},
           {"phases",
            list(object({{"phase", text()}, {"start", maybe(moment())}, {"end", maybe(moment())}}))},
           {"preconditions",
            list(object({{"precondition", text(), "as the experiment says it, or windows"},
                         {"for", text(), "what it is for"},
                         {"answer", text(), "why it was red, or when the windows are open"},
                         {"met", flag()},
                         {"overridden", text(), "a person's reason to go on all the same; empty: none"}})),
            "what had to be true before anything was touched"},
           {"faults", list(fault())},
           {"services", named(object({{"predicted", predicted_impact()},
                                      {"because", list(text()), "the cause last"},
                                      {"before", one_of({"ok", "degraded", "down", "unknown"}),
                                       "as its checks saw it in the steady state"},
                                      {"observed", one_of({"ok", "degraded", "down", "unknown"})},
                                      {"role", text()},
                                      {"tier", Json{{"type", "integer"}}}}))},
           {"probes", named(probe())},
           {"seriesStep", number(), "seconds a span of a probe's series lasts; 0: there is none"},
           {"hypothesis", list(object({{"probe", text()},
                                       {"text", text()},
                                       {"met", maybe(flag())},
                                       {"at", maybe(moment()), "when it was met for good"}}))},
           {"guards",
            list(
                object({{"guard", text()}, {"breached", flag()}, {"at", maybe(moment())}, {"why", text()}}))},
           {"gates", list(object({{"gate", text()}, {"passed", maybe(flag())}, {"at", maybe(moment())}}))},
           {"objectives",
            list(object({{"objective", text()},
                         {"target", number(), "seconds"},
                         {"achieved", maybe(number()), "seconds"},
                         {"censored", flag(), "the run was too short: achieved is a lower bound"},
                         {"clock", text(), "resolve: until it is fixed; respond: until somebody has it"}}))},
           {"records",
            named(object({{"from", text()},
                          {"asked", count(), "records 0 to asked - 1 are judged"},
                          {"acknowledged", count()},
                          {"lost", count(), "acknowledged, and not there after recovery"},
                          {"unknown", count(), "acknowledged, and nobody could say whether it is there"},
                          {"firstLost", maybe(moment())},
                          {"lastLost", maybe(moment())},
                          {"rpo", maybe(number()), "seconds the lost records stand for"}}))},
           {"marks", list(object({{"mark", text()},
                                  {"at", maybe(moment())},
                                  {"source", text(), "who said so"},
                                  {"note", text()}}))},
           {"times", list(object({{"time", one_of({"detect", "acknowledge", "command", "decide", "mitigate",
                                                   "recover", "full-restore"})},
                                  {"journey", text(), "a probe; empty: the whole run"},
                                  {"took", number(), "seconds from T0"},
                                  {"censored", flag(), "the run ended first: a lower bound"}}))},
           {"gray",
            list(object({{"service", text()}, {"journey", text()}, {"from", moment()}, {"to", moment()}})),
            "services that passed their checks while a journey through them failed"},
           {"recovery",
            object({{"services", count(), "well before the cut"},
                    {"hosts", named(count()), "well before the cut, by site"},
                    {"curve",
                     list(object({{"at", moment()},
                                  {"services", count(), "whose every check passed"},
                                  {"hosts", named(count()), "whose every check passed, by site"}})),
                     "from the cut to the end, a point for each change"},
                    {"notBack",
                     maybe(list(object({{"service", text()},
                                        {"host", text(), "empty: none of the topology's"},
                                        {"site", text()}}))),
                     "were well before the cut and not when the run ended; null: nobody looked"}})},
           {"returns", returns(), "of what the faults killed"},
           {"coldStarts", list(cold_start())},
           {"roles", named(list(text())), "who is who in the drill"},
           {"absent", list(text()), "who may not be asked for anything"},
           {"singleSite", single_site()},
           {"residue", list(text()), "what was left behind; must be empty"},
           {"changes",
            list(object({{"host", text()},
                         {"kind", text()},
                         {"object", text()},
                         {"detail", text()},
                         {"change", one_of({"appeared", "vanished", "changed"})}})),
            "what others changed on the hosts meanwhile"},
           {"notes", list(text())},
           {"warnings", list(text())},
           {"blind", list(text()), "what the plan could not see"},
           {"untouched", list(object({{"what", text()}, {"why", text()}}))},
           {"versions", named(text())},
           {"log", object({{"file", text()},
                           {"head", maybe(digest()),
                            "of the record; null in the record itself, which it is made from"}})}}));
}

Json plan_process() {
  return object({{"host", text()},
                 {"site", text()},
                 {"service", text(), "empty: of none that is known"},
                 {"how", text(), "they are recognised"},
                 {"returns", flag(), "what was killed is started again once the faults are over"},
                 {"unprotected", text(), "what unprotect calls its protection; empty: it has none"}});
}

Json plan_stage() {
  return object(
      {{"roles", list(text()), "empty: whatever no stage names"},
       {"instances", list(object({{"host", text()},
                                  {"site", text()},
                                  {"service", text()},
                                  {"role", text()},
                                  {"manual", flag(), "somebody has to say `blackstart return`"}}))}});
}

Json plan_schema() {
  return titled(
      "Plan", object({{"kind", constant("Plan")},
                      {"experiment", text()},
                      {"summary", text()},
                      {"topology", text()},
                      {"hash", digest(), "SHA-256; equal inputs give equal hashes"},
                      {"end", number(), "seconds from T0 to the end of the last fault"},
                      {"faults", list(object({{"id", text()},
                                              {"kind", text()},
                                              {"what", text()},
                                              {"targets", list(text())},
                                              {"start", number()},
                                              {"end", number()},
                                              {"act", one_of({"", "killed", "frozen", "powered off"}),
                                               "empty: it is about packets alone"},
                                              {"processes", list(plan_process())}}))},
                      {"targets", list(object({{"host", text()},
                                               {"site", text()},
                                               {"target", flag(), "a fault is about this host"},
                                               {"enforces", flag(), "its agent drops packets"},
                                               {"cut", flag(), "its packets vanish"},
                                               {"poweredOff", flag(), "and its processes die"},
                                               {"faults", list(object({{"id", text()},
                                                                       {"kind", text()},
                                                                       {"start", number()},
                                                                       {"end", number()},
                                                                       {"engine", text()}}))}}))},
                      {"untouched",
                       list(object({{"what", text()},
                                    {"why", text()},
                                    {"at", maybe(text()), "file:line that protects it; null: built in"}}))},
                      {"predicted", object({{"services", named(object({{"impact", predicted_impact()},
                                                                       {"because", list(text())}}))},
                                            {"singleSite", single_site()}})},
                      {"stages", list(plan_stage()), "how what was killed comes back, one after the other"},
                      {"coldStarts", list(object({{"id", text()},
                                                  {"service", text()},
                                                  {"host", text(), "it has no instance"},
                                                  {"site", text()},
                                                  {"at", number(), "seconds from T0"},
                                                  {"within", number(), "seconds until it must be ready"}}))},
                      {"cycles", list(list(text())), "services that need each other to start"},
                      {"requires", list(text()), "what must be true before anything is touched"},
                      {"windows", windows(), "when it may run; null: at any time"},
                      {"length", number(), "seconds from the start to the end of the watch"},
                      {"warnings", list(text())},
                      {"blind", list(text())}}));
}

}  // namespace blackstart::report
