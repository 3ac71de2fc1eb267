// SPDX-License-Identifier: Apache-2.0
// What people let come back, through the file between them and the conductor.
#include "injector/record/said_returns.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "injector/plan/returning.h"
#include "injector/record/run_stand.h"

namespace blackstart {
namespace {

class SaidReturns : public testing::Test {
 protected:
  SaidReturns() {
    std::filesystem::create_directories(folder_);
    plan_.stages = {{{"database"}, {{"pangyo-1", "pangyo", "db", "database", true}}},
                    {{"ops"},
                     {{"pangyo-2", "pangyo", "deploy", "ops/deploy", true},
                      {"anyang-1", "anyang", "watch", "ops/monitoring", false}}}};
  }
  ~SaidReturns() override { std::filesystem::remove_all(folder_); }

  std::vector<std::string> meant(const std::string& what) {
    const auto instances = say_return(file_, {what, "alice", 7});
    if (!instances) return {instances.error().message()};
    std::vector<std::string> names;
    for (const PlanReturn& each : *instances) names.push_back(each.service + "@" + each.host);
    return names;
  }

  const std::string folder_ =
      (std::filesystem::temp_directory_path() / ("said-returns-" + std::to_string(getpid()))).string();
  const std::string file_ = folder_ + "/returns";
  Plan plan_;
};

TEST_F(SaidReturns, GoByHostSiteRoleAndService) {
  auto taken = ReturnsTaken::open(file_, plan_);
  ASSERT_TRUE(taken);
  using Names = std::vector<std::string>;
  EXPECT_EQ(meant("pangyo-1"), Names{"db@pangyo-1"});
  EXPECT_EQ(meant("pangyo"), (Names{"db@pangyo-1", "deploy@pangyo-2"}));
  EXPECT_EQ(meant("database"), Names{"db@pangyo-1"});
  EXPECT_EQ(meant("ops"), (Names{"deploy@pangyo-2", "watch@anyang-1"})) << "as a selector means it";
  EXPECT_EQ(meant("deploy"), Names{"deploy@pangyo-2"});
  const auto said = taken->take();
  ASSERT_EQ(said.size(), 5u);
  EXPECT_EQ(said[1].what, "pangyo");
  EXPECT_EQ(said[1].by, "alice");
  EXPECT_EQ(said[1].at, 7);
  EXPECT_TRUE(taken->take().empty()) << "each is taken once";
}

TEST_F(SaidReturns, ANameThePlanDoesNotHoldIsRefusedWithTheNearest) {
  auto taken = ReturnsTaken::open(file_, plan_);
  ASSERT_TRUE(taken);
  const auto wrong = say_return(file_, {"pangyo-11", "alice", 7});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().kind, ErrorKind::kInvalid);
  EXPECT_NE(wrong.error().hint.find("pangyo-1"), std::string::npos) << wrong.error().message();
  EXPECT_FALSE(say_return(file_, {"", "alice", 7}));
  EXPECT_TRUE(taken->take().empty());
}

TEST_F(SaidReturns, NothingCanBeSaidOnceAllIsOnItsWay) {
  auto taken = ReturnsTaken::open(file_, plan_);
  ASSERT_TRUE(taken);
  ASSERT_TRUE(say_return(file_, {"db", "alice", 7}));
  EXPECT_EQ(taken->close().size(), 1u) << "what was said before is heard";
  const auto late = say_return(file_, {"db", "alice", 8});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::kRefused);
}

TEST_F(SaidReturns, LinesThatAreNoneArePassedOver) {
  auto taken = ReturnsTaken::open(file_, plan_);
  ASSERT_TRUE(taken);
  std::ofstream(file_, std::ios::app) << "not json\n[1]\n{\"what\": 7}\n{\"what\": \"db\"}\n{\"what\": \"un";
  const auto said = taken->take();
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[0].what, "") << "a name that nothing goes by";
  EXPECT_EQ(said[1].what, "db");
  std::ofstream(file_, std::ios::trunc) << "7\n";
  EXPECT_FALSE(say_return(file_, {"db", "alice", 7})) << "it says nothing that could come back";
}

TEST_F(SaidReturns, SeveralPeopleSpeakAtOnce) {
  auto taken = ReturnsTaken::open(file_, plan_);
  ASSERT_TRUE(taken);
  std::vector<std::thread> people;
  for (int i = 0; i < 8; ++i)
    people.emplace_back([this] {
      for (int j = 0; j < 20; ++j) (void)say_return(file_, {"db", "somebody", 1});
    });
  for (std::thread& each : people) each.join();
  EXPECT_EQ(taken->take().size(), 160u);
}

TEST(ExpectedReturn, CountsStepsPacesAndPeople) {
  using namespace std::chrono_literals;
  Plan plan;
  Recovery recovery;
  EXPECT_EQ(expected_return(plan, recovery), 0s);
  plan.stages = {
      {{}, {{"a", "s", "x", "app", false}, {"a", "s", "y", "app", false}, {"b", "s", "x", "app", false}}}};
  EXPECT_EQ(expected_return(plan, recovery), 10s) << "at once, and a while until it is well";
  recovery.pace_per_second = 0.5;
  EXPECT_EQ(expected_return(plan, recovery), 14s) << "three instances, two pauses";
  for (const char* host : {"a", "b"})
    plan.orders[host].add_faults()->mutable_process()->set_act(contract::ProcessFault::POWER_LOSS);
  EXPECT_EQ(expected_return(plan, recovery), 12s) << "two hosts";
  plan.stages[0].instances[0].manual = true;
  recovery.within = 60s;
  EXPECT_EQ(expected_return(plan, recovery), 72s);
}

TEST_F(SaidReturns, WhereARunStandsIsReadAsItWasWritten) {
  const std::string file = folder_ + "/stand";
  EXPECT_FALSE(read_stand(file));
  RunStand stand{"return", "stage 1 of 2 (database): 0 of 1 on its way", 7, std::chrono::seconds(20),
                 ReturnWait{"stage 1 of 2 (database)", plan_.stages[0].instances, 9}};
  ASSERT_TRUE(write_stand(file, stand));
  const auto read = read_stand(file);
  ASSERT_TRUE(read && read->wait);
  EXPECT_EQ(read->phase, stand.phase);
  EXPECT_EQ(read->detail, stand.detail);
  EXPECT_EQ(read->since, 7);
  EXPECT_EQ(read->expected, stand.expected);
  EXPECT_TRUE(read->wait == stand.wait);
  EXPECT_EQ(read->wait->command(), "blackstart return db");
  stand.wait.reset();
  ASSERT_TRUE(write_stand(file, stand));
  EXPECT_FALSE(read_stand(file)->wait);
  for (const char* text : {"", "[]", "{\"wait\": 3, \"since\": \"x\"}", "{\"wait\": {\"instances\": [3]}}"}) {
    std::ofstream(file) << text;
    (void)read_stand(file);  // anybody could have written it
  }
}

}  // namespace
}  // namespace blackstart
