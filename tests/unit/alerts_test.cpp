// SPDX-License-Identifier: Apache-2.0
// What an Alertmanager tells a webhook, and a real one telling it.
#include "injector/cli/alerts.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/support/command.h"
#include "tests/support/promise.h"

namespace blackstart {
namespace {

using namespace std::chrono_literals;

constexpr UnixNs kNow = 1'700'000'000LL * 1'000'000'000;
const std::string kNotification = R"({"version": "4", "status": "firing", "alerts": [
  {"status": "firing", "labels": {"alertname": "LoginDown"}, "startsAt": "2023-11-14T22:13:20.5Z"},
  {"status": "firing", "labels": {"alertname": "Same"}, "startsAt": "2023-11-15T07:13:20.500+09:00"},
  {"status": "resolved", "labels": {"alertname": "Over"}, "startsAt": "2023-11-14T22:13:20.5Z"}]})";

TEST(Alerts, ThatFireAreReadWithTheirMoment) {
  const auto alerts = cli::read_alerts(kNotification, kNow + 7);
  ASSERT_TRUE(alerts);
  ASSERT_EQ(alerts->size(), 2u) << "one is over";
  EXPECT_EQ(alerts->at(0).said.mark.source, "alert LoginDown");
  EXPECT_EQ(alerts->at(0).said.mark.at, kNow + 7) << "when somebody was told";
  EXPECT_EQ(alerts->at(0).said.alert_began, kNow + 500'000'000);
  EXPECT_EQ(alerts->at(1).said.alert_began, kNow + 500'000'000);
  EXPECT_NE(alerts->at(0).identity, alerts->at(1).identity);
}

TEST(Alerts, WhatDoesNotSayWhenItBeganDetectsNothing) {
  proves("S15");
  for (const char* began : {"", "yesterday", "2023-11-14T22:13:20", "2023-11-14T22:13:nanZ"}) {
    const auto alerts = cli::read_alerts(
        std::string(R"({"alerts": [{"status": "firing", "labels": {"alertname": "x"}, "startsAt": ")") +
            began + "\"}]}",
        kNow);
    ASSERT_TRUE(alerts) << began;
    EXPECT_EQ(alerts->at(0).said.alert_began, 1) << began;
  }
  for (const char* body : {"", "[]", "{}", R"({"alerts": 7})", "\xff"})
    EXPECT_FALSE(cli::read_alerts(body, kNow));
  EXPECT_TRUE(cli::read_alerts(R"({"alerts": [7, null, {"status": 3}]})", kNow)->empty());
}

TEST(Alerts, AMomentBeyondTheClockIsNone) {
  for (const char* began : {"9999-12-31T23:59:59Z", "2700-01-01T00:00:00Z", "0001-01-01T00:00:00Z",
                            "-999-01-01T00:00:00Z", "2023-99-99T00:00:00Z"}) {
    const auto alerts = cli::read_alerts(
        std::string(R"({"alerts": [{"status": "firing", "startsAt": ")") + began + "\"}]}", kNow);
    ASSERT_TRUE(alerts) << began;
    EXPECT_EQ(alerts->at(0).said.alert_began, 1) << began;
  }
}

TEST(Alerts, WhatIsNestedWithoutEndIsReadInBoundedSpace) {
  const std::string deep = std::string(400'000, '[') + std::string(400'000, ']');
  const auto alerts = cli::read_alerts(
      R"({"alerts": [{"status": "firing", "labels": {"alertname": "x", "y": )" + deep + "}}]}", kNow);
  ASSERT_TRUE(alerts);
  ASSERT_EQ(alerts->size(), 1u);
  EXPECT_EQ(alerts->at(0).said.mark.source, "alert x");
}

TEST(Alerts, WhatIsKeptOfOneIsShort) {
  const std::string label(200'000, 'x');
  const auto alerts = cli::read_alerts(R"({"alerts": [{"status": "firing", "labels": {"alertname": ")" +
                                           label + R"("}, "startsAt": ")" + label + "\"}]}",
                                       kNow);
  ASSERT_TRUE(alerts);
  EXPECT_LT(alerts->at(0).identity.size() + alerts->at(0).said.mark.source.size() +
                alerts->at(0).said.mark.note.size(),
            1'000u);
}

TEST(AlertListener, SaysWhyItCannotListen) {
  for (const char* address : {"nonsense", ":9", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:x"}) {
    const auto made = cli::AlertListener::make(address);
    ASSERT_FALSE(made) << address;
    EXPECT_EQ(made.error().kind, ErrorKind::kInvalid);
  }
  const auto first = cli::AlertListener::make("127.0.0.1:0");
  ASSERT_TRUE(first);
  EXPECT_FALSE(cli::AlertListener::make("198.51.100.9:9099")) << "not this host's";
}

uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  close(fd);
  return ntohs(address.sin_port);
}

TEST(AlertListener, HearsARealAlertmanagerOnce) {
  const std::string program = "/usr/bin/prometheus-alertmanager";
  if (access(program.c_str(), X_OK) != 0) GTEST_SKIP() << "prometheus-alertmanager is not installed";
  auto listener = cli::AlertListener::make("127.0.0.1:0");
  ASSERT_TRUE(listener) << listener.error().message();
  char name[] = "/tmp/blackstart-alerts-XXXXXX";
  const std::string folder = mkdtemp(name);
  std::ofstream(folder + "/alertmanager.yml")
      << "route: {receiver: drill, group_wait: 0s, group_interval: 1s, repeat_interval: 1s}\n"
         "receivers: [{name: drill, webhook_configs: [{url: 'http://127.0.0.1:"
      << (*listener)->port() << "/'}]}]\n";
  const std::string address = "127.0.0.1:" + std::to_string(free_port());
  const UnixNs before = unix_now();
  std::vector<SaidMark> said;
  {
    RunningCommand alertmanager({program, "--config.file=" + folder + "/alertmanager.yml",
                                 "--storage.path=" + folder,
                                 "--cluster.listen-address=", "--web.listen-address=" + address});
    const std::vector<std::string> fire{
        "curl",
        "-fsS",
        "-m",
        "1",
        "-H",
        "Content-Type: application/json",
        "-d",
        R"([{"labels": {"alertname": "LoginDown"}, "startsAt": ")" + rfc3339(before) + "\"}]",
        "http://" + address + "/api/v2/alerts"};
    for (int i = 0; i < 100 && run_command(fire, 5s).exit_code != 0; ++i) std::this_thread::sleep_for(100ms);
    for (int i = 0; i < 100 && said.empty(); ++i) {
      std::this_thread::sleep_for(100ms);
      said = (*listener)->take();
    }
    std::this_thread::sleep_for(3s);  // it tells it again
    for (const SaidMark& again : (*listener)->take()) said.push_back(again);
    alertmanager.send(SIGTERM);
    alertmanager.wait(10s);
  }
  std::filesystem::remove_all(folder);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].mark.source, "alert LoginDown");
  EXPECT_LE(std::abs(said[0].alert_began - before), 1'000'000) << "a millisecond is what it was told";
  EXPECT_GE(said[0].mark.at, before);
}

}  // namespace
}  // namespace blackstart
