// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <iostream>
#include <thread>

#include "agents/channel/embedded/embedded_channel.h"
#include "injector/cli/command.h"
#include "injector/record/outcome.h"
#include "injector/record/run_registry.h"

namespace blackstart::cli {
namespace {

using namespace std::chrono_literals;

// A conductor that lives reverts in less; one that does not answer by then is gone around.
constexpr auto kConductorPatience = 3s;

bool ended_by_conductor(const RunRegistry& registry, const std::string& run) {
  const auto deadline = std::chrono::steady_clock::now() + kConductorPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    bool live = false;
    for (const RunRecord& record : registry.live()) live |= record.run == run;
    if (!live) return true;
    std::this_thread::sleep_for(50ms);
  }
  return false;
}

// Asks the agents themselves.
Result<size_t> revert_directly(const RunRecord& record) {
  EmbeddedChannel channel(record.agents);
  const auto hosts = channel.hosts();
  if (!hosts) return tl::unexpected(hosts.error());
  std::map<std::string, contract::Request> requests;
  for (const std::string& host : *hosts) requests[host].mutable_hello();
  std::map<std::string, contract::Request> reverts;
  for (const auto& [host, reply] : channel.call_all(requests, 1s)) {
    if (!reply || reply->report().run() != record.run) continue;
    reverts[host].mutable_revert()->set_run(record.run);
    reverts[host].mutable_revert()->set_reason("abort");
  }
  for (const auto& [host, reply] : channel.call_all(reverts, 1s))
    if (!reply) return tl::unexpected(reply.error());
  return reverts.size();
}

int abort_one(RunRegistry& registry, const RunRecord& record, bool json) {
  const std::string who = getlogin() ? getlogin() : "uid " + std::to_string(getuid());
  if (auto ok = registry.request_abort(record.run, "aborted by " + who); !ok) return report(ok.error(), json);
  if (RunRegistry::conductor_alive(record) && ended_by_conductor(registry, record.run)) {
    std::cout << record.run << ": aborted by its conductor\n";
    return kExitPass;
  }
  const auto reverted = revert_directly(record);
  if (!reverted) return report(reverted.error(), json);
  std::cout << record.run << ": its conductor does not answer; reverted " << *reverted << " hosts directly\n";
  if (!RunRegistry::conductor_alive(record)) registry.close(record.run);
  return kExitPass;
}

}  // namespace

void declare_abort(po::options_description&) {}

int run_abort(const Invocation& invocation) {
  RunRegistry registry;
  const auto live = registry.live();
  int code = kExitPass;
  bool found = false;
  for (const RunRecord& record : live) {
    if (!invocation.arguments.empty() && invocation.arguments[0] != record.run) continue;
    found = true;
    code = std::max(code, abort_one(registry, record, invocation.json));
  }
  if (found) return code;
  if (invocation.arguments.empty()) {
    std::cout << "no run is under way\n";
    return kExitPass;
  }
  return report(Error{ErrorKind::kInvalid, "abort", invocation.arguments[0], 0,
                      "no such run is under way; `blackstart status` lists them"},
                invocation.json);
}

}  // namespace blackstart::cli
