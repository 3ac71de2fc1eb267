// SPDX-License-Identifier: Apache-2.0
// A real agent and its sentinel on host `here` of a sandbox, and the ways to hurt them.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agents/channel/embedded/embedded_channel.h"
#include "agents/contract/units.h"
#include "agents/kernel/fd.h"
#include "tests/support/emulated.h"
#include "tests/support/fake_keeper.h"
#include "tests/support/netns_sandbox.h"
#include "tests/support/order_builder.h"
#include "tests/support/promise.h"
#include "tests/support/scratch_cgroup.h"
#include "tests/support/sockets.h"

namespace blackstart::test {

inline constexpr const char* kThere = "198.18.2.11";
inline constexpr milliseconds kNetworkHeals{100};  // after the death of an agent
inline constexpr milliseconds kRestHeals{1000};
inline constexpr auto kTcx = contract::ATTACHMENT_TCX;
inline constexpr auto kClsact = contract::ATTACHMENT_CLSACT;

// The processes that work on one state folder, whoever is their parent now.
struct AgentProcesses {
  pid_t agent = 0, sentinel = 0;  // 0: none
  std::vector<pid_t> all;
};

// Asks every few milliseconds; how long it took, or nothing after `at_most` (of a processor of its own).
std::optional<milliseconds> until(milliseconds at_most, const std::function<bool()>& holds);

class AgentUnderTest : public testing::Test {
 protected:
  AgentUnderTest();
  ~AgentUnderTest() override;
  void SetUp() override;
  // Ends what runs and expects that nothing is left: no process, no object, no journal entry.
  void TearDown() override;

  // Starts an agent with more environment ("NAME=value") and options: a lab's, unless they name
  // a --config. Does not wait.
  void start(const std::vector<std::string>& environment = {}, const std::vector<std::string>& options = {});
  [[nodiscard]] bool wait_until_it_answers(milliseconds at_most = milliseconds(3000));
  [[nodiscard]] AgentProcesses processes() const;
  // Not one process is left. It looks more than once: a process in the middle of an exec has no name.
  [[nodiscard]] bool all_gone() const;
  // Agent and sentinel are there and the agent answers.
  [[nodiscard]] bool whole();
  void end();  // SIGTERM, as systemd does: to all of them

  [[nodiscard]] static contract::Order order(Duration end, contract::Attachment attachment);
  Result<contract::Reply> ask(const contract::Request& request,
                              milliseconds at_most = patience(milliseconds(400)));
  Result<contract::Reply> hello();
  Result<contract::Reply> arm(const contract::Order& order);
  Result<contract::Reply> fire();
  Result<contract::Reply> collect();  // renews
  Result<contract::Reply> revert();
  void arm_and_fire(Duration end, contract::Attachment attachment = contract::ATTACHMENT_CLSACT);

  // The same and faults on processes, one for each way to take them back: `killed` is killed and held down,
  // `frozen` frozen with its cgroup, `stopped` by a signal.
  static contract::Order with_processes(contract::Order order);
  // Whoever was killed runs again, and nobody stands still.
  [[nodiscard]] bool processes_well() const;
  // What a reboot would do to them.
  void restart_services();

  [[nodiscard]] static bool healthy();  // one datagram and its echo, at once
  static std::optional<milliseconds> until_healthy(milliseconds at_most);

  [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }
  [[nodiscard]] std::string state() const { return path("state"); }
  [[nodiscard]] bool journal_empty() const;
  [[nodiscard]] std::string inventory() const { return sandbox_->inventory("here"); }
  // What `blackstart-agent inventory` finds of ours on the host and in the journal, or does not know there;
  // from outside, as the rest of the machine is other people's.
  [[nodiscard]] std::vector<std::string> stranded() const;
  [[nodiscard]] std::string log() const;
  [[nodiscard]] std::string services(const std::string& service) const;
  [[nodiscard]] std::vector<pid_t> living(const std::string& service) const;
  pid_t start_service(const std::string& service) const;
  // Waits for the end of children that died, sentinels that lost their agent among them.
  static void reap_children();

  std::string folder_;
  Fd outside_;  // the network namespace the test was started in
  std::unique_ptr<NetnsSandbox> sandbox_;
  std::unique_ptr<EchoServer> echo_;
  std::unique_ptr<ScratchCgroup> cgroup_;  // the agent's and its host's services
  std::unique_ptr<FakeKeeper> keeper_;
  std::unique_ptr<NetnsScope> here_;
  std::unique_ptr<EmbeddedChannel> channel_;
  std::string before_;  // the inventory
};

// A process the test stopped at a crash point.
std::optional<pid_t> stopped_at(const std::string& marker);

}  // namespace blackstart::test
