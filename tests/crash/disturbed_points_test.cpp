// SPDX-License-Identifier: Apache-2.0
// For every crash point the code names: nobody dies there, but something else happens that an agent has to
// live with. One trouble a point, by turns; with BLACKSTART_EVERY_TROUBLE all of them at each.
#include <array>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <tuple>

#include "tests/crash/driven_to_point.h"

namespace blackstart {
namespace {

using namespace test;

enum class Trouble {
  kHangs,         // who stopped at the point stays stopped, past deadline, lease and the sentinel's patience
  kNoConductor,   // the channel is closed and nobody asks again
  kOtherDevices,  // an interface goes and another comes
  kReboots,       // all of it dies and starts again as another boot
};

constexpr milliseconds kEnds{1800};  // the fault's 400 ms or the lease's 1 s, and all that tidies up after it

class EveryPoint : public DrivenToPoint,
                   public testing::WithParamInterface<std::tuple<std::string, Trouble>> {
 protected:
  void SetUp() override {
    DrivenToPoint::SetUp();
    if (HasFatalFailure()) return;
    NetnsSandbox::run("ip link add early0 type veth peer name early1 && ip link set early0 up");
  }
  void TearDown() override {
    if (here_) (void)shell("ip link del early0; ip link del late0");
    DrivenToPoint::TearDown();
  }
  // Nothing of a fault, in the journal or in the kernel, once the fault has to be over. An agent that had
  // just accepted an order may arm it still, and holds it for a lease.
  [[nodiscard]] bool tidy_within(milliseconds at_most) {
    const auto holds_one = [this] {
      const auto report = hello();
      return report && report->report().armed();
    };
    return until(at_most, [&] { return journal_empty() && !holds_one(); }) &&
           until(kRestHeals, [this] { return nothing_of_ours(); });
  }
  [[nodiscard]] static bool nothing_of_ours() {
    const std::string state =
        shell("for d in $(ls /proc/sys/net/ipv4/conf); do tc qdisc show dev $d; done").second +
        shell("nft list ruleset").second;
    return state.find("clsact") == std::string::npos && state.find("blackstart") == std::string::npos;
  }
  void reboot() {
    const AgentProcesses was = processes();
    for (const pid_t pid : was.all) ::kill(pid, SIGKILL);
    ASSERT_TRUE(until(kRestHeals, [this] { return all_gone(); }));
    // What a reboot takes away.
    (void)shell("for d in $(ls /proc/sys/net/ipv4/conf); do tc qdisc del dev $d clsact; done");
    restart_services();
    std::ofstream(path("boot")) << "another-boot\n";
    start({}, {"--boot-id-file", path("boot")});
  }
};

TEST_P(EveryPoint, IsLivedWith) {
  const auto [point, trouble] = GetParam();
  proves(trouble == Trouble::kHangs         ? "S1,S2"
         : trouble == Trouble::kNoConductor ? "S1,S3"
         : trouble == Trouble::kReboots     ? "S4"
                                            : "S8");
  const auto stopped = drive(point);
  ASSERT_TRUE(stopped) << "nobody reached " << point << ": the drive has to learn it";
  const AgentProcesses was = processes();

  if (trouble == Trouble::kHangs) {
    EXPECT_TRUE(until_healthy(kEnds))
        << "a hanging " << (*stopped == was.agent ? "agent" : "sentinel") << " extends nothing";
    std::this_thread::sleep_for(kEnds);
  }
  if (trouble == Trouble::kNoConductor) channel_ = std::make_unique<EmbeddedChannel>(folder_);
  if (trouble == Trouble::kOtherDevices)
    NetnsSandbox::run(
        "ip link del early0 && ip link add late0 type veth peer name late1 && ip link set late0 up");
  if (trouble == Trouble::kReboots)
    reboot();
  else
    go_on(was);

  EXPECT_TRUE(until_healthy(kEnds)) << "traffic does not come back";
  EXPECT_TRUE(until(kEnds, [this] { return processes_well(); }))
      << "somebody stands still, or is not started";
  EXPECT_TRUE(tidy_within(kEnds)) << "without a word from anybody:\n"
                                  << log() << shell("tc qdisc; nft list ruleset").second;
  if (point == "leaving" && trouble != Trouble::kReboots) return;  // it was told to go
  EXPECT_TRUE(whole_again());
  const auto report = hello();
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->report().armed()) << "nothing is armed again by itself";
  if (trouble == Trouble::kReboots) {
    EXPECT_EQ(report->report().boot_id(), "another-boot");
  }
}

std::string name_of(const testing::TestParamInfo<EveryPoint::ParamType>& which) {
  constexpr std::array troubles{"_hangs", "_no_conductor", "_other_devices", "_reboots"};
  return test_name(std::get<0>(which.param)) + troubles[static_cast<size_t>(std::get<1>(which.param))];
}

std::vector<EveryPoint::ParamType> troubles_of_points() {
  constexpr std::array all{Trouble::kHangs, Trouble::kNoConductor, Trouble::kOtherDevices, Trouble::kReboots};
  const bool every = std::getenv("BLACKSTART_EVERY_TROUBLE") != nullptr;
  std::vector<EveryPoint::ParamType> out;
  size_t turn = 0;
  for (const std::string& point : reachable_points()) {
    for (size_t i = 0; i < all.size(); ++i)
      if (every || i == turn % all.size()) out.emplace_back(point, all[i]);
    ++turn;
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(Disturbed, EveryPoint, testing::ValuesIn(troubles_of_points()), name_of);

}  // namespace
}  // namespace blackstart
