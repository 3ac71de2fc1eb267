// SPDX-License-Identifier: Apache-2.0
#include "injector/record/returns_json.h"

#include "injector/record/json_values.h"

namespace blackstart {
namespace {

using nlohmann::json;

OutcomeReturn::State state_named(const std::string& name) {
  using State = OutcomeReturn::State;
  for (const State state :
       {State::kStarted, State::kWell, State::kFailed, State::kWasDown, State::kLeft, State::kUnseen})
    if (name == return_state_name(state)) return state;
  return State::kDown;
}

json counts_json(const OutcomeFault::Processes& each) {
  return {{"killed", each.killed}, {"respawnsKilled", each.respawns_killed}, {"frozen", each.frozen}};
}

}  // namespace

json processes_json(const OutcomeFault& fault) {
  json out{{"killed", nullptr}, {"respawnsKilled", nullptr}, {"frozen", nullptr}};
  if (!fault.processes.empty()) out = counts_json(processes_hit(fault));
  out["services"] = json::object();
  for (const auto& [service, each] : fault.processes) out["services"][service] = counts_json(each);
  return out;
}

void read_processes(const json& in, OutcomeFault& fault) {
  if (!in.is_object()) return;
  const json services = in.value("services", json::object());
  for (const auto& [service, each] : services.items())
    fault.processes[service] = {each.at("killed"), each.at("respawnsKilled"), each.at("frozen")};
}

json returns_json(const OutcomeReturns& returns, const MomentJson& moment) {
  json out{{"instances", json::array()},
           {"hostsPerHour", or_null(returns.hosts_per_hour)},
           {"extrapolated32000", or_null(returns.extrapolated_32000)},
           {"cycles", returns.cycles}};
  for (const OutcomeReturn& each : returns.instances)
    out["instances"].push_back({{"fault", each.fault},
                                {"host", each.host},
                                {"site", each.site},
                                {"service", each.service},
                                {"role", each.role},
                                {"stage", each.stage},
                                {"state", return_state_name(each.state)},
                                {"why", each.why},
                                {"by", each.by},
                                {"killed", moment(each.killed)},
                                {"started", moment(each.started)},
                                {"well", moment(each.well)},
                                {"manual", each.manual},
                                {"due", moment(each.due)},
                                {"asked", moment(each.asked)}});
  return out;
}

OutcomeReturns read_returns(const json& in, const JsonMoment& moment) {
  OutcomeReturns out;
  if (!in.is_object()) return out;
  for (const json& each : in.at("instances")) {
    OutcomeReturn entry;
    entry.fault = each.at("fault");
    entry.host = each.at("host");
    entry.site = each.at("site");
    entry.service = each.at("service");
    entry.role = each.at("role");
    entry.stage = each.at("stage");
    entry.state = state_named(each.at("state"));
    entry.why = each.at("why");
    entry.by = each.at("by");
    entry.killed = moment(each.at("killed"));
    entry.started = moment(each.at("started"));
    entry.well = moment(each.at("well"));
    entry.manual = each.at("manual");
    entry.due = moment(each.at("due"));
    entry.asked = moment(each.at("asked"));
    out.instances.push_back(std::move(entry));
  }
  out.hosts_per_hour = maybe<double>(in.at("hostsPerHour"));
  out.extrapolated_32000 = maybe_duration(in.at("extrapolated32000"));
  out.cycles = in.at("cycles").get<std::vector<std::vector<std::string>>>();
  return out;
}

json cold_start_json(const OutcomeColdStart& each) {
  return {{"id", each.id},
          {"service", each.service},
          {"host", each.host},
          {"site", each.site},
          {"state", each.state},
          {"diedFor", each.died_for.empty() ? json() : json(each.died_for)},
          {"lastWords", each.last_words},
          {"at", or_null(each.at)},
          {"took", or_null(each.took)}};
}

OutcomeColdStart read_cold_start(const json& in) {
  return {in.at("id"),
          in.at("service"),
          in.at("host"),
          in.at("site"),
          in.at("state"),
          maybe<std::string>(in.at("diedFor")).value_or(""),
          in.at("lastWords"),
          maybe_duration(in.at("at")),
          maybe_duration(in.at("took"))};
}

}  // namespace blackstart
