// SPDX-License-Identifier: Apache-2.0
#include "injector/cli/end_runs.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <future>
#include <iostream>
#include <thread>

#include <nlohmann/json.hpp>

#include "agents/channel/embedded/embedded_channel.h"
#include "injector/cli/command.h"
#include "injector/lab/lab.h"
#include "injector/record/outcome.h"
#include "injector/record/run_stand.h"

namespace blackstart::cli {
namespace {

using namespace std::chrono_literals;

// A conductor that lives reverts in less; one that has not by then is gone around. With the questions
// and reverts that follow it stays under 5 s.
constexpr auto kConductorPatience = 2500ms;

// What the agents of a run's hosts say.
struct Hosts {
  std::vector<std::string> held;  // by the run
  std::vector<std::string> mute;  // their agent is there and does not answer: they may be held
  std::vector<std::string> others;
};
Hosts hosts_of(const RunRecord& record) {
  EmbeddedChannel channel(record.agents);
  std::map<std::string, contract::Request> hellos;
  for (const std::string& host : channel.hosts().value_or(std::vector<std::string>{}))
    hellos[host].mutable_hello();
  Hosts hosts;
  for (const auto& [host, reply] : channel.call_all(hellos, 500ms)) {
    if (reply && reply->report().run() == record.run)
      hosts.held.push_back(host);
    else if (!reply && reply.error().code == ETIMEDOUT)
      hosts.mute.push_back(host);
    else
      hosts.others.push_back(host);
  }
  return hosts;
}

bool ended_by_conductor(const RunRecord& record) {
  const auto deadline = std::chrono::steady_clock::now() + kConductorPatience;
  while (RunRegistry::conductor_alive(record) && std::chrono::steady_clock::now() < deadline) {
    const Hosts hosts = hosts_of(record);
    if (hosts.held.empty() && hosts.mute.empty()) return true;
    std::this_thread::sleep_for(50ms);
  }
  return false;
}

// Asks the agents themselves, and has them ask no more. A mute one is asked too: it obeys when it wakes.
Result<size_t> revert_directly(const RunRecord& record) {
  const Hosts hosts = hosts_of(record);
  std::map<std::string, contract::Request> reverts, stops;
  for (const auto* asked : {&hosts.held, &hosts.mute})
    for (const std::string& host : *asked) {
      reverts[host].mutable_revert()->set_run(record.run);
      reverts[host].mutable_revert()->set_reason("abort");
    }
  EmbeddedChannel channel(record.agents);
  Result<> all;
  for (const auto& [host, reply] : channel.call_all(reverts, 1s)) {
    if (reply || !all) continue;
    all = tl::unexpected(reply.error());
    if (reply.error().code == ETIMEDOUT)
      all.error().hint = "its faults end at their lease or deadline; ending its agent ends them now";
  }
  // Nobody waits for their answers, and the next run may want to ask at once.
  for (const auto* asked : {&hosts.held, &hosts.others})
    for (const std::string& host : *asked) stops[host].mutable_stop_probes()->set_run(record.run);
  (void)channel.call_all(stops, 500ms);
  if (!all) return tl::unexpected(all.error());
  return reverts.size();
}

// Goes around a conductor that does not end its run.
Result<std::string> end_one(RunRegistry& registry, const RunRecord& record) {
  if (ended_by_conductor(record)) return std::string("its conductor has reverted every host");
  const auto reverted = revert_directly(record);
  if (!reverted) return tl::unexpected(reverted.error());
  const bool alive = RunRegistry::conductor_alive(record);
  if (!alive) registry.close(record.run);
  return std::string(alive ? "its conductor has not finished" : "its conductor is gone") + "; reverted " +
         std::to_string(*reverted) + " hosts directly";
}

// As far as it is known before it is ended: something of it can be killed, and T0 is behind it.
bool may_have_killed(const RunRegistry& registry, const RunRecord& record) {
  if (!std::filesystem::exists(registry.returns_file(record.run))) return false;
  const auto stand = read_stand(registry.stand_file(record.run));
  return stand && (stand->phase == "hold" || stand->phase == "revert" || stand->phase == "return");
}

// What makes a lab whole again; "": it is none.
std::string how_to_mend(const std::string& topology) {
  const auto lab = lab::Lab::find(topology);
  if (topology.empty() || !lab) return "";
  return "; `blackstart lab status " + topology + "` shows it, `blackstart lab up " +
         lab->blueprint().topology_file + "` starts what is down";
}

}  // namespace

std::string who_asks() {
  const char* login = getlogin();
  return login ? login : "uid " + std::to_string(getuid());
}

std::vector<EndedRun> end_runs(RunRegistry& registry, const std::vector<RunRecord>& records,
                               const std::string& why) {
  std::vector<EndedRun> ended;
  for (const RunRecord& record : records)
    ended.push_back({record.run, {}, may_have_killed(registry, record), record.topology});
  std::vector<std::future<Result<std::string>>> under_way;
  for (const RunRecord& record : records)
    under_way.push_back(std::async(std::launch::async, [&registry, &record, &why]() -> Result<std::string> {
      if (auto ok = registry.request_abort(record.run, why); !ok && RunRegistry::conductor_alive(record))
        return tl::unexpected(ok.error());
      return end_one(registry, record);
    }));
  for (size_t i = 0; i < records.size(); ++i) ended[i].how = under_way[i].get();
  return ended;
}

int end_and_tell(RunRegistry& registry, const std::vector<RunRecord>& records, const std::string& why,
                 bool json) {
  auto list = nlohmann::json::array();
  int code = kExitPass;
  std::string unordered;
  for (const EndedRun& run : end_runs(registry, records, why)) {
    if (!run.how) code = graver(code, report(run.how.error(), false));
    list.push_back({{"run", run.run},
                    {"ended", run.how ? *run.how : run.how.error().message()},
                    {"startedAtOnce", run.killed}});
    if (run.killed && !json)
      unordered +=
          run.run +
          ": what it had killed was started all at once, without order, and may have died for want of "
          "another service" +
          how_to_mend(run.topology) + "\n";
  }
  if (json) {
    std::cout << list.dump(2) << "\n";
    return code;
  }
  if (list.empty()) std::cout << "no run is under way\n";
  for (const auto& run : list)
    std::cout << run["run"].get<std::string>() << ": " << run["ended"].get<std::string>() << "\n";
  std::cout << unordered;
  return code;
}

}  // namespace blackstart::cli
