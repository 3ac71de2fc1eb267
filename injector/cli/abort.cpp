// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <thread>

#include <nlohmann/json.hpp>

#include "agents/channel/embedded/embedded_channel.h"
#include "injector/cli/command.h"
#include "injector/record/outcome.h"
#include "injector/record/run_registry.h"

namespace blackstart::cli {
namespace {

using namespace std::chrono_literals;

// A conductor that lives reverts in less; one that has not by then is gone around.
constexpr auto kConductorPatience = 3s;

// The hosts the run still holds, as far as their agents answer.
std::vector<std::string> held_hosts(const RunRecord& record) {
  EmbeddedChannel channel(record.agents);
  std::map<std::string, contract::Request> hellos;
  for (const std::string& host : channel.hosts().value_or(std::vector<std::string>{}))
    hellos[host].mutable_hello();
  std::vector<std::string> held;
  for (const auto& [host, reply] : channel.call_all(hellos, 500ms))
    if (reply && reply->report().run() == record.run) held.push_back(host);
  return held;
}

bool ended_by_conductor(const RunRecord& record) {
  const auto deadline = std::chrono::steady_clock::now() + kConductorPatience;
  while (RunRegistry::conductor_alive(record) && std::chrono::steady_clock::now() < deadline) {
    if (held_hosts(record).empty()) return true;
    std::this_thread::sleep_for(50ms);
  }
  return false;
}

// Asks the agents themselves.
Result<size_t> revert_directly(const RunRecord& record) {
  std::map<std::string, contract::Request> reverts;
  for (const std::string& host : held_hosts(record)) {
    reverts[host].mutable_revert()->set_run(record.run);
    reverts[host].mutable_revert()->set_reason("abort");
  }
  for (const auto& [host, reply] : EmbeddedChannel(record.agents).call_all(reverts, 1s))
    if (!reply) return tl::unexpected(reply.error());
  return reverts.size();
}

// Ends one run and says how.
Result<std::string> abort_one(RunRegistry& registry, const RunRecord& record) {
  const char* login = getlogin();
  const std::string who = login ? login : "uid " + std::to_string(getuid());
  if (auto ok =
          registry.request_abort(record.run, "aborted by " + who + " (pid " + std::to_string(getpid()) + ")");
      !ok)
    return tl::unexpected(ok.error());
  if (ended_by_conductor(record)) return std::string("its conductor has reverted every host");
  const auto reverted = revert_directly(record);
  if (!reverted) return tl::unexpected(reverted.error());
  const bool alive = RunRegistry::conductor_alive(record);
  if (!alive) registry.close(record.run);
  return std::string(alive ? "its conductor has not finished" : "its conductor is gone") + "; reverted " +
         std::to_string(*reverted) + " hosts directly";
}

}  // namespace

void declare_abort(po::options_description&) {}

int run_abort(const Invocation& invocation) {
  RunRegistry registry;
  const auto live = registry.live();
  if (!live) return report(live.error(), invocation.json);
  auto list = nlohmann::json::array();
  int code = kExitPass;
  for (const RunRecord& record : *live) {
    if (!invocation.arguments.empty() && invocation.arguments[0] != record.run) continue;
    const auto how = abort_one(registry, record);
    if (!how) code = std::max(code, report(how.error(), false));
    list.push_back({{"run", record.run}, {"ended", how ? *how : how.error().message()}});
  }
  if (list.empty() && !invocation.arguments.empty())
    return report(Error{ErrorKind::kInvalid, "abort", invocation.arguments[0], 0,
                        "no such run is under way; `blackstart status` lists them"},
                  invocation.json);
  if (invocation.json) {
    std::cout << list.dump(2) << "\n";
    return code;
  }
  if (list.empty()) std::cout << "no run is under way\n";
  for (const auto& run : list)
    std::cout << run["run"].get<std::string>() << ": " << run["ended"].get<std::string>() << "\n";
  return code;
}

}  // namespace blackstart::cli
