// SPDX-License-Identifier: Apache-2.0
// A real agent beside its host's services `tool` and `other`, as in a lab, and a keeper that starts the
// first.
#pragma once

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agents/channel/embedded/embedded_channel.h"
#include "agents/contract/units.h"
#include "agents/kernel/process_state.h"
#include "tests/support/emulated.h"
#include "tests/support/fake_keeper.h"
#include "tests/support/netns_sandbox.h"
#include "tests/support/scratch_cgroup.h"

namespace blackstart::test {

using namespace std::chrono_literals;
using contract::ProcessFault;
using std::chrono::milliseconds;
namespace fs = std::filesystem;

inline const std::string kAgent = BLACKSTART_BINARY_DIR "/bin/blackstart-agent";
inline constexpr int kPort = 7777;

class ProcessFaults : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root for cgroups and network namespaces";
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "other");
    fs::permissions(folder_, fs::perms::all);
    fs::copy_file(BLACKSTART_FIRST_ACT, tool());
    sandbox_ = std::make_unique<NetnsSandbox>("process");
    here_ = std::make_unique<NetnsScope>(sandbox_->enter("here"));
    for (const char* name : {"/agent", "/services/tool", "/services/other"})
      ASSERT_TRUE(Cgroup::at(all_.name() + name)->create());
    keeper_ = std::make_unique<FakeKeeper>(path("keeper"), [this](const std::string& whom) {
      if (whom.ends_with(" other")) return std::string("error its disk is gone");
      return "ok " + std::to_string(start_tool({"stay"}));
    });
    channel_ = std::make_unique<EmbeddedChannel>(folder_);
    start_agent();
  }
  void TearDown() override {
    if (!here_) return;
    // Asked to go, agent and sentinel leave nothing.
    const auto agents = Cgroup::at(all_.name() + "/agent");
    for (const pid_t pid : agents->processes()) ::kill(pid, SIGTERM);
    EXPECT_TRUE(until(5000ms, [&] { return agents->processes().empty(); })) << log();
    EXPECT_THAT(slurp(path("state/journal")), testing::Not(testing::HasSubstr("tool")))
        << "nothing stands in the journal";
    if (HasFailure()) std::printf("%s\n", log().c_str());
    keeper_.reset();
    here_.reset();
    (void)all_.cgroup().kill(2s);
    reap();
    fs::remove_all(folder_);
  }

  // Processes.
  [[nodiscard]] std::string tool() const { return folder_ / "tool"; }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_ / name; }
  [[nodiscard]] std::string services(const std::string& service) const {
    return all_.name() + "/services/" + service;
  }
  pid_t start_tool(const std::vector<std::string>& how) const {
    std::vector<std::string> words{tool(), path("acts")};
    words.insert(words.end(), how.begin(), how.end());
    return start_in(services("tool"), words);
  }
  void start_agent(std::vector<std::string> options = {}) {
    if (options.empty()) options = {"--lab", "--keeper", path("keeper")};
    std::vector<std::string> words{"sh",      "-c",          "exec \"$@\" 2>>" + path("log"),
                                   "sh",      kAgent,        "--host",
                                   "here",    "--socket",    path("here.sock"),
                                   "--state", path("state"), "--metrics-listen",
                                   ""};
    words.insert(words.end(), options.begin(), options.end());
    (void)start_in(all_.name() + "/agent", words);
    ASSERT_TRUE(until(5000ms, [this] { return hello().has_value(); })) << log();
    agent_ = hello()->report().pid();
  }
  [[nodiscard]] pid_t sentinel() const {
    for (const pid_t pid : Cgroup::at(all_.name() + "/agent")->processes())
      if (pid != agent_) return pid;
    return 0;
  }
  [[nodiscard]] size_t acts() const {
    const std::string text = slurp(path("acts"));
    return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
  }
  [[nodiscard]] size_t running(const std::string& service) const {
    size_t count = 0;
    for (const pid_t pid : Cgroup::at(services(service))->processes()) {
      const auto state = process_state(pid);
      count += state && state->state != 'Z' ? 1 : 0;
    }
    return count;
  }
  static void reap() {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
  }
  static bool until(milliseconds at_most, const std::function<bool()>& holds) {
    const auto give_up = std::chrono::steady_clock::now() + patience(at_most);
    while (!holds()) {
      if (std::chrono::steady_clock::now() > give_up) return false;
      std::this_thread::sleep_for(2ms);
    }
    return true;
  }
  static std::string slurp(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] std::string log() const { return slurp(path("log")); }

  // Orders.
  static contract::ProcessTarget target(const std::string& service, const std::string& exe = "") {
    contract::ProcessTarget out;
    out.set_service(service);
    out.mutable_match()->set_exe(exe);
    return out;
  }
  static contract::Order order(ProcessFault::Act act, const contract::ProcessTarget& target, Duration end) {
    contract::Order out;
    out.set_run("test-run");
    out.set_host("here");
    out.set_lease_ns(Duration(15s).count());
    contract::Fault& fault = *out.add_faults();
    fault.set_id("f1");
    fault.set_kind(act == ProcessFault::KILL ? "service-kill" : "service-freeze");
    fault.set_end_ns(end.count());
    fault.add_services(target.service());
    fault.mutable_process()->set_act(act);
    *fault.mutable_process()->add_targets() = target;
    return out;
  }
  static contract::Order held_down(const contract::ProcessTarget& target, Duration end) {
    contract::Order out = order(ProcessFault::KILL, target, end);
    out.mutable_faults(0)->mutable_process()->set_hold_down(true);
    return out;
  }

  Result<contract::Reply> ask(const contract::Request& request) {
    return channel_->call("here", request, patience(5000ms));
  }
  Result<contract::Reply> hello() {
    contract::Request request;
    request.mutable_hello();
    return channel_->call("here", request, patience(300ms));
  }
  Result<contract::Reply> arm(const contract::Order& order) {
    contract::Request request;
    *request.mutable_arm()->mutable_order() = order;
    return ask(request);
  }
  void arm_and_fire(const contract::Order& order) {
    const auto armed = arm(order);
    ASSERT_TRUE(armed) << armed.error().message();
    contract::Request fire;
    fire.mutable_fire()->set_run("test-run");
    fire.mutable_fire()->set_t0_unix_ns(unix_now());
    fire.mutable_fire()->set_horizon_ns(INT64_MAX);
    ASSERT_TRUE(ask(fire));
  }
  Result<contract::Reply> revert(bool keep_down = false) {
    contract::Request request;
    request.mutable_revert()->set_run("test-run");
    request.mutable_revert()->set_keep_down(keep_down);
    return ask(request);
  }
  contract::HostReport collect() {
    contract::Request request;
    request.mutable_collect()->set_run("test-run");
    request.mutable_collect()->set_renew(true);
    request.mutable_collect()->set_horizon_ns(INT64_MAX);
    const auto reply = ask(request);
    return reply ? reply->report() : contract::HostReport();
  }
  // Whether somebody answers on the tool's port within 100 ms; nullopt: it is not even accepted.
  static std::optional<bool> answered() {
    const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(kPort);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      return std::nullopt;
    pollfd one{socket.get(), POLLIN, 0};
    char byte = 0;
    return ::poll(&one, 1, 100) == 1 && ::read(socket.get(), &byte, 1) == 1;
  }

  ScratchCgroup all_{"bs-process-test"};
  fs::path folder_ = fs::path(testing::TempDir()) / "bs-process-test";
  std::unique_ptr<NetnsSandbox> sandbox_;
  std::unique_ptr<NetnsScope> here_;
  std::unique_ptr<FakeKeeper> keeper_;
  std::unique_ptr<EmbeddedChannel> channel_;
  pid_t agent_ = 0;
};

}  // namespace blackstart::test
