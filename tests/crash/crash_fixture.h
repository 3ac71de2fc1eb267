// SPDX-License-Identifier: Apache-2.0
// A host on which an agent and its sentinel run and answer.
#pragma once

#include <signal.h>

#include <fstream>
#include <sstream>

#include "tests/crash/agent_under_test.h"

namespace blackstart::test {

class CrashTest : public AgentUnderTest {
 protected:
  void SetUp() override {
    AgentUnderTest::SetUp();
    if (HasFatalFailure()) return;
    start();
    ASSERT_TRUE(wait_until_it_answers()) << log();
  }
  // Once an agent and its sentinel are there.
  [[nodiscard]] testing::AssertionResult whole_within(milliseconds at_most) {
    if (until(at_most, [this] {
          reap_children();
          return whole();
        }))
      return testing::AssertionSuccess();
    return testing::AssertionFailure() << "no agent with a sentinel after " << at_most.count() << " ms";
  }
  void kill_both() {
    const AgentProcesses now = processes();
    for (const int signal : {SIGSTOP, SIGKILL})  // at once: neither sees the other die
      for (const pid_t pid : {now.agent, now.sentinel}) ::kill(pid, signal);
    ASSERT_TRUE(until(kRestHeals, [this] { return all_gone(); }));
  }
  [[nodiscard]] std::pair<int, std::string> reap_by_hand() const {
    const auto [ok, output] = shell("(" + std::string(BLACKSTART_AGENT_UNDER_TEST) + " reap --state " +
                                    state() + ") 2>&1; echo rc=$?");
    const size_t code = output.rfind("rc=");
    return {std::stoi(output.substr(code + 3)), output.substr(0, code)};
  }
  [[nodiscard]] std::string journal() const {
    std::ostringstream out;
    out << std::ifstream(state() + "/journal", std::ios::binary).rdbuf();
    return out.str();
  }
};

}  // namespace blackstart::test
