// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>

#include <nlohmann/json.hpp>

#include "agents/channel/embedded/embedded_channel.h"
#include "agents/contract/totals.h"
#include "injector/cli/drill.h"
#include "injector/cli/host_state.h"
#include "injector/record/outcome.h"
#include "injector/record/run_stand.h"

namespace blackstart::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

// What the hosts of one run say of themselves.
json hosts_of(const RunRecord& record) {
  json list = json::array();
  EmbeddedChannel channel(record.agents);
  const auto hosts = channel.hosts();
  if (!hosts) return list;
  std::map<std::string, contract::Request> requests;
  for (const std::string& host : *hosts) requests[host].mutable_hello();
  for (const auto& [host, reply] : channel.call_all(requests, 1s)) {
    if (!reply) {
      list.push_back({{"host", host}, {"state", "unreachable"}, {"text", "unreachable"}});
      continue;
    }
    const auto& report = reply->report();
    // A free host is one of the run as long as its conductor may still hold it, or held it before.
    if (report.run() != record.run && (!report.run().empty() || !RunRegistry::conductor_alive(record)))
      continue;
    PacketTotals totals;
    totals.add(report);
    const HostState state = host_state(report, unix_now());
    list.push_back({{"host", host},
                    {"site", report.site()},
                    {"state", state.state},
                    {"text", state.text()},
                    {"down", state.down},
                    {"dropped", totals.dropped},
                    {"leaked", totals.leaked}});
  }
  return list;
}

std::string lasting(UnixNs from, UnixNs to) {
  return format_duration(std::chrono::round<std::chrono::seconds>(Duration(std::max<UnixNs>(0, to - from))));
}

// Where its conductor says that it stands; null: it says nothing, or is gone.
json phase_of(const RunStand& stand, UnixNs now) {
  const UnixNs end = stand.since + stand.expected.count();
  return {{"phase", stand.phase},
          {"detail", stand.detail},
          {"since", rfc3339(stand.since)},
          {"lasts", seconds(Duration(now - stand.since))},
          {"left", stand.expected.count() > 0 ? json(seconds(Duration(end - now))) : json()}};
}

void print_stand(const RunStand& stand, UnixNs now) {
  const UnixNs end = stand.since + stand.expected.count();
  std::cout << "  " << stand.phase << " for " << lasting(stand.since, now);
  if (stand.expected.count() > 0)
    std::cout << (now < end ? ", " + lasting(now, end) + " left"
                            : ", " + lasting(end, now) + " longer than expected");
  if (!stand.detail.empty() && !stand.wait) std::cout << ": " << stand.detail;
  std::cout << "\n";
  if (!stand.wait) return;
  std::cout << "  " << stand.wait->text() << "; in " << lasting(now, stand.wait->until)
            << " it comes back all the same\n";
  for (const PlanReturn& each : stand.wait->instances)
    std::cout << "      " << each.service << " on " << each.host << "\n";
}

}  // namespace

void declare_status(po::options_description& options) {
  declare_state(options);
}

int run_status(const Invocation& invocation) {
  json runs = json::array();
  std::map<std::string, std::optional<RunStand>> stands;
  const RunRegistry registry = registry_of(invocation);
  const auto lever = engaged_lever(registry.state_folder());
  const auto may_start = registry.may_start();
  const auto live = registry.live();
  if (!live) return report(live.error(), invocation.json);
  for (const RunRecord& record : *live) {
    if (!invocation.arguments.empty() && invocation.arguments[0] != record.run) continue;
    const bool alive = RunRegistry::conductor_alive(record);
    const auto stand = alive ? read_stand(registry.stand_file(record.run)) : std::nullopt;
    stands[record.run] = stand;
    runs.push_back({{"run", record.run},
                    {"experiment", record.experiment},
                    {"topology", record.topology},
                    {"started", rfc3339(record.started)},
                    {"conductor", alive ? "alive" : "gone"},
                    {"pid", record.pid},
                    {"stands", stand ? phase_of(*stand, unix_now()) : json()},
                    {"waits", stand && stand->wait ? json_of(*stand->wait) : json()},
                    {"hosts", hosts_of(record)}});
  }
  if (!invocation.arguments.empty() && runs.empty())
    return report(Error{ErrorKind::kInvalid, "status of", invocation.arguments[0], 0,
                        "no such run is under way; `blackstart runs` lists those that were"},
                  invocation.json);
  if (invocation.json) {
    std::cout << json{{"kind", "Status"},
                      {"lever", lever_json(lever)},
                      {"mayStart", may_start.has_value()},
                      {"runs", runs}}
                     .dump(2)
              << "\n";
    return kExitPass;
  }
  if (!may_start) std::cout << "NO RUN MAY START: " << may_start.error().message() << "\n";
  if (runs.empty()) std::cout << "no run is under way\n";
  for (const json& run : runs) {
    std::cout << run["run"].get<std::string>() << "  " << run["experiment"].get<std::string>() << " on "
              << run["topology"].get<std::string>() << ", since " << run["started"].get<std::string>()
              << ", conductor " << run["conductor"].get<std::string>() << " (pid " << run["pid"] << ")\n";
    if (const auto& stand = stands[run["run"].get<std::string>()]) print_stand(*stand, unix_now());
    for (const json& host : run["hosts"]) {
      std::cout << "  " << host["host"].get<std::string>() << "  " << host["text"].get<std::string>();
      if (host.contains("dropped"))
        std::cout << "  dropped " << host["dropped"] << "  leaked " << host["leaked"];
      std::cout << "\n";
    }
    if (run["conductor"] != "gone") continue;
    const std::string id = run["run"].get<std::string>();
    if (run["hosts"].empty())
      std::cout << "  its conductor died and no host is held any more; `blackstart abort " << id
                << "` forgets it\n";
    else
      std::cout << "  its faults end at their lease or deadline; `blackstart abort " << id
                << "` ends them now\n";
  }
  return kExitPass;
}

}  // namespace blackstart::cli
