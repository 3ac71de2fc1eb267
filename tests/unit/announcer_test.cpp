// SPDX-License-Identifier: Apache-2.0
// What people are told, and a real server that is told it.
#include "injector/cli/announcer.h"

#include <gtest/gtest.h>
#include <httplib.h>

#include <mutex>
#include <thread>

#include "injector/conduct/conduct.h"
#include "tests/unit/conduct_fixture.h"

namespace blackstart {
namespace {

using nlohmann::json;

class Webhook {
 public:
  Webhook() {
    server_.Post(".*", [this](const httplib::Request& request, httplib::Response& response) {
      std::this_thread::sleep_for(takes);
      response.status = status;
      const std::lock_guard hold(mutex_);
      bodies_.push_back(json::parse(request.body));
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::sleep_for(1ms);
  }
  ~Webhook() {
    server_.stop();
    thread_.join();
  }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/secret"; }
  std::vector<json> bodies() {
    const std::lock_guard hold(mutex_);
    return bodies_;
  }

  int status = 200;
  std::chrono::milliseconds takes{0};

 private:
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
  std::mutex mutex_;
  std::vector<json> bodies_;
};

struct Told {
  Told() {
    plan.experiment = experiment.name = "pangyo-power-loss";
    plan.topology = "messenger";
    plan.end = 60s;
    plan.faults.push_back({"f1", "site-power-loss", "power off pangyo", {"pangyo-1"}, 0s, 60s, {}});
    plan.targets.push_back({"pangyo-1", "pangyo", true, true, {}});
    plan.predicted["login"].impact = Impact::kDown;
    FaultSpec absent;
    absent.who = {"the network team"};
    experiment.faults.push_back(absent);
    experiment.roles["owner"] = {"Kim"};
  }
  Plan plan;
  Experiment experiment;
};

TEST(Announcer, NamesTheVictimsBeforeTheCut) {
  const Told told;
  const auto text = cli::in_words(told.plan, told.experiment, "run", json::object());
  ASSERT_TRUE(text);
  for (const char* word :
       {"pangyo-power-loss on messenger", "power off pangyo", "Hosts: pangyo-1", "Expected to be down: login",
        "Nobody may ask the network team", "blackstart abort"})
    EXPECT_NE(text->find(word), std::string::npos) << word << "\n" << *text;
  EXPECT_FALSE(cli::in_words(told.plan, told.experiment, "phase", {{"phase", "steady"}}));
  EXPECT_FALSE(cli::in_words(told.plan, told.experiment, "start", json::object()));
}

TEST(Announcer, WhatWaitsForPeopleIsToldWithTheCommand) {
  const Told told;
  const ReturnWait wait{"stage 2 of 6 (cache)",
                        {{"pangyo-1", "pangyo", "session-cache", "cache", true}},
                        1'700'000'000'000'000'000};
  EXPECT_EQ(
      cli::in_words(told.plan, told.experiment, "return-waits", json_of(wait)),
      "stage 2 of 6 (cache) waits for somebody: blackstart return session-cache (or: cache, pangyo); at "
      "2023-11-14T22:13:20.000Z at the latest it comes back all the same");
}

TEST(Announcer, AWebhookHearsEverythingInOrder) {
  Webhook webhook;
  Told told;
  told.experiment.announce.webhook = webhook.url();
  cli::Announcer announcer(told.plan, told.experiment, "r1", nullptr);
  const std::vector<std::string> types{"run",   "fire",   "fault",  "gate",
                                       "guard", "revert", "return", "verdict"};
  for (const std::string& type : types) announcer.event(1'700'000'000'000'000'000, type, json::object());
  announcer.event(1, "phase", json::object());
  EXPECT_EQ(announcer.finish(), "");
  const auto bodies = webhook.bodies();
  ASSERT_EQ(bodies.size(), types.size());
  for (size_t i = 0; i < types.size(); ++i) EXPECT_EQ(bodies[i]["what"], types[i]);
  EXPECT_EQ(bodies[0]["run"], "r1");
  EXPECT_EQ(bodies[0]["at"], "2023-11-14T22:13:20.000Z");
  EXPECT_EQ(bodies[0]["roles"]["owner"], json({"Kim"}));
  EXPECT_EQ(bodies[0]["absent"], json({"the network team"}));
  EXPECT_TRUE(bodies[0]["text"].get<std::string>().starts_with("[r1] drill pangyo-power-loss"));
}

TEST(Announcer, OneThatIsSlowDelaysNobody) {
  Webhook webhook;
  webhook.takes = 1500ms;
  Told told;
  told.experiment.announce.webhook = webhook.url();
  cli::Announcer announcer(told.plan, told.experiment, "r1", nullptr);
  const auto before = std::chrono::steady_clock::now();
  for (int i = 0; i < 300; ++i) announcer.event(1, "fire", {{"at", "now"}});
  EXPECT_LT(std::chrono::steady_clock::now() - before, 1s);
  const std::string lost = announcer.finish();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 6s);
  EXPECT_NE(lost.find("announcements did not reach http://127.0.0.1:"), std::string::npos) << lost;
  EXPECT_EQ(lost.find("secret"), std::string::npos) << "the path may be a password";
}

TEST(Announcer, OneThatRefusesIsNoted) {
  Webhook webhook;
  webhook.status = 500;
  Told told;
  told.experiment.announce.webhook = webhook.url();
  cli::Announcer announcer(told.plan, told.experiment, "r1", nullptr);
  announcer.event(1, "run", json::object());
  EXPECT_NE(announcer.finish().find("1 announcement did not reach"), std::string::npos);
  EXPECT_NE(announcer.finish().find("status 500"), std::string::npos) << "as often as it is asked";

  told.experiment.announce.webhook = "file:///etc/passwd";
  cli::Announcer file(told.plan, told.experiment, "r1", nullptr);
  file.event(1, "run", json::object());
  EXPECT_NE(file.finish(), "") << "a webhook is http or https";
}

TEST(Announcer, LinesOnlyWhereTheyAreAskedFor) {
  Told told;
  std::vector<std::string> lines;
  const auto print = [&](const std::string& line) { lines.push_back(line); };
  cli::Announcer(told.plan, told.experiment, "r1", print).event(1, "fire", {{"at", "now"}});
  EXPECT_TRUE(lines.empty());
  told.experiment.announce.print = true;
  cli::Announcer(told.plan, told.experiment, "r1", print)
      .event(1'700'000'000'000'000'000, "fire", {{"at", "now"}});
  EXPECT_EQ(lines, std::vector<std::string>{"2023-11-14T22:13:20.000Z r1: T0 is at now"});
}

// What a run tells, in the order it tells it.
class AnnouncedTest : public ConductTest {};
TEST_F(AnnouncedTest, ARunSaysWhenItsFaultsBeginAndEnd) {
  plan_.faults.push_back({"f1", "site-blackhole", "everything to and from pangyo", {}, 0s, 20s, {}});
  plan_.faults.push_back({"f2", "site-blackhole", "more of it", {}, 8s, 20s, {}});
  (void)run();
  std::vector<std::string> told;
  for (size_t i = 0; i < observer_.events.size(); ++i)
    if (const auto text = cli::in_words(plan_, experiment_, observer_.events[i], observer_.said[i]))
      told.push_back(observer_.events[i]);
  EXPECT_EQ(told, (std::vector<std::string>{"run", "fire", "fault", "fault", "revert", "verdict"}));
}

}  // namespace
}  // namespace blackstart
