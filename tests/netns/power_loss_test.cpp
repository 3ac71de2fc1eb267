// SPDX-License-Identifier: Apache-2.0
// A host loses power, and comes back: what survivors hear of it, and what happens on it meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "agents/channel/embedded/embedded_channel.h"
#include "agents/contract/units.h"
#include "agents/kernel/cgroup.h"
#include "agents/kernel/seqpacket.h"
#include "tests/support/emulated.h"
#include "tests/support/netns_sandbox.h"
#include "tests/support/order_builder.h"
#include "tests/support/promise.h"
#include "tests/support/sockets.h"

namespace blackstart {
namespace {

using namespace test;
using testing::HasSubstr;
namespace fs = std::filesystem;

const std::string kLab = "blackstart/power-loss-test";
constexpr const char* kHereV4 = "198.18.1.11";
constexpr const char* kHereV6 = "fd00:18:1::11";
// Holds what it accepts, reads nothing, and says a word on every third connection each 20 ms.
constexpr const char* kServer = R"(
import select, socket
listener = socket.create_server(("::", 7007), family=socket.AF_INET6, dualstack_ipv6=True, backlog=128)
held = []
while True:
    if select.select([listener], [], [], 0.02)[0]:
        held.append(listener.accept()[0])
    for each in held[::3]:
        try:
            each.send(b"word")
        except OSError:
            held.remove(each)
)";
// Starts it again whenever it dies, after 10 ms.
constexpr const char* kSupervisor =
    "while :; do echo began >>\"$0\"; python3 -c \"$1\"; sleep 0.01; done 2>/dev/null";

std::string slurp(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool within(milliseconds at_most, const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + patience(at_most);
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

// Stands in for a lab's keeper: says that it started what it was asked to.
class Keeper {
 public:
  explicit Keeper(const std::string& socket) : listener_(listen_packets(socket).value()) {
    thread_ = std::thread([this] { serve(); });
  }
  ~Keeper() {
    stop_ = true;
    thread_.join();
  }
  std::vector<std::string> asked() {
    const std::lock_guard lock(guard_);
    return asked_;
  }

 private:
  void serve() {
    while (!stop_) {
      if (!readable(listener_, 20ms)) continue;
      const Fd client = accept_packets(listener_);
      if (!client.valid() || !readable(client, 1000ms)) continue;
      const auto request = receive_packet(client);
      if (!request || !*request) continue;
      {
        const std::lock_guard lock(guard_);
        asked_.push_back(**request);
      }
      (void)send_packet(client, "ok 1");
    }
  }
  Fd listener_;
  std::mutex guard_;
  std::vector<std::string> asked_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

class PowerLoss : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root for network namespaces";
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // a sentinel outlives the agent that started it
    char name[] = "/tmp/blackstart-power-XXXXXX";
    folder_ = mkdtemp(name);
    sandbox_ = std::make_unique<NetnsSandbox>("power");
    before_ = sandbox_->inventory("here");
    {
      const auto there = sandbox_->enter("there");
      NetnsSandbox::run(
          "nft 'add table inet heard; add chain inet heard in { type filter hook prerouting priority -300; };"
          " add rule inet heard in tcp sport 7007 tcp flags & (fin|rst) != 0 counter'");
    }
    keeper_ = std::make_unique<Keeper>(folder_ + "/keeper.sock");
    start_in("services/echo", {"sh", "-c", kSupervisor, folder_ + "/began", kServer});
    for (const char* address : {kHereV4, kHereV6})
      ASSERT_TRUE(within(5000ms, [&] { return connect(address).valid(); })) << address;
    connections_.clear();
  }
  void TearDown() override {
    if (!sandbox_) return;
    connections_.clear();
    for (const pid_t pid : in("agent").processes()) ::kill(pid, SIGTERM);
    EXPECT_TRUE(within(3000ms, [&] { return reap_children(), in("agent").processes().empty(); }));
    EXPECT_TRUE(Cgroup::at(kLab)->kill(std::chrono::seconds(3)));
    reap_children();
    EXPECT_EQ(sandbox_->inventory("here"), before_) << "something was left behind";
    EXPECT_TRUE(Cgroup::at(kLab)->remove());
    if (HasFailure()) std::printf("the agent said:\n%s", slurp(folder_ + "/log").c_str());
    fs::remove_all(folder_);
  }

  static Cgroup in(const std::string& below) { return Cgroup::at(kLab + "/here/" + below).value(); }
  static void reap_children() {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
  }
  // On host `here`.
  pid_t start_in(const std::string& below, const std::vector<std::string>& argv) {
    EXPECT_TRUE(in(below).create());
    const auto here = sandbox_->enter("here");
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    std::ofstream(in(below).path() / "cgroup.procs") << "0" << std::flush;
    (void)!::freopen((folder_ + "/log").c_str(), "a", stdout);
    ::dup2(STDOUT_FILENO, STDERR_FILENO);
    std::vector<char*> words;
    for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    ::execvp(words[0], words.data());
    ::_exit(127);
  }
  void start_agent(const std::string& without = "") {
    ::setenv("BLACKSTART_MUTATE", without.c_str(), 1);
    start_in("agent",
             {BLACKSTART_AGENT_UNDER_TEST, "--lab", "--host", "here", "--socket", folder_ + "/here.sock",
              "--state", folder_ + "/state", "--metrics-listen", "", "--keeper", folder_ + "/keeper.sock",
              "--abort-file", folder_ + "/abort", "--lever-file", folder_ + "/lever"});
    ASSERT_TRUE(within(3000ms, [&] { return ask({}).has_value(); })) << slurp(folder_ + "/log");
  }
  Result<contract::Reply> ask(contract::Request request) {
    if (request.body_case() == contract::Request::BODY_NOT_SET) request.mutable_hello();
    return EmbeddedChannel(folder_).call("here", request, patience(2000ms));
  }
  contract::HostReport collect() {
    contract::Request request;
    request.mutable_collect()->set_run("test-run");
    const auto reply = ask(request);
    return reply ? reply->report() : contract::HostReport{};
  }
  static contract::Order order(Duration end) {
    contract::Order out =
        OrderBuilder().site("here", {"198.18.1.0/24"}).fault({{.peers = {"0.0.0.0/0", "::/0"}}}, 0s, end);
    out.set_host("here");
    out.set_hold(true);
    contract::Fault& fault = *out.mutable_faults(0);
    fault.set_kind("host-power-loss");
    fault.mutable_process()->set_act(contract::ProcessFault::POWER_LOSS);
    for (const char* service : {"echo", "gone"}) fault.mutable_process()->add_targets()->set_service(service);
    return out;
  }
  Result<contract::Reply> revert(bool keep_down) {
    contract::Request request;
    request.mutable_revert()->set_run("test-run");
    request.mutable_revert()->set_keep_down(keep_down);
    return ask(request);
  }
  Result<contract::Reply> bring_back(const std::vector<std::string>& services) {
    contract::Request request;
    request.mutable_return_services()->set_run("test-run");
    for (const std::string& service : services) request.mutable_return_services()->add_services(service);
    return ask(request);
  }
  // Whether a process of the services' gets as far as its first act.
  bool comes_up() {
    const std::string file = folder_ + "/came-up";
    fs::remove(file);
    const pid_t pid = start_in("services/echo", {"touch", file});
    ::waitpid(pid, nullptr, 0);
    return fs::exists(file);
  }
  [[nodiscard]] bool reachable() const {
    const auto there = sandbox_->enter("there");
    return ping(kHereV4, 50ms).answered;
  }
  static std::map<std::string, contract::DownReport::State> states(const contract::HostReport& report) {
    std::map<std::string, contract::DownReport::State> out;
    for (const auto& each : report.down()) out[each.service()] = each.state();
    return out;
  }

  // T0 is `ahead` of now.
  void lose_power(Duration end, Duration ahead = 300ms) {
    contract::Request request;
    *request.mutable_arm()->mutable_order() = order(end);
    const auto armed = ask(request);
    ASSERT_TRUE(armed) << armed.error().message();
    request.mutable_fire()->set_run("test-run");
    request.mutable_fire()->set_t0_unix_ns(unix_now() + ahead.count());
    request.mutable_fire()->set_horizon_ns(INT64_MAX);
    const auto fired = ask(request);
    ASSERT_TRUE(fired) << fired.error().message();
  }
  Fd connect(const std::string& address) {
    const auto there = sandbox_->enter("there");
    auto made = connect_tcp(address, 500ms);
    return made.error == 0 ? std::move(made.socket) : Fd();
  }
  // Established ones: idle, with a word that is never read, and with words on the way.
  void connect_all() {
    for (int i = 0; i < 24; ++i) {
      connections_.push_back(connect(i % 2 ? kHereV6 : kHereV4));
      ASSERT_TRUE(connections_.back().valid());
      if (i % 3 == 1) {
        ASSERT_EQ(::send(connections_.back().get(), "x", 1, 0), 1);
      }
    }
    std::this_thread::sleep_for(50ms);
  }
  // FIN and RST from the host, at the survivor.
  [[nodiscard]] uint64_t goodbyes() const {
    const auto there = sandbox_->enter("there");
    const std::string listed = shell("nft list table inet heard").second;
    return std::stoull(listed.substr(listed.find("packets ") + 8));
  }
  [[nodiscard]] uint64_t goodbyes_of(const std::string& without) {
    start_agent(without);
    connect_all();
    lose_power(900ms);
    std::this_thread::sleep_for(patience(1200ms) + watched_);
    return goodbyes();
  }

  // After the return.
  const milliseconds watched_ = milliseconds(std::getenv("BLACKSTART_WATCHED_SECONDS")
                                                 ? 1000 * std::atoi(std::getenv("BLACKSTART_WATCHED_SECONDS"))
                                                 : 1000);
  std::string folder_, before_;
  std::unique_ptr<NetnsSandbox> sandbox_;
  std::unique_ptr<Keeper> keeper_;
  std::vector<Fd> connections_;
};

TEST_F(PowerLoss, SurvivorsHearNothing) {
  start_agent();
  connect_all();
  const uint64_t before = goodbyes();
  lose_power(900ms, 100ms);
  ASSERT_TRUE(within(1000ms, [] { return in("services").processes().empty(); }));
  const contract::HostReport dark = collect();
  ASSERT_EQ(dark.faults_size(), 1);
  EXPECT_EQ(dark.faults(0).state(), contract::FAULT_FIRING);
  ASSERT_EQ(dark.faults(0).processes_size(), 1);
  EXPECT_EQ(dark.faults(0).processes(0).service(), "echo");
  EXPECT_GE(dark.faults(0).processes(0).killed(), 2u) << "the supervisor, and what it supervises";
  std::this_thread::sleep_for(patience(1000ms) + watched_);
  EXPECT_EQ(goodbyes() - before, 0u);
  EXPECT_FALSE(connect(kHereV4).valid()) << "nothing starts by itself";
}

TEST_F(PowerLoss, NothingComesUpBeforePowerReturnsAndThenWhatIsCalled) {
  start_agent();
  ASSERT_TRUE(comes_up());
  lose_power(60s, 50ms);
  ASSERT_TRUE(within(1000ms, [&] { return in("services").processes().empty() && !reachable(); }));
  for (int i = 0; i < 20; ++i) ASSERT_FALSE(comes_up());
  const contract::HostReport dark = collect();
  uint64_t respawns = 0;
  for (const auto& count : dark.faults(0).processes()) respawns += count.respawns_killed();
  EXPECT_EQ(respawns, 20u);
  EXPECT_THAT(states(dark),
              testing::UnorderedElementsAre(testing::Pair("echo", contract::DownReport::DOWN),
                                            testing::Pair("gone", contract::DownReport::WAS_DOWN)));

  const auto lifted = revert(true);
  ASSERT_TRUE(lifted) << lifted.error().message();
  EXPECT_TRUE(lifted->report().lifted());
  EXPECT_TRUE(reachable());
  EXPECT_TRUE(comes_up()) << "nothing is held down any more";
  EXPECT_THAT(keeper_->asked(), testing::IsEmpty()) << "it waits to be called";
  const auto back = bring_back({"gone", "echo"});
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_THAT(keeper_->asked(), testing::ElementsAre("start here echo"));
  EXPECT_EQ(states(back->report())["echo"], contract::DownReport::STARTED);
  const auto ended = revert(false);
  ASSERT_TRUE(ended) << ended.error().message();
  EXPECT_FALSE(ended->report().armed());
  EXPECT_EQ(keeper_->asked().size(), 1u);
}

TEST_F(PowerLoss, ADeadAgentGivesPowerBack) {
  proves("S1,S2");
  start_agent();
  lose_power(60s, 50ms);
  ASSERT_TRUE(within(1000ms, [&] { return in("services").processes().empty() && !reachable(); }));
  ASSERT_FALSE(comes_up());
  const auto agents = in("agent").processes();
  ASSERT_EQ(agents.size(), 2u);
  ::kill(std::min(agents[0], agents[1]), SIGKILL);  // the sentinel is the younger
  EXPECT_TRUE(within(1000ms, [&] {
    reap_children();
    return reachable() && !keeper_->asked().empty() && comes_up();
  }));
  EXPECT_THAT(keeper_->asked(), testing::ElementsAre("start here echo"));
}

TEST_F(PowerLoss, TheReversedOrderIsHeard) {
  EXPECT_GT(goodbyes_of("network-first"), 0u);
}

TEST_F(PowerLoss, SocketsThatAreLeftAreHeardAfterTheReturn) {
  EXPECT_GT(goodbyes_of("end-sockets"), 0u);
}

}  // namespace
}  // namespace blackstart
