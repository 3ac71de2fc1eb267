// SPDX-License-Identifier: Apache-2.0
// Ending a run whose conductor is gone, against agents that answer and one that does not.
#include "injector/cli/end_runs.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "agents/channel/embedded/embedded_channel.h"
#include "injector/cli/host_state.h"
#include "injector/record/run_stand.h"
#include "tests/support/promise.h"

namespace blackstart::cli {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class EndRunsTest : public testing::Test {
 protected:
  EndRunsTest() {
    fs::create_directories(folder_ + "/live/runs/r1");
    fs::create_directories(folder_ + "/agents");
    record_.run = "r1";
    record_.agents = folder_ + "/agents";
  }
  ~EndRunsTest() override {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    fs::remove_all(folder_);
  }

  std::unique_ptr<EmbeddedServer> listen(const std::string& host) const {
    return EmbeddedServer::make(folder_ + "/agents/" + host + ".sock").value();
  }
  // Holds the run until it is told to revert.
  void serve(const std::string& host) {
    thread_ = std::thread([this, server = listen(host)] {
      while (!stop_) {
        std::vector<pollfd> polled;
        server->add_to(polled);
        poll(polled.data(), polled.size(), 20);
        server->handle(polled, [this](const contract::Request& request) {
          if (request.has_revert()) held_ = false;
          contract::Reply reply;
          reply.mutable_report()->set_run(held_ ? "r1" : "");
          return reply;
        });
      }
    });
    while (!fs::exists(folder_ + "/agents/" + host + ".sock")) std::this_thread::sleep_for(1ms);
  }
  // Where its conductor left it, with something to return.
  void stands(const std::string& phase) {
    std::ofstream(registry_.returns_file("r1")) << "{}\n";
    ASSERT_TRUE(write_stand(registry_.stand_file("r1"), {phase, "", 1, Duration{0}, std::nullopt}));
  }
  Result<std::string> end() { return end_runs(registry_, {record_}, "a test").at(0).how; }

  static std::string fresh_folder() {
    char name[] = "/tmp/blackstart-end-XXXXXX";
    return mkdtemp(name);
  }

  const std::string folder_ = fresh_folder();
  RunRecord record_;
  std::atomic<bool> held_ = true, stop_ = false;
  std::thread thread_;
  RunRegistry registry_{folder_ + "/live", folder_ + "/kept"};
};

TEST_F(EndRunsTest, AgentsAreAskedWhereTheConductorIsGone) {
  proves("S7");
  serve("pangyo-1");
  const auto how = end();
  ASSERT_TRUE(how) << how.error().message();
  EXPECT_NE(how->find("reverted 1 hosts directly"), std::string::npos) << *how;
  EXPECT_FALSE(held_);
  EXPECT_FALSE(fs::exists(folder_ + "/live/runs/r1"));
}

TEST_F(EndRunsTest, AnAgentThatHangsMayStillHoldItsHost) {
  proves("S7,S15");
  serve("pangyo-1");
  const auto mute = listen("pangyo-2");  // nobody serves it
  const auto since = std::chrono::steady_clock::now();
  const auto how = end();
  EXPECT_LT(std::chrono::steady_clock::now() - since, 5s);
  ASSERT_FALSE(how) << *how;
  EXPECT_EQ(how.error().kind, ErrorKind::kUnreachable);
  EXPECT_NE(how.error().message().find("pangyo-2"), std::string::npos) << how.error().message();
  EXPECT_FALSE(held_) << "those that answer are free all the same";
  EXPECT_TRUE(fs::exists(folder_ + "/live/runs/r1")) << "it can be ended once more";
}

// A live conductor that has not yet reverted is not believed because an agent says nothing.
TEST_F(EndRunsTest, SilenceIsNoWordThatTheConductorReverted) {
  proves("S15");
  fs::create_directories(folder_ + "/kept");
  auto open = registry_.open(record_);  // this process conducts it
  ASSERT_TRUE(open);
  const auto mute = listen("pangyo-2");
  const auto live = registry_.live();
  ASSERT_TRUE(live);
  ASSERT_EQ(live->size(), 1u);
  record_ = live->front();
  const auto how = end();
  EXPECT_FALSE(how) << *how;
}

TEST_F(EndRunsTest, WhatHadBeenKilledIsKnownToBeStartedAllAtOnce) {
  EXPECT_FALSE(end_runs(registry_, {record_}, "a test").at(0).killed);
  for (const auto& [phase, killed] :
       std::map<std::string, bool>{{"steady", false}, {"hold", true}, {"return", true}, {"recover", false}}) {
    fs::create_directories(folder_ + "/live/runs/r1");
    stands(phase);
    EXPECT_EQ(end_runs(registry_, {record_}, "a test").at(0).killed, killed) << phase;
  }
}

TEST(HostState, IsWhatItsAgentSays) {
  contract::HostReport report;
  EXPECT_EQ(host_state(report, 50).text(), "free");
  report.set_run("r1");
  EXPECT_EQ(host_state(report, 50).text(), "watching");
  auto& fault = *report.add_faults();
  EXPECT_EQ(host_state(report, 50).text(), "armed");
  report.set_t0_unix_ns(100);
  fault.set_start_unix_ns(100);
  fault.set_end_unix_ns(200);
  EXPECT_EQ(host_state(report, 99).text(), "armed");
  EXPECT_EQ(host_state(report, 100).text(), "fired");
  EXPECT_EQ(host_state(report, 200).text(), "over");
  auto& down = *report.add_down();
  down.set_service("cache");
  EXPECT_EQ(host_state(report, 150).text(), "fired, down: cache");
  report.set_lifted(true);
  EXPECT_EQ(host_state(report, 150).text(), "over, waits to return: cache") << "its agent's word on the time";
  down.set_state(contract::DownReport::STARTED);
  EXPECT_EQ(host_state(report, 150).text(), "over");
}

}  // namespace
}  // namespace blackstart::cli
