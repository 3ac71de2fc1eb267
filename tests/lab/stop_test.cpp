// SPDX-License-Identifier: Apache-2.0
// Every way to stop a drill, from the question to healthy traffic, and what keeps new ones from starting.
// The files that stop every run on a machine stand in file systems of the test's own here, so that no
// other run sees them.
#include <sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <csignal>

#include "tests/lab/run_fixture.h"
#include "tests/support/promise.h"

namespace blackstart {
namespace {

constexpr const char* kLive = "/run/blackstart";
constexpr const char* kState = "/var/lib/blackstart";
constexpr auto kPromised = 5s;
constexpr const char* kLongCut =
    "  timeline: [{at: 0s, fault: site-blackhole, site: pangyo, for: 60s}]\n  onConductorLoss: hold\n";

int rounds() {
  const char* asked = std::getenv("BLACKSTART_ROUNDS");
  return asked ? std::atoi(asked) : 1;
}

CommandResult blackstart(std::vector<std::string> words) {
  words.insert(words.begin(), kBin + "blackstart");
  return run_command(words, 10s);
}

class StopTest : public RunTest {
 protected:
  static void SetUpTestSuite() {
    if (geteuid() != 0) GTEST_SKIP() << "needs root for namespaces";
    ASSERT_EQ(unshare(CLONE_NEWNS), 0);
    ASSERT_EQ(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    // Over the folders' parents: removing a folder in another mount namespace takes its mounts away.
    for (const char* folder : {"/run", "/var/lib"})
      ASSERT_EQ(mount("tmpfs", folder, "tmpfs", 0, "size=64m,mode=755"), 0) << folder;
    fs::create_directories(kLive);
    fs::create_directories(kState);
    RunTest::SetUpTestSuite();
  }
  static void TearDownTestSuite() {
    RunTest::TearDownTestSuite();
    if (geteuid() != 0) return;
    for (const char* folder : {"/run", "/var/lib"}) EXPECT_EQ(umount2(folder, MNT_DETACH), 0);
    if (healthy_ms_.empty()) return;
    std::sort(healthy_ms_.begin(), healthy_ms_.end());
    fs::create_directories(BLACKSTART_BINARY_DIR "/results");
    std::ofstream(BLACKSTART_BINARY_DIR "/results/stops.json")
        << json{{"stops", healthy_ms_.size()},
                {"healthy_ms",
                 {{"median", healthy_ms_[healthy_ms_.size() / 2]}, {"max", healthy_ms_.back()}}}}
               .dump(2)
        << "\n";
  }
  void SetUp() override {
    RunTest::SetUp();
    if (!IsSkipped()) release();
  }
  static void release() {
    fs::remove(std::string(kState) + "/lever");
    fs::remove(std::string(kLive) + "/abort");
  }

  // Keeps its record where the machine keeps it, as a person's run would.
  std::vector<std::string> command_of(const std::string& experiment) const {
    auto argv = command(experiment);
    argv[std::find(argv.begin(), argv.end(), "--state") - argv.begin() + 1] = kState;
    return argv;
  }
  static bool all_healthy() {
    return phone_reaches("http://198.18.1.11:8081/") && phone_reaches("http://198.18.2.12:8081/") &&
           phone_reaches("http://login.lab:8080/");
  }
  // From here until every site answers the phone again.
  static std::chrono::milliseconds until_healthy(std::chrono::steady_clock::time_point since) {
    while (std::chrono::steady_clock::now() - since < 2 * kPromised) {
      if (all_healthy()) break;
    }
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - since);
  }

