// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include <nlohmann/json.hpp>

#include "agents/channel/embedded/embedded_channel.h"
#include "agents/contract/totals.h"
#include "injector/cli/drill.h"
#include "injector/record/outcome.h"

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
      list.push_back({{"host", host}, {"state", "unreachable"}});
      continue;
    }
    const auto& report = reply->report();
    if (report.run() != record.run) continue;
    PacketTotals totals;
    totals.add(report);
    list.push_back({{"host", host},
                    {"site", report.site()},
                    {"state", report.faults().empty()    ? "watching"
                              : report.t0_unix_ns() != 0 ? "fired"
                                                         : "armed"},
                    {"dropped", totals.dropped},
                    {"leaked", totals.leaked}});
  }
  return list;
}

}  // namespace

void declare_status(po::options_description& options) {
  declare_state(options);
}

int run_status(const Invocation& invocation) {
  json runs = json::array();
  const RunRegistry registry = registry_of(invocation);
  const auto lever = engaged_lever(registry.state_folder());
  const auto may_start = registry.may_start();
  const auto live = registry.live();
  if (!live) return report(live.error(), invocation.json);
  for (const RunRecord& record : *live) {
    if (!invocation.arguments.empty() && invocation.arguments[0] != record.run) continue;
    runs.push_back({{"run", record.run},
                    {"experiment", record.experiment},
                    {"topology", record.topology},
                    {"started", rfc3339(record.started)},
                    {"conductor", RunRegistry::conductor_alive(record) ? "alive" : "gone"},
                    {"pid", record.pid},
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
    for (const json& host : run["hosts"]) {
      std::cout << "  " << host["host"].get<std::string>() << "  " << host["state"].get<std::string>();
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
