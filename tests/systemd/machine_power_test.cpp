// SPDX-License-Identifier: Apache-2.0
// A whole machine loses power, in the ways it may be allowed to, and has everything back at the end.
#include <poll.h>

#include "agents/faults/power/power_fault.h"
#include "agents/faults/process/restart.h"
#include "tests/support/order_builder.h"
#include "tests/systemd/unit_fixture.h"

namespace blackstart {
namespace {

using namespace test;

class MachinePower : public UnitTest {
 protected:
  // The cut around it is not this test's.
  std::unique_ptr<PowerFault> fired(std::unique_ptr<HostProcesses> processes, bool held_down) {
    PowerParts parts;
    parts.steps = &steps_;
    parts.processes = std::move(processes);
    if (held_down) parts.held_down = "";
    parts.start = start_again;
    auto fault = std::make_unique<PowerFault>(std::move(parts));
    contract::Order order = OrderBuilder().fault({{.peers = {"0.0.0.0/0"}}}, 0s, 1min);
    contract::Fault& loss = *order.mutable_faults(0);
    loss.mutable_process()->set_act(contract::ProcessFault::POWER_LOSS);
    contract::ProcessTarget& tool = *loss.mutable_process()->add_targets();
    tool.set_service("tool");
    tool.mutable_match()->set_unit(kTool);
    const auto armed = fault->arm(order);
    EXPECT_TRUE(armed) << armed.error().message();
    EXPECT_TRUE(fault->fire(monotonic_now(), {INT64_MAX, INT64_MAX}));
    return fault;
  }
  static void attend(PowerFault& fault, std::chrono::milliseconds how_long) {
    const auto end = std::chrono::steady_clock::now() + how_long;
    while (std::chrono::steady_clock::now() < end) {
      pollfd one{fault.wake_fd(), POLLIN, 0};
      if (::poll(&one, 1, 10) != 1) continue;
      const auto ok = fault.wake();
      EXPECT_TRUE(ok) << ok.error().message();
    }
  }
  static contract::HostReport observed(const PowerFault& fault) {
    contract::HostReport report;
    fault.observe(report);
    return report;
  }
};

TEST_F(MachinePower, KilledItStaysDarkAndComesBackWhole) {
  write_tool("Type=exec\nRestart=always\nRestartSec=10ms");  // active only once it has been executed
  std::ofstream(kEtc + kTimer) << "[Timer]\nOnActiveSec=1h\n";
  reload_and_start(kTool);
  reload_and_start(kTimer);
  const auto fault = fired(killed_machine(), true);
  attend(*fault, 2s);
  const size_t before = began();
  EXPECT_FALSE(active(kTool));
  attend(*fault, 5s);
  EXPECT_EQ(began(), before);
  const contract::HostReport dark = observed(*fault);
  ASSERT_EQ(dark.faults_size(), 1);
  uint64_t respawns = 0;
  for (const auto& count : dark.faults(0).processes()) respawns += count.respawns_killed();
  EXPECT_GT(respawns, 0u) << "systemd tried";
  EXPECT_FALSE(steps_.open.empty());
  const auto back = fault->revert();
  EXPECT_TRUE(back) << back.error().message();
  EXPECT_TRUE(within(10s, [&] { return active(kTool) && active(kTimer) && began() > before; }));
}

TEST_F(MachinePower, FrozenItStandsStillAndGoesOn) {
  write_tool("", "while :; do echo began >>" + kBegan + "; sleep 0.05; done");
  reload_and_start(kTool);
  const auto fault = fired(frozen_machine(&steps_), false);
  attend(*fault, 2s);
  const size_t before = began();
  std::this_thread::sleep_for(2s);
  EXPECT_EQ(began(), before);
  EXPECT_FALSE(steps_.open.empty()) << "they stand still on record";
  EXPECT_LT(fault->due(), INT64_MAX);
  EXPECT_TRUE(fault->lift());
  EXPECT_TRUE(within(10s, [&] { return began() > before; }));
  EXPECT_TRUE(active(kTool));
}

// The last one: when it has passed, nobody is left to say so, and whoever runs it sees the machine go.
TEST_F(MachinePower, SwitchedOffItDoesNotComeBack) {
  const auto fault = fired(switched_off_machine(), false);
  attend(*fault, 60s);
  FAIL() << "the machine is still on";
}

}  // namespace
}  // namespace blackstart
