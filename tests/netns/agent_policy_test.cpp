// SPDX-License-Identifier: Apache-2.0
// The agent as a service manager starts it, in a network of its own: its file decides, its walls stand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "agents/channel/embedded/embedded_channel.h"
#include "tests/support/command.h"
#include "tests/support/netns_sandbox.h"
#include "tests/support/order_builder.h"
#include "tests/support/promise.h"

namespace blackstart {
namespace {

using namespace test;
using testing::AllOf;
using testing::HasSubstr;
namespace fs = std::filesystem;

const std::string kAgent = BLACKSTART_BINARY_DIR "/bin/blackstart-agent";

class AgentPolicy : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root for network namespaces";
    char name[] = "/tmp/blackstart-agent-XXXXXX";
    folder_ = mkdtemp(name);
    sandbox_ = std::make_unique<NetnsSandbox>("agent");
  }
  void TearDown() override {
    // Asked to go, it takes its sentinel along; killed, the sentinel would follow it.
    if (agent_) {
      agent_->send(SIGTERM);
      (void)agent_->wait(std::chrono::seconds(5));
    }
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  [[nodiscard]] std::string config() const { return folder_ + "/agent.yaml"; }
  void write_config(const std::string& rest) const {
    std::ofstream(config()) << "apiVersion: blackstart/v1\nkind: Agent\nmetadata: {name: here}\nspec:\n"
                            << "  socket: " << folder_ << "/here.sock\n  state: " << folder_
                            << "/state\n  metricsListen: \"\"\n"
                            << rest;
  }
  // Starts it on host `here` and waits until it answers.
  void start(const std::vector<std::string>& options) {
    const auto inside = sandbox_->enter("here");
    std::vector<std::string> argv{kAgent};
    argv.insert(argv.end(), options.begin(), options.end());
    agent_ = std::make_unique<RunningCommand>(argv);
    for (int i = 0; i < 300 && !ask({}); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  Result<contract::Reply> ask(contract::Request request) {
    if (request.body_case() == contract::Request::BODY_NOT_SET) request.mutable_hello();
    EmbeddedChannel channel(folder_);
    return channel.call_all({{"here", request}}, std::chrono::milliseconds(3000)).at("here");
  }
  // Why the host will not arm it; "" when it did, and it is free again.
  std::string why_not(const contract::Order& order) {
    contract::Request arm;
    *arm.mutable_arm()->mutable_order() = order;
    if (const auto reply = ask(arm); !reply) {
      EXPECT_EQ(reply.error().kind, ErrorKind::kRefused);
      return reply.error().message();
    }
    contract::Request revert;
    revert.mutable_revert()->set_run(order.run());
    const auto reverted = ask(revert);
    return reverted ? "" : reverted.error().message();
  }
  static contract::Order order(const std::string& peer) {
    contract::Order out = OrderBuilder().fault({{.peers = {peer}}}, 0s, 1min);
    out.set_host("here");
    out.set_lease_ns(15'000'000'000);
    return out;
  }

  std::string folder_;
  std::unique_ptr<NetnsSandbox> sandbox_;
  std::unique_ptr<RunningCommand> agent_;
};

TEST_F(AgentPolicy, AcceptsWhatItsFileSaysAndNothingElse) {
  proves("S11");
  write_config("  accept: {prefixes: [198.18.2.0/24], faults: [site-blackhole], longest: 2m}\n");
  start({"--config", config()});
  EXPECT_EQ(why_not(order("198.18.2.0/24")), "");
  EXPECT_THAT(why_not(order("198.18.3.0/24")), HasSubstr(config() + ":8 accepts 198.18.2.0/24 as targets"));
  contract::Order forged = order("198.18.2.0/24");
  forged.mutable_faults(0)->set_kind("packet-loss");
  EXPECT_THAT(why_not(forged), HasSubstr("packet-loss would have to stand under spec.accept.faults"));
  EXPECT_EQ(why_not(order("198.18.2.7")), "") << "a refusal changes nothing";
}

TEST_F(AgentPolicy, WithoutAnAcceptItAnswersAndRefuses) {
  proves("S11");
  write_config("");
  start({"--config", config()});
  const auto hello = ask({});
  ASSERT_TRUE(hello) << hello.error().message();
  EXPECT_EQ(hello->report().host(), "here");
  EXPECT_THAT(why_not(order("198.18.2.0/24")), HasSubstr("has no `accept`, so this host accepts nothing"));
}

TEST_F(AgentPolicy, WithoutAFileItAnswersAndRefuses) {
  proves("S11");
  if (fs::exists("/etc/blackstart/agent.yaml")) GTEST_SKIP() << "this machine has an agent.yaml";
  start({"--host", "here", "--socket", folder_ + "/here.sock", "--state", folder_ + "/state",
         "--metrics-listen", ""});
  EXPECT_TRUE(ask({}));
  EXPECT_THAT(why_not(order("198.18.2.0/24")), HasSubstr("there is no /etc/blackstart/agent.yaml"));
}

TEST_F(AgentPolicy, ItsWallsStand) {
  proves("S13");
  write_config("  accept: {}\n");
  start({"--config", config()});
  std::ifstream file("/proc/" + std::to_string(agent_->pid()) + "/status");
  const std::string status(std::istreambuf_iterator<char>(file), {});
  // net_admin, net_raw, perfmon, bpf
  for (const char* set : {"CapPrm", "CapEff", "CapBnd"})
    EXPECT_THAT(status, HasSubstr(std::string(set) + ":\t000000c000003000\n"));
  EXPECT_THAT(status, AllOf(HasSubstr("NoNewPrivs:\t1\n"), HasSubstr("Seccomp:\t2\n")));
}

TEST_F(AgentPolicy, AFileOthersCanWriteEndsIt) {
  proves("S11");
  write_config("");
  ::chmod(config().c_str(), 0666);
  const auto ended = run_command({kAgent, "--config", config()}, 10s);
  EXPECT_EQ(ended.exit_code, 6);
  EXPECT_THAT(ended.err, HasSubstr("chmod go-w " + config()));
  ::chmod(config().c_str(), 0600);
  EXPECT_EQ(run_command({kAgent, "--config", config(), "--check"}, 10s).exit_code, 0);
}

// On the machine's own network a lab's agent would cut off the machine.
TEST_F(AgentPolicy, ALabIsBelievedOnlyInANetworkOfItsOwn) {
  proves("S11");
  const auto ended = run_command({kAgent, "--lab", "--host", "here", "--socket", folder_ + "/here.sock",
                                  "--state", folder_ + "/state", "--metrics-listen", ""},
                                 10s);
  EXPECT_EQ(ended.exit_code, 6);
  EXPECT_THAT(ended.err, HasSubstr("the machine's own network, not a lab's"));
  start({"--lab", "--host", "here", "--socket", folder_ + "/here.sock", "--state", folder_ + "/state",
         "--metrics-listen", ""});
  EXPECT_EQ(why_not(order("198.18.3.0/24")), "");
}

}  // namespace
}  // namespace blackstart
