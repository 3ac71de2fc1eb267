// SPDX-License-Identifier: Apache-2.0
// Every exit code from a real command, as a CI job sees it. One lab, no seam, no stub but where an
// agent has to be broken.
#include <gmock/gmock.h>

#include <csignal>
#include <thread>

#include "tests/lab/run_fixture.h"
#include "tests/support/babbler.h"
#include "tests/support/netns_sandbox.h"

namespace blackstart {
namespace {

using test::shell;
using testing::HasSubstr;

class ExitCodes : public RunTest {
 protected:
  // As in a CI job: no terminal, no question, no JSON.
  CommandResult ci(const std::string& path, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> argv{kBin + "blackstart", "run",  path,      "--topology",
                                  kTopology,           "--ci", "--state", folder_};
    argv.insert(argv.end(), more.begin(), more.end());
    return run_command(argv);
  }
  static CommandResult as_nobody(const std::string& command) {
    return run_command(
        {"setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "sh", "-c", command});
  }
  // A topology of one service that runs `command`.
  std::string topology_of(const std::string& name, const std::string& command) const {
    const std::string path = folder_ + "/" + name + ".yaml";
    std::ofstream(path)
        << "apiVersion: blackstart/v1\nkind: Topology\nmetadata: {name: " << name
        << "}\nspec:\n  sites: {a: {prefixes: [198.18.1.0/24]}}\n  hosts: {a-1: {site: a, address: "
           "198.18.1.11}}\n  services: {web: {role: app, instances: [{host: a-1, port: 80}]}}\n"
           "  lab: {run: {web: {command: "
        << command << ", ready: {tcp: 80, within: 2s}}}}\n";
    return path;
  }
};

constexpr const char* kCut = "  timeline: [{at: 0s, fault: site-blackhole, site: pangyo, for: 4s}]\n";

TEST_F(ExitCodes, ZeroWhenTheHypothesisHoldsAndTheLinesArePlain) {
  const auto result =
      ci(experiment(std::string(kCut) +
                    "  hypothesis: [{probe: news, successRatio: \">= 99%\", over: 1s, within: 3s}]\n"),
         {"--junit", folder_ + "/junit.xml"});
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  for (const std::string& text : {result.out, result.err})
    EXPECT_EQ(text.find_first_of("\x1b\r"), std::string::npos) << text;
  EXPECT_THAT(read_text(folder_ + "/junit.xml"), HasSubstr("failures=\"0\""));
}

TEST_F(ExitCodes, OneWhenTheHypothesisFails) {
  const auto result =
      ci(experiment(std::string(kCut) +
                    "  hypothesis: [{probe: login, successRatio: \">= 99%\", over: 1s, within: 1s}]\n"),
         {"--junit", folder_ + "/junit.xml"});
  EXPECT_EQ(result.exit_code, 1) << result.out << result.err;
  EXPECT_THAT(read_text(folder_ + "/junit.xml"), HasSubstr("type=\"hypothesis\""));
}

TEST_F(ExitCodes, TwoWhenAGuardBreaches) {
  const auto result =
      ci(experiment("  timeline: [{at: 0s, fault: site-blackhole, site: pangyo, for: 30s}]\n"
                    "  guards: [{probe: login, successRatio: \">= 90%\", over: 1s}]\n"));
  EXPECT_EQ(result.exit_code, 2) << result.out << result.err;
}

TEST_F(ExitCodes, TwoWhenAPersonEndsIt) {
  const auto path = experiment("  timeline: [{at: 0s, fault: site-blackhole, site: pangyo, for: 60s}]\n");
  RunningCommand run({kBin + "blackstart", "run", path, "--topology", kTopology, "--ci", "--state", folder_});
  ASSERT_TRUE(wait_dark());
  run.send(SIGTERM);  // how a CI server cancels a job
  EXPECT_EQ(run.wait(20s).exit_code, 2);
}

TEST_F(ExitCodes, ThreeWhenNothingMatched) {
  // The topology says 198.18.71.0/24 where the lab has 198.18.1.0/24.
  const std::string topology = folder_ + "/wrong.yaml";
  std::ofstream(topology) << replaced(replaced(read_text(kTopology), "198.18.1.", "198.18.71."),
                                      "fd00:18:1:", "fd00:18:71:");
  const auto result =
      run_command(command(experiment(std::string(kCut) + "  enforce: survivors\n"), topology));
  EXPECT_EQ(result.exit_code, 3) << result.out << result.err;
  EXPECT_THAT(parsed(result)["reason"].get<std::string>(), HasSubstr("0 packets matched"));
}

TEST_F(ExitCodes, FourWhenTheInputIsWrong) {
  const auto result =
      ci(experiment("  timeline: [{at: 0s, fault: site-blackhole, site: pangio, for: 4s}]\n"));
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_THAT(result.err, HasSubstr("pangyo"));
}

TEST_F(ExitCodes, FiveWhenACapabilityIsMissing) {
  const auto path = experiment(kCut);
  fs::permissions(folder_, fs::perms::all);
  const auto result = as_nobody(kBin + "blackstart run " + path + " --topology " + kTopology +
                                " --ci --state " + folder_ + "/state");
  EXPECT_EQ(result.exit_code, 5) << result.out << result.err;
  EXPECT_THAT(result.err, HasSubstr("root"));
}

TEST_F(ExitCodes, SixWhenALimitIsPassed) {
  const auto result = ci(experiment(std::string(kCut) + "  limits: {hosts: 10%}\n"));
  EXPECT_EQ(result.exit_code, 6) << result.out << result.err;
}

TEST_F(ExitCodes, SixWhenALabIsToChangeUnderARun) {
  const auto path = experiment("  timeline: [{at: 0s, fault: site-blackhole, site: pangyo, for: 60s}]\n");
  RunningCommand run({kBin + "blackstart", "run", path, "--topology", kTopology, "--ci", "--state", folder_});
  ASSERT_TRUE(wait_dark());
  const std::string changed = folder_ + "/changed.yaml";
  std::ofstream(changed) << replaced(read_text(kTopology), "port: 6379", "port: 6380");
  const auto result = run_command({kBin + "blackstart", "lab", "up", changed}, 30s);
  EXPECT_EQ(result.exit_code, 6) << result.out << result.err;
  EXPECT_THAT(result.err, HasSubstr("is under way on it"));
  run.send(SIGINT);
  EXPECT_EQ(run.wait(20s).exit_code, 2);
}

// In the place of an agent's socket; what it answers is no reply.
class InPlaceOfAgent {
 public:
  explicit InPlaceOfAgent(const std::string& socket)
      : moved_(socket), babbler_(socket, std::string("\0\0\0\3abc", 7)) {}

 private:
  struct Moved {
    explicit Moved(const std::string& socket) : socket_(socket) { fs::rename(socket_, socket_ + ".aside"); }
    ~Moved() { fs::rename(socket_ + ".aside", socket_); }
    const std::string socket_;
  } moved_;
  test::Babbler babbler_;
};

TEST_F(ExitCodes, AnAgentThatAnswersNonsenseIsOneThatDoesNotAnswer) {
  const std::string socket = "/run/blackstart/lab/" + kLab + "/agents/anyang-app-1.sock";
  {
    const InPlaceOfAgent babbler(socket);
    const auto before = ci(experiment(kCut));
    EXPECT_EQ(before.exit_code, 6) << before.out << before.err;
    EXPECT_THAT(before.err, testing::AllOf(HasSubstr("anyang-app-1"), HasSubstr("nothing was touched")));
  }
  RunningCommand run(
      {kBin + "blackstart", "run", experiment(kCut), "--topology", kTopology, "--ci", "--state", folder_});
  ASSERT_TRUE(wait_dark());
  {
    const InPlaceOfAgent babbler(socket);
    const auto during = run.wait(30s);
    EXPECT_EQ(during.exit_code, 2) << during.out << during.err;
    EXPECT_THAT(during.out, HasSubstr("anyang-app-1"));
  }
  // Nobody could tell it to revert; its part ends by itself.
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (ci(experiment(kCut)).exit_code == 6 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(500ms);
  EXPECT_LT(std::chrono::steady_clock::now(), deadline);
}

TEST_F(ExitCodes, SevenWhenSomethingOfOursIsLeft) {
  const std::string netns = kLab + "-anyang-app-1";
  const auto path = experiment(kCut);
  RunningCommand run({kBin + "blackstart", "run", path, "--topology", kTopology, "--ci", "--state", folder_});
  const bool dark = wait_dark();
  // Named as ours, by nobody who will take it back.
  shell("ip netns exec " + netns + " nft add table inet blackstart_left");
  const auto result = run.wait();
  shell("ip netns exec " + netns + " nft delete table inet blackstart_left");
  EXPECT_TRUE(dark);
  EXPECT_EQ(result.exit_code, 7) << result.out << result.err;
  EXPECT_THAT(result.out, HasSubstr("blackstart_left"));
}

TEST_F(ExitCodes, SeventyWhenAServiceOfALabDoesNotStart) {
  const auto result = run_command({kBin + "blackstart", "lab", "up",
                                   topology_of("exit-codes-broken", "[/bin/sh, -c, 'echo no disk; exit 9']")},
                                  60s);
  EXPECT_EQ(result.exit_code, 70) << result.out << result.err;
  EXPECT_THAT(result.err,
              testing::AllOf(HasSubstr("web on a-1"), HasSubstr("exited with 9"), HasSubstr("no disk")));
  EXPECT_FALSE(fs::exists("/run/netns/exit-codes-broken-a-1"));
}

}  // namespace
}  // namespace blackstart
