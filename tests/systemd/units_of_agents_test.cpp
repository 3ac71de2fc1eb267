// SPDX-License-Identifier: Apache-2.0
// A whole agent and its sentinel kill a unit and hold it, on a host whose own word allows that.
#include "agents/runtime/crash_points.h"
#include "tests/crash/agent_under_test.h"
#include "tests/systemd/unit_fixture.h"

namespace blackstart {
namespace {

using namespace test;

class UnitsOfAgents : public WithUnits<AgentUnderTest> {
 protected:
  void SetUp() override {
    WithUnits::SetUp();
    if (!systemd_) return;
    std::ofstream(path("agent.yaml"))
        << "apiVersion: blackstart/v1\nkind: Agent\nmetadata: {name: h}\nspec:\n"
           "  accept: {prefixes: [198.18.2.0/24, \"fd00:18:2::/64\"], services: [tool], "
           "faults: [site-blackhole, service-kill], longest: 5m}\n";
    fs::permissions(path("agent.yaml"), fs::perms::owner_read);
    write_tool("Type=exec\nRestart=always\nRestartSec=10ms");
    reload_and_start(kTool);
  }
  void start_agent(const std::vector<std::string>& environment = {}) {
    start(environment, {"--config", path("agent.yaml")});
    ASSERT_TRUE(wait_until_it_answers()) << log();
  }
  [[nodiscard]] contract::Order killing(Duration end) const {
    contract::Order out = order(end, kClsact);
    contract::Fault& fault = *out.add_faults();
    fault.set_id("f2");
    fault.set_kind("service-kill");
    fault.add_services("tool");
    fault.set_end_ns(end.count());
    fault.mutable_process()->set_act(contract::ProcessFault::KILL);
    fault.mutable_process()->set_hold_down(true);
    contract::ProcessTarget& target = *fault.mutable_process()->add_targets();
    target.set_service("tool");
    target.set_restore(contract::RESTORE_UNIT);
    target.mutable_match()->set_unit(kTool);
    return out;
  }
  void kill_it() {
    const auto armed = arm(killing(held_for_ + 60s));
    ASSERT_TRUE(armed) << armed.error().message() << ": " << armed.error().hint;
    ASSERT_TRUE(fire());
    ASSERT_TRUE(within(5s, [&] { return !active(kTool); })) << log();
  }
  [[nodiscard]] bool as_it_was() {
    return active(kTool) && !fs::exists(kRun + kTool + ".d") && journal_empty();
  }
};

TEST_F(UnitsOfAgents, KilledItStaysDeadAndIsStartedAgain) {
  proves("S8");
  start_agent();
  kill_it();
  const size_t before = began();
  EXPECT_EQ(began_within_the_hold([&] { (void)systemd_->start(kTool); }), 0u);
  const auto reverted = revert();
  ASSERT_TRUE(reverted) << reverted.error().message();
  EXPECT_TRUE(within(5s, [&] { return as_it_was() && began() > before; })) << log();
}

TEST_F(UnitsOfAgents, ItsDeathReleasesTheUnit) {
  proves("S1,S10");
  start_agent();
  kill_it();
  ASSERT_GT(processes().agent, 0);
  ::kill(processes().agent, SIGKILL);
  EXPECT_TRUE(until(kRestHeals, [&] { return as_it_was(); })) << log();
  EXPECT_TRUE(until(2000ms, [&] {
    reap_children();
    return whole();
  }));
}

class EveryPointOfAUnit : public UnitsOfAgents, public testing::WithParamInterface<std::string> {};

TEST_P(EveryPointOfAUnit, IsSurvived) {
  proves("S1,S8,S10");
  start_agent({"BLACKSTART_STOP_AT=" + GetParam() + ":" + path("marker")});
  std::optional<pid_t> stopped;
  const auto reached = [&] { return (stopped = stopped_at(path("marker"))).has_value(); };
  ASSERT_TRUE(arm(killing(60s)));
  (void)fire();  // whoever stops does not answer
  if (GetParam().starts_with("step_taken_back")) {
    ASSERT_TRUE(within(5s, [&] { return !active(kTool); })) << log();
    contract::Request request;
    request.mutable_revert()->set_run("test-run");
    request.mutable_revert()->set_reason("end");
    (void)ask(request, 100ms);  // a sentinel does not wait for long until it ends one that has stopped
  }
  ASSERT_TRUE(until(1000ms, reached)) << "nobody reached " << GetParam();
  const AgentProcesses was = processes();
  for (const pid_t pid : {was.agent, was.sentinel})
    if (pid > 0) ::kill(pid, SIGKILL);
  ASSERT_TRUE(until(kRestHeals, [&] { return all_gone(); }));
  start_agent();
  EXPECT_TRUE(within(5s, [&] { return as_it_was(); })) << log();
}

std::vector<std::string> points_of_a_unit() {
  std::vector<std::string> out = crash_point_names();
  std::erase_if(out, [](const std::string& name) { return !name.ends_with(".held_unit"); });
  return out;
}

INSTANTIATE_TEST_SUITE_P(Killed, EveryPointOfAUnit, testing::ValuesIn(points_of_a_unit()),
                         [](const auto& which) { return which.param.substr(0, which.param.find('.')); });

}  // namespace
}  // namespace blackstart
