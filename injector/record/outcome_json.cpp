// SPDX-License-Identifier: Apache-2.0
#include "injector/record/outcome_json.h"

#include <nlohmann/json.hpp>

#include "injector/record/json_values.h"
#include "injector/record/returns_json.h"

namespace blackstart {
namespace {

using nlohmann::json;

json observed_name(Impact impact) {
  return observed_impact_name(impact);
}

Impact impact_named(const std::string& name) {
  for (const Impact impact : {Impact::kUnaffected, Impact::kDegraded, Impact::kDown})
    if (name == impact_name(impact) || name == observed_impact_name(impact)) return impact;
  return Impact::kUnknown;
}

Verdict verdict_named(const json& name) {
  for (const Verdict verdict : {Verdict::kPass, Verdict::kFail, Verdict::kAborted, Verdict::kInconclusive,
                                Verdict::kStranded, Verdict::kError})
    if (name == verdict_name(verdict)) return verdict;
  return Verdict::kNone;
}

json fault_json(const OutcomeFault& fault, const auto& moment) {
  json pairs = json::array();
  for (const OutcomeFault::Pair& pair : fault.pairs)
    pairs.push_back({{"srcSite", pair.src_site},
                     {"dstSite", pair.dst_site},
                     {"direction", pair.direction},
                     {"verdict", pair.verdict},
                     {"packets", pair.packets},
                     {"bytes", pair.bytes}});
  return {{"id", fault.id},
          {"kind", fault.kind},
          {"engine", fault.engine},
          {"hosts", fault.hosts},
          {"firstEffect", moment(fault.first_effect)},
          {"lastEffect", moment(fault.last_effect)},
          {"end", moment(fault.end)},
          {"endedBy", fault.ended_by.empty() ? json() : json(fault.ended_by)},
          {"packets",
           {{"dropped", fault.dropped},
            {"bytes", fault.bytes},
            {"leaked", fault.leaked},
            {"protected", fault.protected_packets}}},
          {"pairs", std::move(pairs)},
          {"processes", processes_json(fault)}};
}

json probe_json(const OutcomeProbe& probe, const auto& moment) {
  json series = json::array();
  for (const OutcomeSpan& span : probe.series)
    series.push_back({{"at", moment(span.at)}, {"attempts", span.attempts}, {"failures", span.failures}});
  return {{"from", probe.from},
          {"weight", probe.weight},
          {"attempts", probe.attempts},
          {"failures", probe.failures},
          {"missed", probe.missed},
          {"before", or_null(probe.before)},
          {"during", or_null(probe.during)},
          {"after", or_null(probe.after)},
          {"lastFailure", moment(probe.last_failure)},
          {"impactFrom", moment(probe.impact_from)},
          {"impactTo", moment(probe.impact_to)},
          {"failed", seconds(probe.failed)},
          {"stillFailing", probe.still_failing},
          {"lastReason", probe.last_reason},
          {"series", std::move(series)}};
}

// A key that earlier records lack is as if nothing were known of it.
Outcome parsed(const json& in) {
  Outcome out;
  const UnixNs zero = in.at("zeroUnixNs");
  const auto moment = [&](const json& value) { return value.is_null() ? 0 : zero + duration(value).count(); };
  out.run = in.at("run");
  out.experiment = in.at("experiment");
  out.summary = in.at("summary");
  out.hash = in.at("hash");
  out.topology = in.at("topology");
  out.verdict = verdict_named(in.at("verdict"));
  out.recovery_verdict = verdict_named(in.at("recoveryVerdict"));
  out.expected_failure = in.at("expectedFailure");
  out.exit_code = in.at("exitCode");
  out.reason = in.at("reason");
  out.t0 = in.at("t0").is_null() ? 0 : zero;
  out.fired = moment(in.at("fired"));
  out.apply_skew = maybe_duration(in.at("applySkew"));
  for (const json& phase : in.at("phases"))
    out.phases.push_back({phase.at("phase"), moment(phase.at("start")), moment(phase.at("end"))});
  for (const json& each : in.value("preconditions", json::array()))
    out.preconditions.push_back(
        {each.at("precondition"), each.at("for"), each.at("answer"), each.at("met"), each.at("overridden")});
  for (const json& each : in.at("faults")) {
    const json& packets = each.at("packets");
    OutcomeFault fault{each.at("id"),
                       each.at("kind"),
                       each.at("engine"),
                       each.at("hosts"),
                       moment(each.at("firstEffect")),
                       moment(each.at("end")),
                       packets.at("dropped"),
                       packets.at("bytes"),
                       packets.at("leaked"),
                       packets.at("protected"),
                       {}};
    fault.last_effect = moment(each.value("lastEffect", json()));
    read_processes(each.value("processes", json()), fault);
    if (const auto by = each.find("endedBy"); by != each.end() && by->is_string()) fault.ended_by = *by;
    for (const json& pair : each.at("pairs"))
      fault.pairs.push_back({pair.at("srcSite"), pair.at("dstSite"), pair.at("direction"), pair.at("verdict"),
                             pair.at("packets"), pair.at("bytes")});
    out.faults.push_back(std::move(fault));
  }
  for (const auto& [name, each] : in.at("services").items())
    out.services[name] = {{impact_named(each.at("predicted")), each.at("because")},
                          impact_named(each.at("observed")),
                          each.at("role"),
                          each.at("tier"),
                          impact_named(each.value("before", ""))};
  for (const auto& [name, each] : in.at("probes").items()) {
    out.probes[name] = {each.at("from"),
                        each.at("weight"),
                        each.at("attempts"),
                        each.at("failures"),
                        each.at("missed"),
                        maybe<double>(each.at("before")),
                        maybe<double>(each.at("during")),
                        maybe<double>(each.at("after")),
                        moment(each.at("lastFailure")),
                        moment(each.at("impactFrom")),
                        moment(each.at("impactTo")),
                        each.at("lastReason"),
                        {}};
    OutcomeProbe& probe = out.probes[name];
    probe.failed =
        duration(each.value("failed", json(seconds(Duration(probe.impact_to - probe.impact_from)))));
    probe.still_failing = each.value("stillFailing", false);
    for (const json& span : each.value("series", json::array()))
      probe.series.push_back({moment(span.at("at")), span.at("attempts"), span.at("failures")});
  }
  for (const json& each : in.at("hypothesis"))
    out.hypothesis.push_back(
        {each.at("probe"), each.at("text"), maybe<bool>(each.at("met")), maybe_duration(each.at("at"))});
  for (const json& each : in.at("guards"))
    out.guards.push_back(
        {each.at("guard"), each.at("breached"), maybe_duration(each.at("at")), each.at("why")});
  for (const json& each : in.at("gates"))
    out.gates.push_back({each.at("gate"), maybe<bool>(each.at("passed")), maybe_duration(each.at("at"))});
  for (const json& each : in.at("objectives"))
    out.objectives.push_back({each.at("objective"), duration(each.at("target")),
                              maybe_duration(each.at("achieved")), each.at("censored"),
                              each.value("clock", "")});
  const json records = in.value("records", json::object());
  for (const auto& [name, each] : records.items())
    out.records[name] = {each.at("from"),
                         each.at("asked"),
                         each.at("acknowledged"),
                         each.at("lost"),
                         each.at("unknown"),
                         moment(each.at("firstLost")),
                         moment(each.at("lastLost")),
                         maybe_duration(each.at("rpo"))};
  for (const json& each : in.at("marks"))
    out.marks.push_back(
        {each.at("mark"), moment(each.at("at")), each.value("source", ""), each.value("note", "")});
  for (const json& each : in.value("times", json::array()))
    out.times.push_back(
        {each.at("time"), each.at("journey"), duration(each.at("took")), each.at("censored")});
  for (const json& each : in.value("gray", json::array()))
    out.gray.push_back(
        {each.at("service"), each.at("journey"), moment(each.at("from")), moment(each.at("to"))});
  if (const auto recovery = in.find("recovery"); recovery != in.end()) {
    out.recovery.services = recovery->at("services");
    out.recovery.hosts = recovery->at("hosts").get<std::map<std::string, size_t>>();
    for (const json& point : recovery->at("curve"))
      out.recovery.curve.push_back({moment(point.at("at")), point.at("services"),
                                    point.at("hosts").get<std::map<std::string, size_t>>()});
    const json not_back = recovery->value("notBack", json::array());
    out.recovery.looked_at = !not_back.is_null();
    for (const json& each : not_back)
      out.recovery.not_back.push_back({each.at("service"), each.at("host"), each.at("site")});
  }
  out.returns = read_returns(in.value("returns", json()), moment);
  for (const json& each : in.value("coldStarts", json::array()))
    out.cold_starts.push_back(read_cold_start(each));
  out.roles = in.value("roles", out.roles);
  out.absent = in.value("absent", out.absent);
  for (const json& each : in.at("singleSite"))
    out.single_site.push_back(
        {each.at("service"), each.at("dependency"), each.at("site"), each.at("evidence")});
  out.residue = in.at("residue");
  for (const json& each : in.value("changes", json::array()))
    out.changes.push_back(
        {each.at("host"), each.at("kind"), each.at("object"), each.at("detail"), each.at("change")});
  out.notes = in.at("notes");
  out.log_file = in.at("log").at("file");
  out.log_head = maybe<std::string>(in.at("log").value("head", json())).value_or("");
  out.series_step = duration(in.value("seriesStep", json(0)));
  out.warnings = in.value("warnings", out.warnings);
  out.blind = in.value("blind", out.blind);
  for (const json& each : in.value("untouched", json::array()))
    out.untouched.push_back({each.at("what"), each.at("why"), {}});
  out.versions = in.value("versions", out.versions);
  return out;
}

}  // namespace

std::string json_text(const json& document) {
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

json outcome_json(const Outcome& outcome) {
  const auto moment = [&](UnixNs at) { return or_null(from_zero(outcome, at)); };
  const auto verdict = [](Verdict value) {
    return value == Verdict::kNone ? json(nullptr) : json(verdict_name(value));
  };
  const json head = outcome.log_head.empty() ? json() : json(outcome.log_head);
  json out{{"kind", "Outcome"},
           {"run", outcome.run},
           {"experiment", outcome.experiment},
           {"summary", outcome.summary},
           {"hash", outcome.hash},
           {"topology", outcome.topology},
           {"verdict", verdict(outcome.verdict)},
           {"recoveryVerdict", verdict(outcome.recovery_verdict)},
           {"expectedFailure", outcome.expected_failure},
           {"exitCode", outcome.exit_code},
           {"reason", outcome.reason},
           {"t0", outcome.t0 ? json(rfc3339(outcome.t0)) : json(nullptr)},
           {"zeroUnixNs", zero_of(outcome)},
           {"fired", moment(outcome.fired)},
           {"applySkew", or_null(outcome.apply_skew)},
           {"residue", outcome.residue},
           {"notes", outcome.notes},
           {"log", {{"file", outcome.log_file}, {"head", head}}},
           {"seriesStep", seconds(outcome.series_step)},
           {"warnings", outcome.warnings},
           {"blind", outcome.blind},
           {"roles", outcome.roles},
           {"absent", outcome.absent},
           {"versions", outcome.versions}};
  for (const char* list :
       {"phases", "faults", "hypothesis", "guards", "gates", "objectives", "marks", "times", "gray",
        "preconditions", "coldStarts", "singleSite", "changes", "untouched"})
    out[list] = json::array();
  out["services"] = out["probes"] = out["records"] = json::object();
  for (const OutcomePhase& phase : outcome.phases)
    out["phases"].push_back(
        {{"phase", phase.phase}, {"start", moment(phase.start)}, {"end", moment(phase.end)}});
  for (const OutcomePrecondition& each : outcome.preconditions)
    out["preconditions"].push_back({{"precondition", each.precondition},
                                    {"for", each.purpose},
                                    {"answer", each.answer},
                                    {"met", each.met},
                                    {"overridden", each.overridden}});
  for (const OutcomeFault& fault : outcome.faults) out["faults"].push_back(fault_json(fault, moment));
  for (const auto& [name, service] : outcome.services)
    out["services"][name] = {{"predicted", impact_name(service.predicted.impact)},
                             {"because", service.predicted.because},
                             {"before", observed_name(service.before)},
                             {"observed", observed_name(service.observed)},
                             {"role", service.role},
                             {"tier", service.tier}};
  for (const auto& [name, probe] : outcome.probes) out["probes"][name] = probe_json(probe, moment);
  for (const OutcomeHypothesis& each : outcome.hypothesis)
    out["hypothesis"].push_back(
        {{"probe", each.probe}, {"text", each.text}, {"met", or_null(each.met)}, {"at", or_null(each.at)}});
  for (const OutcomeGuard& each : outcome.guards)
    out["guards"].push_back(
        {{"guard", each.guard}, {"breached", each.breached}, {"at", or_null(each.at)}, {"why", each.why}});
  for (const OutcomeGate& each : outcome.gates)
    out["gates"].push_back({{"gate", each.gate}, {"passed", or_null(each.passed)}, {"at", or_null(each.at)}});
  for (const OutcomeObjective& each : outcome.objectives)
    out["objectives"].push_back({{"objective", each.objective},
                                 {"target", seconds(each.target)},
                                 {"achieved", or_null(each.achieved)},
                                 {"censored", each.censored},
                                 {"clock", each.clock}});
  for (const auto& [name, each] : outcome.records)
    out["records"][name] = {{"from", each.from},
                            {"asked", each.asked},
                            {"acknowledged", each.acknowledged},
                            {"lost", each.lost},
                            {"unknown", each.unknown},
                            {"firstLost", moment(each.first_lost)},
                            {"lastLost", moment(each.last_lost)},
                            {"rpo", or_null(each.rpo)}};
  for (const OutcomeMark& each : outcome.marks)
    out["marks"].push_back(
        {{"mark", each.mark}, {"at", moment(each.at)}, {"source", each.source}, {"note", each.note}});
  for (const OutcomeTime& each : outcome.times)
    out["times"].push_back({{"time", each.time},
                            {"journey", each.journey},
                            {"took", seconds(each.took)},
                            {"censored", each.censored}});
  for (const OutcomeGray& each : outcome.gray)
    out["gray"].push_back({{"service", each.service},
                           {"journey", each.journey},
                           {"from", moment(each.from)},
                           {"to", moment(each.to)}});
  out["recovery"] = {
      {"services", outcome.recovery.services}, {"hosts", outcome.recovery.hosts}, {"curve", json::array()}};
  for (const OutcomeRecovery::Point& point : outcome.recovery.curve)
    out["recovery"]["curve"].push_back(
        {{"at", moment(point.at)}, {"services", point.services}, {"hosts", point.hosts}});
  out["recovery"]["notBack"] = outcome.recovery.looked_at ? json::array() : json();
  for (const OutcomeRecovery::Instance& each : outcome.recovery.not_back)
    out["recovery"]["notBack"].push_back(
        {{"service", each.service}, {"host", each.host}, {"site", each.site}});
  out["returns"] = returns_json(outcome.returns, moment);
  for (const OutcomeColdStart& each : outcome.cold_starts) out["coldStarts"].push_back(cold_start_json(each));
  for (const OutcomeChange& each : outcome.changes)
    out["changes"].push_back({{"host", each.host},
                              {"kind", each.kind},
                              {"object", each.object},
                              {"detail", each.detail},
                              {"change", each.change}});
  for (const SingleSiteDependency& each : outcome.single_site)
    out["singleSite"].push_back({{"service", each.service},
                                 {"dependency", each.dependency},
                                 {"site", each.site},
                                 {"evidence", each.evidence}});
  for (const Untouched& each : outcome.untouched)
    out["untouched"].push_back({{"what", each.what}, {"why", each.why}});
  return out;
}

Result<Outcome> read_outcome(const json& json) {
  try {
    if (json.at("kind") != "Outcome")
      return fail(ErrorKind::kInvalid, "read outcome", "", 0, "kind is not Outcome");
    return parsed(json);
  } catch (const nlohmann::json::exception& error) {
    return fail(ErrorKind::kInvalid, "read outcome", "", 0, error.what());
  }
}

}  // namespace blackstart
