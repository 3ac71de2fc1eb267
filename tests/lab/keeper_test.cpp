// SPDX-License-Identifier: Apache-2.0
// The keeper of a lab starts what died, and what never was, when it is asked on its socket. Runs as root.
#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>

#include <thread>

#include "agents/kernel/cgroup.h"
#include "agents/kernel/seqpacket.h"
#include "tests/lab/own_lab.h"

namespace blackstart {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const fs::path kRun = fs::path("/run/blackstart/lab") / kLab;

// Comes up on the host it is meant for; elsewhere one dies, and one never listens.
constexpr const char* kPicky = R"(
    picky:
      role: app
      instances: [{host: pangyo-cache-1, port: 7001}]
    mute:
      role: app
      instances: [{host: pangyo-cache-1, port: 7000}]
  lab:
    run:
      picky:
        command: [/bin/sh, -c, 'test "$0" = pangyo-cache-1 && exec "$@"; echo "cannot reach config-store.lab" >&2; exit 3', "{host}",
                  "{bin}/sample-service", --name, picky, --listen, "[::]:{port}"]
      mute:
        command: [/bin/sh, -c, 'test "$0" = pangyo-cache-1 && exec "$@"; echo waiting; exec sleep 600', "{host}",
                  "{bin}/sample-service", --name, mute, --listen, "[::]:{port}"]
)";