  static inline std::vector<int64_t> healthy_ms_;
};

struct Way {
  const char* name;
  void (*ask)(const RunningCommand& run, const std::string& id);
  const char* reason;  // occurs in the outcome
};

const Way kWays[]{
    {"Command",
     [](const RunningCommand&, const std::string& id) {
       EXPECT_EQ(blackstart({"abort", id}).exit_code, 0);
     },
     "aborted by"},
    {"Signal", [](const RunningCommand& run, const std::string&) { run.send(SIGTERM); }, "Terminated"},
    {"File",
     [](const RunningCommand&, const std::string&) {
       std::ofstream(std::string(kLive) + "/abort") << "the alarm is real\n";
     },
     "the alarm is real"},
    {"Lever",
     [](const RunningCommand&, const std::string&) {
       EXPECT_EQ(blackstart({"lever", "engage", "--why", "wrong site"}).exit_code, 0);
     },
     "wrong site"},
    {"LeverByHand",
     [](const RunningCommand&, const std::string&) {
       std::ofstream(std::string(kState) + "/lever") << "pulled by hand\n";
     },
     "pulled by hand"},
};

class EveryWay : public StopTest, public testing::WithParamInterface<Way> {};

TEST_P(EveryWay, EndsADrillInUnderFiveSecondsAndEverythingIsHealthy) {
  proves("S7,S8");
  for (int round = 0; round < rounds(); ++round) {
    SCOPED_TRACE(round);
    release();
    RunningCommand run(command_of(experiment(kLongCut)));
    ASSERT_TRUE(wait_dark()) << run.wait(1s).err;
    const std::string id = live_run();
    const auto asked = std::chrono::steady_clock::now();
    GetParam().ask(run, id);
    const auto healthy = until_healthy(asked);
    EXPECT_LT(healthy, kPromised);
    healthy_ms_.push_back(healthy.count());
    const auto result = run.wait(5s);
    EXPECT_LT(std::chrono::steady_clock::now() - asked, kPromised);
    EXPECT_EQ(result.exit_code, 2) << result.out << result.err;
    const json outcome = parsed(result);
    EXPECT_NE(outcome.value("reason", "").find(GetParam().reason), std::string::npos) << result.out;
    EXPECT_TRUE(outcome["residue"].empty()) << result.out;
    EXPECT_TRUE(live_run().empty());
  }
  release();
}

INSTANTIATE_TEST_SUITE_P(Ways, EveryWay, testing::ValuesIn(kWays),
                         [](const auto& way) { return std::string(way.param.name); });

TEST_F(StopTest, TheLeverGoesAroundAConductorThatHangs) {
  proves("S7");
  RunningCommand run(command_of(experiment(kLongCut)));
  ASSERT_TRUE(wait_dark());
  run.send(SIGSTOP);
  const auto asked = std::chrono::steady_clock::now();
  EXPECT_EQ(blackstart({"lever", "engage"}).exit_code, 0);
  EXPECT_LT(until_healthy(asked), kPromised);
  run.send(SIGKILL);
  run.send(SIGCONT);
  run.wait(5s);
  EXPECT_EQ(blackstart({"abort"}).exit_code, 0);  // tidies up after the dead conductor
}

TEST_F(StopTest, NothingStartsUntilTheLeverIsReleased) {
  proves("S7");
  const auto drill =
      command_of(experiment("  timeline: [{at: 0s, fault: site-blackhole, site: pangyo, for: 2s}]\n"));
  ASSERT_EQ(blackstart({"lever", "engage", "--why", "the wrong datacenter"}).exit_code, 0);
  const auto refused = run_command(drill);
  EXPECT_EQ(refused.exit_code, 6) << refused.out;
  for (const std::string word : {"engaged since", "the wrong datacenter", "blackstart lever release"})
    EXPECT_NE(refused.out.find(word), std::string::npos) << refused.out;

  const json status = json::parse(blackstart({"status", "--output", "json"}).out, nullptr, false);
  ASSERT_TRUE(status.is_object());
  EXPECT_EQ(status["lever"]["why"], "the wrong datacenter");
  EXPECT_EQ(status["mayStart"], false);
  EXPECT_NE(blackstart({"status"}).out.find("the wrong datacenter"), std::string::npos);
  EXPECT_NE(blackstart({"doctor"}).out.find("the wrong datacenter"), std::string::npos);

  ASSERT_EQ(blackstart({"lever", "release"}).exit_code, 0);
  EXPECT_EQ(run_command(drill).exit_code, 0);
}

TEST_F(StopTest, NothingStartsWhileTheAbortFileIsThere) {
  proves("S7");
  const auto drill =
      command_of(experiment("  timeline: [{at: 0s, fault: site-blackhole, site: pangyo, for: 2s}]\n"));
  const std::string file = std::string(kLive) + "/abort";
  std::ofstream(file) << "a real outage\n";
  const auto refused = run_command(drill);
  EXPECT_EQ(refused.exit_code, 6);
  EXPECT_NE(refused.out.find("a real outage"), std::string::npos) << refused.out;
  EXPECT_NE(refused.out.find("rm " + file), std::string::npos) << refused.out;
  fs::remove(file);
  EXPECT_EQ(run_command(drill).exit_code, 0);
}

// The lever of another state folder ends the runs that keep their records there, and no other.
TEST_F(StopTest, ALeverElsewhereLeavesOtherRunsAlone) {
  const std::string other = folder_ + "/other";
  RunningCommand run(
      command_of(experiment("  timeline: [{at: 0s, fault: site-blackhole, site: pangyo, for: 4s}]\n")));
  ASSERT_TRUE(wait_dark());
  EXPECT_EQ(blackstart({"lever", "engage", "--state", other}).exit_code, 0);
  EXPECT_EQ(run.wait().exit_code, 0);
  EXPECT_EQ(blackstart({"lever", "release", "--state", other}).exit_code, 0);
}

TEST_F(StopTest, AnAdHocCutLastsNoLongerThanTheLimit) {
  proves("S12");
  const auto refused = blackstart({"blackhole", "pangyo", "--for", "6m", "--yes", "--topology", kTopology});
  EXPECT_EQ(refused.exit_code, 6);
  EXPECT_NE(refused.err.find("5m"), std::string::npos) << refused.err;
  EXPECT_TRUE(all_healthy());
}

}  // namespace
}  // namespace blackstart
