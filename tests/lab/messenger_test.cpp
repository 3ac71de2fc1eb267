// SPDX-License-Identifier: Apache-2.0
// The messenger labs with their real servers: what a phone gets while Pangyo is there, gone, and there
// again. The cut is an nft rule in the router, so that only the labs are judged. Runs as root.
#include <gmock/gmock.h>

#include <filesystem>
#include <thread>

#include "injector/experiment/load.h"
#include "injector/lab/lab.h"
#include "tests/support/command.h"

namespace blackstart::lab {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Answers = std::map<std::string, bool>;

constexpr auto kBackWithin = 10s;
const std::string kBin = BLACKSTART_BINARY_DIR "/bin";

struct MessengerCase {
  const char* lab;
  bool bridged;
};

class MessengerTest : public testing::TestWithParam<MessengerCase> {
 protected:
  MessengerTest() {
    auto loaded =
        load_topology(std::string(BLACKSTART_SOURCE_DIR "/experiments/labs/") + GetParam().lab + ".yaml");
    EXPECT_TRUE(loaded) << loaded.error().front().message;
    topology_ = *loaded;
    topology_.name = "messenger-test";
    std::filesystem::create_directories("/run/netns");
    (void)Lab::down(topology_.name, quiet_);
  }
  ~MessengerTest() override { (void)Lab::down(topology_.name, quiet_); }

  CommandResult on(const std::string& host, const std::vector<std::string>& command) {
    std::vector<std::string> argv{kBin + "/blackstart", "lab", "exec", "--lab", topology_.name, host};
    argv.insert(argv.end(), command.begin(), command.end());
    return run_command(argv);
  }
  Answers ask() {
    Answers answers;
    for (const std::string journey : {"login", "send", "photo"})
      answers[journey] = on("phone-1", {"curl", "-s", "-m", "3", "-o", "/dev/null", "-w", "%{http_code}",
                                        "http://chat.lab/" + journey})
                             .out == "200";
    return answers;
  }
  Answers ask_until(const Answers& wanted) {
    const auto end = Clock::now() + kBackWithin;
    Answers answers = ask();
    while (answers != wanted && Clock::now() < end) {
      std::this_thread::sleep_for(200ms);
      answers = ask();
    }
    return answers;
  }
  // On the host, drops what the rules say, until heal().
  void cut(const std::string& host, const std::string& hook, const std::string& rules) {
    const std::string table =
        "table inet cut { chain cut { type filter hook " + hook + " priority 0; " + rules + " }; }";
    ASSERT_EQ(on(host, {"nft", table}).exit_code, 0);
  }
  void heal(const std::string& host) {
    ASSERT_EQ(on(host, {"nft", "delete", "table", "inet", "cut"}).exit_code, 0);
  }

  Topology topology_;
  const Progress quiet_ = [](const std::string&) {};
};

TEST_P(MessengerTest, LosesWithPangyoWhatStandsThereAlone) {
  const auto begin = Clock::now();
  LabOptions options;
  options.bin = kBin;
  const auto lab = Lab::up(topology_, options, quiet_);
  ASSERT_TRUE(lab) << lab.error().message();
  RecordProperty(
      "up_ms",
      static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin).count()));

  const Answers all{{"login", true}, {"send", true}, {"photo", true}};
  ASSERT_EQ(ask(), all);

  const bool bridged = GetParam().bridged;
  const Answers left{{"login", bridged}, {"send", true}, {"photo", bridged}};
  cut("wan", "forward",
      "iifname br-pangyo oifname != br-pangyo drop; oifname br-pangyo iifname != br-pangyo drop;");
  EXPECT_NE(
      on("phone-1", {"curl", "-s", "-m", "1", "-o", "/dev/null", "http://pangyo-gw-1.lab/healthz"}).exit_code,
      0);
  for (int round = 0; round < 3; ++round) EXPECT_EQ(ask(), left) << "round " << round;

  heal("wan");
  EXPECT_EQ(ask_until(all), all);
}

TEST_P(MessengerTest, PhonesFindNamesWithEitherNameServer) {
  LabOptions options;
  options.bin = kBin;
  const auto lab = Lab::up(topology_, options, quiet_);
  ASSERT_TRUE(lab) << lab.error().message();

  for (const char* dark : {"anyang-dns-1", "pangyo-dns-1"}) {
    cut(dark, "input", "iifname eth0 drop;");
    EXPECT_THAT(on("phone-1", {"getent", "ahosts", "chat.lab"}).out, testing::HasSubstr("198.18.3.11"))
        << "without " << dark;
    heal(dark);
  }
  cut("anyang-dns-1", "input", "iifname eth0 drop;");
  cut("pangyo-dns-1", "input", "iifname eth0 drop;");
  EXPECT_NE(on("phone-1", {"getent", "ahosts", "chat.lab"}).exit_code, 0) << "without any";
}

std::string name_of(const testing::TestParamInfo<MessengerCase>& test) {
  return test.param.bridged ? "Bridged" : "Unfinished";
}

INSTANTIATE_TEST_SUITE_P(Labs, MessengerTest,
                         testing::Values(MessengerCase{"messenger", false},
                                         MessengerCase{"messenger-bridged", true}),
                         name_of);

}  // namespace
}  // namespace blackstart::lab
