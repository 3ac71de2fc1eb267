// SPDX-License-Identifier: Apache-2.0
// A unit that starts again whatever happens, one that a connection starts and one that a timer starts:
// killed, they do not come back by any way, and afterwards they are as they were.
#include <sys/wait.h>

#include <cstdio>

#include "agents/daemon/walls.h"
#include "agents/faults/process/units.h"
#include "tests/systemd/unit_fixture.h"

namespace blackstart {
namespace {

using namespace test;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using HeldUnits = UnitTest;

TEST_F(HeldUnits, WhatRestartsEveryTenMillisecondsStaysDead) {
  write_tool("Restart=always\nRestartSec=10ms");
  fs::create_directories(kEtc + "multi-user.target.wants");
  fs::create_symlink(kEtc + kTool, kEtc + "multi-user.target.wants/" + kTool);
  fs::create_directories(kEtc + kTool + ".d");
  std::ofstream(kEtc + kTool + ".d/50-own.conf") << "[Service]\nNice=1\n";
  reload_and_start(kTool);
  ASSERT_TRUE(within(10s, [] { return began() >= 1; }));
  ASSERT_TRUE(systemd_->kill(kTool, SIGKILL));
  ASSERT_TRUE(within(10s, [] { return began() >= 2; })) << "by itself it comes back";

  auto hold = UnitHold::find(kTool, &steps_).value();
  EXPECT_THAT(hold.was_active(), ElementsAre(kTool));
  ASSERT_TRUE(hold.hold());
  EXPECT_EQ(steps_.open.size(), 1u);
  const size_t before = began();
  ASSERT_TRUE(hold.kill(SIGKILL));
  EXPECT_EQ(began_within_the_hold([&] { (void)systemd_->start(kTool); }), 0u);
  EXPECT_FALSE(active(kTool));
  EXPECT_EQ(systemd_->unit(kTool)->file_state, "enabled");

  ASSERT_TRUE(hold.release());
  std::this_thread::sleep_for(500ms);
  EXPECT_EQ(began(), before) << "released is not started";
  ASSERT_TRUE(start_units(hold.was_active()));
  EXPECT_TRUE(within(10s, [&] { return active(kTool) && began() > before; }));
  EXPECT_EQ(systemd_->unit(kTool)->file_state, "enabled");
  EXPECT_TRUE(fs::exists(kEtc + kTool + ".d/50-own.conf"));
}

TEST_F(HeldUnits, WhatAConnectionStartsStaysDead) {
  write_tool("", "sleep 1000");
  std::ofstream(kEtc + kSocket) << "[Socket]\nListenStream=" << kAddress << "\n";
  reload_and_start(kSocket);
  ASSERT_TRUE(connects());
  ASSERT_TRUE(within(10s, [] { return began() == 1; }));

  auto hold = UnitHold::find(kTool, &steps_).value();
  EXPECT_THAT(hold.was_active(), ElementsAre(kSocket, kTool));
  ASSERT_TRUE(hold.hold());
  EXPECT_EQ(steps_.open.size(), 2u);
  ASSERT_TRUE(hold.kill(SIGKILL));
  EXPECT_EQ(began_within_the_hold([&] {
              (void)connects();
              (void)systemd_->start(kSocket);
            }),
            0u);
  ASSERT_TRUE(hold.release());
  ASSERT_TRUE(start_units(hold.was_active()));
  EXPECT_TRUE(within(10s, [&] { return active(kSocket) && active(kTool) && began() == 2; }));
}

TEST_F(HeldUnits, WhatATimerStartsStaysDead) {
  write_tool("Type=oneshot", "true");
  std::ofstream(kEtc + kTimer) << "[Timer]\nOnActiveSec=10ms\nOnUnitInactiveSec=50ms\nAccuracySec=1ms\n";
  reload_and_start(kTimer);
  ASSERT_TRUE(within(10s, [] { return began() >= 2; }));

  auto hold = UnitHold::find(kTool, &steps_).value();
  EXPECT_THAT(hold.was_active(), Contains(kTimer));
  ASSERT_TRUE(hold.hold());
  ASSERT_TRUE(hold.kill(SIGKILL));
  EXPECT_TRUE(within(5s, [&] { return !active(kTimer); }));
  EXPECT_EQ(began_within_the_hold([] {}), 0u);
  const size_t before = began();
  ASSERT_TRUE(hold.release());
  ASSERT_TRUE(start_units({kTimer}));
  EXPECT_TRUE(within(10s, [&] { return began() > before + 1; }));
}

TEST_F(HeldUnits, WhatADeadAgentHeldIsTakenBack) {
  proves("S2,S10");
  write_tool("Restart=always\nRestartSec=10ms");
  reload_and_start(kTool);
  {
    auto hold = UnitHold::find(kTool, &steps_).value();
    ASSERT_TRUE(hold.hold());
    ASSERT_TRUE(hold.kill(SIGKILL));
  }
  ASSERT_EQ(steps_.open.size(), 1u);
  const contract::Step::HeldUnit held = steps_.open.begin()->second.held_unit();
  EXPECT_TRUE(fs::exists(held.drop_in()));
  EXPECT_EQ(take_back(held), true);
  EXPECT_EQ(take_back(held), false) << "it is idempotent";
  EXPECT_FALSE(fs::exists(held.drop_in()));
  ASSERT_TRUE(start_units({kTool}));
  EXPECT_TRUE(within(10s, [&] { return active(kTool); }));
  steps_.open.clear();
}

// With the few capabilities that an agent keeps.
TEST_F(HeldUnits, AllOfItIsDoneFromBehindTheAgentsWalls) {
  proves("S13");
  write_tool("Restart=always\nRestartSec=10ms");
  reload_and_start(kTool);
  const size_t before = began();
  const pid_t pid = ::fork();
  if (pid == 0) {
    const auto done = raise_walls({.processes = true})
                          .and_then([&] { return UnitHold::find(kTool, nullptr); })
                          .and_then([](UnitHold hold) -> Result<> {
                            if (auto ok = hold.hold(); !ok) return ok;
                            if (auto ok = hold.kill(SIGKILL); !ok) return ok;
                            std::this_thread::sleep_for(1s);
                            if (auto ok = hold.release(); !ok) return ok;
                            return start_units(hold.was_active());
                          });
    if (!done) std::fprintf(stderr, "%s\n", done.error().message().c_str());
    ::_exit(done ? 0 : 1);
  }
  int status = -1;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(within(10s, [&] { return active(kTool) && began() == before + 1; }));
}

TEST_F(HeldUnits, WhatWasDownStaysDown) {
  write_tool("");
  ASSERT_TRUE(systemd_->reload());
  auto hold = UnitHold::find(kTool, &steps_).value();
  EXPECT_THAT(hold.was_active(), IsEmpty());
  EXPECT_FALSE(hold.ran());
  ASSERT_TRUE(hold.hold());
  ASSERT_TRUE(hold.kill(SIGKILL));
  ASSERT_TRUE(hold.release());
  ASSERT_TRUE(start_units(hold.was_active()));
  EXPECT_EQ(systemd_->unit(kTool)->active_state, "inactive");
}

TEST_F(HeldUnits, WhatNobodyCouldStartAgainIsRefused) {
  proves("S6");
  write_tool("");
  reload_and_start(kTool);
  fs::remove(kEtc + kTool);
  fs::create_symlink("/dev/null", kEtc + kTool);
  ASSERT_TRUE(systemd_->reload());
  const auto masked = UnitHold::find(kTool, &steps_);
  ASSERT_FALSE(masked);
  EXPECT_EQ(masked.error().kind, ErrorKind::kRefused);
  EXPECT_THAT(masked.error().message(), HasSubstr("masked"));
  const auto none = UnitHold::find("bs-none.service", &steps_);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::kInvalid);
  EXPECT_FALSE(UnitHold::find("../../etc/x.service", &steps_));
}

}  // namespace
}  // namespace blackstart
