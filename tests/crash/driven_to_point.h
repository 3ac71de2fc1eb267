// SPDX-License-Identifier: Apache-2.0
// Drives an agent through its whole life until it, or its sentinel, stops at a crash point.
#pragma once

#include <signal.h>

#include <algorithm>
#include <string>
#include <vector>

#include "agents/runtime/crash_points.h"
#include "tests/crash/agent_under_test.h"

namespace blackstart::test {

class DrivenToPoint : public AgentUnderTest {
 protected:
  // An agent's life with a fault of 400 ms, then its death, then its hanging: until somebody stops at the
  // point. Nothing when nobody did. A fault that nobody fires, and what it killed, waits for a lease of a
  // second.
  [[nodiscard]] std::optional<pid_t> drive(const std::string& point) {
    start({"BLACKSTART_STOP_AT=" + point + ":" + path("marker")});
    std::optional<pid_t> stopped;
    const auto reached = [&](milliseconds within) {
      (void)until(within, [&] { return (stopped = stopped_at(path("marker"))).has_value(); });
      return stopped.has_value();
    };
    (void)until(milliseconds(3000), [&] { return reached(milliseconds(0)) || hello().has_value(); });
    if (reached(milliseconds(30))) return stopped;
    // Soon again: its sentinel does not wait for long until it ends one that has stopped.
    const auto answers = [&] {
      contract::Request anything;
      anything.mutable_hello();
      return ask(anything, milliseconds(200)).has_value();
    };
    const auto step = [&](const contract::Request& request) {
      // Without an answer somebody stopped, or a busy machine takes its time.
      if (!ask(request, milliseconds(500)))
        (void)until(milliseconds(2500), [&] { return reached(milliseconds(0)) || answers(); });
      return reached(milliseconds(10));
    };
    contract::Request request;
    contract::Order& ordered = *request.mutable_arm()->mutable_order();
    ordered = with_processes(order(milliseconds(400), kClsact));
    ordered.set_lease_ns(Duration(std::chrono::seconds(1)).count());
    if (step(request)) return stopped;
    request.mutable_fire()->set_run("test-run");
    request.mutable_fire()->set_t0_unix_ns(unix_now());
    request.mutable_fire()->set_horizon_ns(INT64_MAX);
    if (step(request)) return stopped;
    request.mutable_collect()->set_run("test-run");
    request.mutable_collect()->set_renew(true);
    request.mutable_collect()->set_horizon_ns(INT64_MAX);
    if (step(request)) return stopped;
    if (reached(milliseconds(1900))) return stopped;

    if (point == "leaving") {
      if (!signal_agent(SIGTERM)) return std::nullopt;
      return reached(milliseconds(1000)) ? stopped : std::nullopt;
    }
    if (point == "agent_overdue") {
      arm_and_fire(milliseconds(300));
      if (!signal_agent(SIGSTOP)) return std::nullopt;
      return reached(milliseconds(1500)) ? stopped : std::nullopt;
    }
    arm_and_fire(std::chrono::seconds(60));
    if (!signal_agent(SIGKILL)) return std::nullopt;
    return reached(milliseconds(1000)) ? stopped : std::nullopt;
  }
  // False: there is none, and a signal to nobody would be one to ourselves.
  [[nodiscard]] bool signal_agent(int signal) {
    const pid_t agent = processes().agent;
    return agent > 0 && ::kill(agent, signal) == 0;
  }
  // Whoever is stopped goes on.
  static void go_on(const AgentProcesses& was) {
    for (const pid_t pid : was.all) ::kill(pid, SIGCONT);
  }
  [[nodiscard]] testing::AssertionResult whole_again() {
    if (until(milliseconds(2000), [this] {
          reap_children();
          return whole();
        }))
      return testing::AssertionSuccess();
    return testing::AssertionFailure() << "no agent with a sentinel:\n" << log();
  }
};

// The points that can be reached here: units stand in the journal where systemd runs alone.
inline std::vector<std::string> reachable_points() {
  std::vector<std::string> out = crash_point_names();
  std::erase_if(out, [](const std::string& name) { return name.ends_with(".held_unit"); });
  return out;
}
// A point's name as a test's.
inline std::string test_name(std::string point) {
  std::replace(point.begin(), point.end(), '.', '_');
  return point;
}

}  // namespace blackstart::test