std::string answer_on(const Fd& socket) {
  pollfd polled{socket.get(), POLLIN, 0};
  if (::poll(&polled, 1, 10'000) != 1) return "nothing within 10 s";
  const auto text = receive_packet(socket);
  if (!text) return text.error().message();
  return text->value_or("nothing");
}

// A connection to the keeper, with the request on its way.
Fd ask(const std::string& request) {
  auto socket = connect_packets(kRun / "keeper");
  EXPECT_TRUE(socket) << socket.error().message();
  if (!socket) return {};
  EXPECT_TRUE(send_packet(*socket, request));
  return std::move(*socket);
}

std::string asked(const std::string& request) {
  return answer_on(ask(request));
}

Cgroup services_of(const std::string& host) {
  return *Cgroup::at("blackstart/" + kLab + "/" + host + "/services");
}

json status() {
  return json::parse(run_command({kBin + "blackstart", "lab", "status", kLab, "--output", "json"}).out)[0];
}

json process(const std::string& host, const std::string& service) {
  const json now = status();
  for (const json& each : now["hosts"])
    if (each["name"] == host)
      for (const json& own : each["services"])
        if (own["service"] == service) return own;
  return {};
}

void expect_soon(const std::function<bool()>& what, const std::string& text) {
  for (int i = 0; i < 100 && !what(); ++i) std::this_thread::sleep_for(50ms);
  EXPECT_TRUE(what()) << text;
}

class KeeperTest : public OwnLab {
 protected:
  static void SetUpTestSuite() {
    lab_up(replaced(shipped_topology("two-sites"), "\n  lab:\n    run:\n", kPicky));
  }
  static bool answers(const std::string& url) {
    return on("phone-1", {"curl", "-fsS", "-m", "1", "-o", "/dev/null", url}).exit_code == 0;
  }
};

TEST_F(KeeperTest, StartsWhatWasKilledWhereItWas) {
  const fs::path folder = kRun / "hosts/pangyo-app-1/news";
  std::ofstream(folder / "data") << "kept";
  ASSERT_TRUE(services_of("pangyo-app-1").kill(2s));
  EXPECT_TRUE(process("pangyo-app-1", "news")["pid"].is_null());

  const std::string first = asked("start pangyo-app-1 news");
  ASSERT_THAT(first, StartsWith("ok "));
  expect_soon([] { return answers("http://198.18.1.11:8081/"); }, "news is not back");
  EXPECT_EQ(asked("start pangyo-app-1 news"), first) << "it runs";
  EXPECT_EQ(process("pangyo-app-1", "news")["pid"], std::stoi(first.substr(3)));
  EXPECT_EQ(read_text(folder / "data"), "kept");
  EXPECT_TRUE(process("pangyo-app-1", "login")["pid"].is_null()) << "nobody asked for it";

  EXPECT_EQ(run_command({kBin + "blackstart", "lab", "up", kTopology}, 30s).exit_code, 0);
  EXPECT_EQ(process("pangyo-app-1", "news")["pid"], std::stoi(first.substr(3)));
  EXPECT_TRUE(status()["healthy"]);
}

TEST_F(KeeperTest, RefusesWhatTheLabDoesNotHold) {
  EXPECT_THAT(asked("start phone-1 news"), StartsWith("error "));
  EXPECT_THAT(asked("start pangyo-app-1 ../../x"), StartsWith("error "));
  EXPECT_THAT(asked("stop pangyo-app-1 news"), StartsWith("error "));
  EXPECT_THAT(asked("start pangyo-app-1"), StartsWith("error "));
  EXPECT_THAT(asked("fresh pangyo-app-1 news 1000"), HasSubstr("it has one already"));
  EXPECT_THAT(asked("fresh nowhere news 1000"), StartsWith("error "));
  EXPECT_THAT(asked("fresh phone-1 news -1"), StartsWith("error "));
}

TEST_F(KeeperTest, FreshInstancesAnswerAndLeaveNothing) {
  const fs::path folder = kRun / "hosts/anyang-app-1/news~fresh";
  {
    const Fd fresh = ask("fresh anyang-app-1 news 5000");
    EXPECT_THAT(answer_on(fresh), StartsWith("ok "));
    EXPECT_THAT(answer_on(fresh), StartsWith("ready "));
    EXPECT_TRUE(answers("http://198.18.2.11:8081/"));
    EXPECT_TRUE(fs::exists(folder));
    EXPECT_THAT(asked("fresh anyang-app-1 news 5000"), HasSubstr("there is one"));
  }
  expect_soon([&] { return !fs::exists(folder); }, "its folder is left");
  EXPECT_FALSE(answers("http://198.18.2.11:8081/"));
  EXPECT_FALSE(fs::exists(services_of("anyang-app-1").path() / "news~fresh"));
}

TEST_F(KeeperTest, SeveralAtATimeSayWhyTheyDoNotComeUp) {
  const Fd late = ask("fresh anyang-app-1 mute 1500");
  const Fd dies = ask("fresh anyang-app-1 picky 5000");
  EXPECT_THAT(asked("start anyang-app-2 news"), StartsWith("ok ")) << "while the others are being watched";
  EXPECT_THAT(answer_on(late), StartsWith("ok "));
  EXPECT_THAT(answer_on(late), testing::MatchesRegex("late 1[5-9].*\nwaiting"));
  EXPECT_THAT(answer_on(dies), StartsWith("ok "));
  EXPECT_THAT(answer_on(dies), testing::MatchesRegex("died [0-9]*\ncannot reach config-store.lab"));
}

TEST_F(KeeperTest, ASecondUpReplacesADeadKeeper) {
  const std::string news = asked("start anyang-app-2 news");
  const Fd fresh = ask("fresh anyang-app-1 news 5000");
  EXPECT_THAT(answer_on(fresh), StartsWith("ok "));
  EXPECT_THAT(answer_on(fresh), StartsWith("ready "));
  const json keeper = status()["keeper"];
  ASSERT_TRUE(keeper["ready"]);
  ASSERT_EQ(::kill(keeper["pid"].get<pid_t>(), SIGKILL), 0);
  expect_soon([] { return status()["keeper"]["pid"].is_null(); }, "it is dead");
  EXPECT_FALSE(status()["healthy"]);

  EXPECT_EQ(run_command({kBin + "blackstart", "lab", "up", kTopology}, 30s).exit_code, 0);
  EXPECT_TRUE(status()["healthy"]);
  EXPECT_FALSE(fs::exists(services_of("anyang-app-1").path() / "news~fresh")) << "of the keeper before";
  EXPECT_EQ(asked("start anyang-app-2 news"), news);
}

}  // namespace
}  // namespace blackstart
