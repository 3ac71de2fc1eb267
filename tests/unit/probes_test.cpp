// SPDX-License-Identifier: Apache-2.0
// Probes against real servers on loopback.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "agents/contract/units.h"
#include "agents/probes/prober.h"
#include "tests/support/probing.h"
#include "tests/support/promise.h"
#include "tests/support/tcp_server.h"

namespace blackstart {
namespace {

using contract::Probe;
using contract::Sample;
using std::chrono::milliseconds;
using namespace test;

std::vector<Sample> run_for(Prober& asker, const std::vector<Probe>& probes, milliseconds time) {
  const auto started = asker.start(probes);
  EXPECT_TRUE(started) << started.error().message();
  std::this_thread::sleep_for(time);
  asker.stop();
  return asker.take(0, SIZE_MAX).samples;
}

void expect_no_holes(const std::vector<Sample>& samples) {
  std::map<std::string, std::vector<uint64_t>> numbers;
  for (const Sample& sample : samples) numbers[sample.probe()].push_back(sample.sequence());
  for (auto& [probe, sequence] : numbers) {
    std::sort(sequence.begin(), sequence.end());
    for (size_t i = 0; i < sequence.size(); ++i) ASSERT_EQ(sequence[i], i) << probe;
  }
}

size_t count(const std::vector<Sample>& samples, Sample::Outcome outcome) {
  return static_cast<size_t>(
      std::count_if(samples.begin(), samples.end(), [&](const Sample& s) { return s.outcome() == outcome; }));
}

TEST(HttpProbe, AnswersByStatusAndBody) {
  TcpServer ok = TcpServer::answering(http_answer(200, "hello world"));
  TcpServer broken = TcpServer::answering(http_answer(503, "no"));
  const Sample good = first_sample(http(once(), ok.url(), 200, "world"));
  EXPECT_SUCCESS(good);
  EXPECT_EQ(good.reason(), "");
  EXPECT_GT(good.duration_ns(), 0);
  EXPECT_LT(std::abs(unix_now() - good.scheduled_unix_ns()), 2'000'000'000);
  EXPECT_FAILED(first_sample(http(once(), ok.url(), 200, "welt")), "body ");
  EXPECT_FAILED(first_sample(http(once(), ok.url(), 204)), "status 200");
  EXPECT_FAILED(first_sample(http(once(), broken.url())), "status 503");
  EXPECT_SUCCESS(first_sample(http(once(), broken.url(), 503)));
}

TEST(HttpProbe, ARedirectIsAnAnswerAndNotFollowed) {
  TcpServer server =
      TcpServer::answering("HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
  EXPECT_SUCCESS(first_sample(http(once(), server.url(), 302)));
}

TEST(HttpProbe, LooksAtTheFirst64KiBOfALongAnswer) {
  TcpServer server = TcpServer::answering(http_answer(200, std::string(1 << 20, 'x') + "end"));
  EXPECT_SUCCESS(first_sample(http(once(), server.url(), 200, "xxx")));
  EXPECT_FAILED(first_sample(http(once(), server.url(), 200, "end")), "body ");
}

TEST(HttpProbe, ATimeoutTakesAsLongAsItSaysAndSaysWhere) {
  TcpServer slow = TcpServer::answering(http_answer(200, ""), milliseconds(400));
  const Sample sample = first_sample(http(once(milliseconds(150)), slow.url()));
  EXPECT_FAILED(sample, "timeout waiting for the answer");
  EXPECT_GE(sample.duration_ns(), 150'000'000);
  EXPECT_LT(sample.duration_ns(), 350'000'000);
}

TEST(HttpProbe, AResetAndAnEarlyCloseAreResets) {
  TcpServer resetting([](int fd) {
    char request[4096];
    [[maybe_unused]] const ssize_t size = read(fd, request, sizeof request);
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  });
  EXPECT_FAILED(first_sample(http(once(), resetting.url())), "reset ");
  TcpServer cut = TcpServer::answering("HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nshort");
  EXPECT_FAILED(first_sample(http(once(), cut.url())), "reset closed within the answer");
}

TEST(HttpProbe, NoTlsOnTheOtherSideIsATlsFailure) {
  TcpServer plain = TcpServer::answering("this is no TLS\r\n");
  EXPECT_FAILED(first_sample(http(once(), "https://127.0.0.1:" + std::to_string(plain.port()) + "/")),
                "tls ");
}

TEST(HttpProbe, IgnoresProxiesOfTheEnvironment) {
  TcpServer ok = TcpServer::answering(http_answer(200, ""));
  setenv("http_proxy", "http://127.0.0.1:1/", 1);
  const Sample sample = first_sample(http(once(), ok.url()));
  unsetenv("http_proxy");
  EXPECT_SUCCESS(sample);
}

TEST(HttpProbe, FindsNamesInTheHostsFile) {
  TcpServer ok = TcpServer::answering(http_answer(200, ""));
  EXPECT_SUCCESS(first_sample(http(once(), "http://localhost:" + std::to_string(ok.port()) + "/")));
}

TEST(TcpProbe, AListenerAndAClosedPort) {
  TcpServer server([](int) {});
  EXPECT_SUCCESS(first_sample(tcp(once(), "127.0.0.1", server.port())));
  EXPECT_SUCCESS(first_sample(tcp(once(), "localhost", server.port())));
  EXPECT_FAILED(first_sample(tcp(once(), "127.0.0.1", test::closed_port())), "refused");
  EXPECT_FAILED(first_sample(tcp(once(), "::1", test::closed_port())), "refused");
}

TEST(TcpProbe, ATcpConnectionIsClosedAfterwards) {
  std::atomic<int> closed = 0;
  TcpServer server([&](int fd) {
    char byte;
    if (read(fd, &byte, 1) <= 0) ++closed;
  });
  const auto asker = prober();
  run_for(*asker, {tcp(probe_named("p", milliseconds(50), milliseconds(500)), "127.0.0.1", server.port())},
          milliseconds(300));
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_GE(closed, 4);
}

// A datagram socket that reads nothing: a name server in a site that is gone.
struct SilentServer {
  SilentServer() { fd = test::loopback_socket(SOCK_DGRAM, &port); }
  ~SilentServer() { close(fd); }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port); }
  int fd;
  uint16_t port = 0;
};

size_t threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<size_t>(std::distance(begin(tasks), end(tasks)));
}

TEST(Names, HangingNameServersCostNoThreadsAndNoTime) {
  SilentServer silent;
  const size_t before = threads();
  const auto asker = prober({.name_server = silent.address()});
  std::vector<Probe> probes;
  for (int i = 0; i < 40; ++i)
    probes.push_back(
        http(probe_named("p" + std::to_string(i), milliseconds(50), milliseconds(200)), "http://gone.lab/"));
  ASSERT_TRUE(asker->start(probes));
  std::this_thread::sleep_for(milliseconds(600));
  EXPECT_EQ(threads(), before + 1);
  asker->stop();
  const auto samples = asker->take(0, SIZE_MAX).samples;
  EXPECT_GE(samples.size(), 40u * 10);
  expect_no_holes(samples);
  for (const Sample& sample : samples) {
    if (sample.outcome() == Sample::MISSED) {
      EXPECT_EQ(sample.reason(), "missed stopped before it ended");
      continue;
    }
    EXPECT_FAILED(sample, "timeout resolving");
    EXPECT_LT(sample.duration_ns(), 400'000'000);
  }
}

class Dnsmasq : public testing::Test {
 protected:
  void SetUp() override {
    if (access("/usr/sbin/dnsmasq", X_OK) != 0)
      GTEST_SKIP() << "dnsmasq is not installed (Debian: dnsmasq-base)";
    close(test::loopback_socket(SOCK_DGRAM, &port_));
    const std::string port = "--port=" + std::to_string(port_);
    pid_ = fork();
    if (pid_ == 0) {
      execl("/usr/sbin/dnsmasq", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
            "--pid-file=", "--no-resolv", "--no-hosts", "--bind-interfaces", "--listen-address=127.0.0.1",
            "--log-facility=-", "--host-record=login.lab,198.18.1.11,fd00:18:1::11",
            "--host-record=v4.lab,198.18.1.12", "--cname=alias.lab,login.lab", "--txt-record=text.lab,hello",
            "--srv-host=_x._tcp.lab,login.lab,80", "--mx-host=lab,login.lab",
            "--ptr-record=11.1.18.198.in-addr.arpa,login.lab", "--address=/local.lab/127.0.0.1",
            "--local=/lab/", port.c_str(), static_cast<char*>(nullptr));
      _exit(127);
    }
    ASSERT_GT(pid_, 0);
    for (int i = 0; i < 50 && first_sample(dns(once(milliseconds(100)), "login.lab", server())).outcome() !=
                                  Sample::SUCCESS;
         ++i)
      std::this_thread::sleep_for(milliseconds(20));
  }
  void TearDown() override {
    if (pid_ <= 0) return;
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
  [[nodiscard]] std::string server() const { return "127.0.0.1:" + std::to_string(port_); }

  uint16_t port_ = 0;
  pid_t pid_ = 0;
};

TEST_F(Dnsmasq, AnswersOfEveryKind) {
  const auto ask = [&](const char* name, const char* record) {
    return first_sample(dns(once(), name, server(), record));
  };
  EXPECT_SUCCESS(ask("login.lab", ""));
  EXPECT_SUCCESS(ask("login.lab", "A"));
  EXPECT_SUCCESS(ask("login.lab", "AAAA"));
  EXPECT_SUCCESS(ask("alias.lab", "CNAME"));
  EXPECT_SUCCESS(ask("text.lab", "TXT"));
  EXPECT_SUCCESS(ask("_x._tcp.lab", "SRV"));
  EXPECT_SUCCESS(ask("lab", "MX"));
  EXPECT_SUCCESS(ask("11.1.18.198.in-addr.arpa", "PTR"));
  EXPECT_EQ(ask("lab", "NS").reason(), "resolve no such record");
  EXPECT_EQ(ask("nobody.lab", "A").reason(), "resolve NXDOMAIN");
  EXPECT_EQ(ask("v4.lab", "AAAA").reason(), "resolve no such record");
  EXPECT_EQ(ask("example.org", "A").reason(), "resolve REFUSED");
}

TEST_F(Dnsmasq, AnHttpProbeUsesTheName) {
  TcpServer ok = TcpServer::answering(http_answer(200, ""));
  const std::string url = "http://local.lab:" + std::to_string(ok.port()) + "/";
  EXPECT_SUCCESS(first_sample(http(once(), url), {.name_server = server()}));
  EXPECT_EQ(first_sample(http(once(), "http://nobody.lab/"), {.name_server = server()}).reason(),
            "resolve NXDOMAIN");
}

TEST(DnsProbe, ASilentServerTimesOutAndAClosedPortIsUnreachable) {
  SilentServer silent;
  EXPECT_FAILED(first_sample(dns(once(milliseconds(100)), "login.lab", silent.address())), "timeout");
  uint16_t port = 0;
  close(test::loopback_socket(SOCK_DGRAM, &port));
  EXPECT_FAILED(first_sample(dns(once(), "login.lab", "127.0.0.1:" + std::to_string(port))), "unreachable");
}

TEST(CommandProbe, ExitStatusAndItsLastWords) {
  EXPECT_SUCCESS(first_sample(command(once(), {"true"})));
  EXPECT_EQ(first_sample(command(once(), {"false"})).reason(), "exit 1");
  EXPECT_EQ(first_sample(command(once(), {"sh", "-c", "echo so it is >&2; exit 3"})).reason(),
            "exit 3: so it is");
  EXPECT_EQ(first_sample(command(once(), {"sh", "-c", "kill -9 $$"})).reason(), "killed by signal 9");
  EXPECT_FAILED(first_sample(command(once(), {"/nonexistent/program"})),
                "error cannot run /nonexistent/program");
}

TEST(CommandProbe, NoShellNoPrivilegesNoInheritance) {
  proves("S13");
  EXPECT_SUCCESS(first_sample(command(once(), {"test", "$HOME", "=", "$HOME"})));
  setenv("BLACKSTART_TEST_SECRET", "x", 1);
  EXPECT_SUCCESS(first_sample(command(once(), {"sh", "-c", "test -z \"$BLACKSTART_TEST_SECRET\""})));
  unsetenv("BLACKSTART_TEST_SECRET");
  const char* status = "grep -q 'NoNewPrivs:.1' /proc/self/status";
  EXPECT_SUCCESS(first_sample(command(once(), {"sh", "-c", status})));
  constexpr int kLeaky = 100;  // not close-on-exec
  ASSERT_EQ(dup2(2, kLeaky), kLeaky);
  EXPECT_SUCCESS(first_sample(command(once(), {"sh", "-c", "test ! -e /proc/$$/fd/100"})));
  close(kLeaky);
  if (geteuid() == 0) {
    EXPECT_SUCCESS(
        first_sample(command(once(), {"sh", "-c", "test \"$(id -un) $(id -Gn)\" = 'nobody nogroup'"})));
    EXPECT_SUCCESS(
        first_sample(command(once(), {"grep", "-q", "CapEff:.0000000000000000", "/proc/self/status"})));
  }
}

// Processes of this user's own choosing: the argument is unique to the test.
size_t processes_with(const std::string& argument) {
  size_t found = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "cmdline");
    std::string line((std::istreambuf_iterator<char>(file)), {});
    std::replace(line.begin(), line.end(), '\0', ' ');
    if (line.find(argument) != std::string::npos) ++found;
  }
  return found;
}

// A killed process takes a moment to be gone.
bool soon_gone(const std::string& argument) {
  for (int i = 0; i < 100 && processes_with(argument) > 0; ++i) std::this_thread::sleep_for(milliseconds(10));
  return processes_with(argument) == 0;
}

TEST(CommandProbe, ATimeoutKillsTheWholeGroup) {
  const std::string mark = "31.0" + std::to_string(getpid());
  const Probe probe = command(once(milliseconds(300)), {"sh", "-c", "sleep " + mark + " & sleep " + mark});
  const auto asker = prober();
  ASSERT_TRUE(asker->start({probe}));
  std::this_thread::sleep_for(milliseconds(150));
  EXPECT_EQ(processes_with("sleep " + mark), 3u);  // the shell names them too
  std::this_thread::sleep_for(milliseconds(200));
  EXPECT_TRUE(soon_gone("sleep " + mark));
  const auto samples = asker->take(0).samples;
  ASSERT_EQ(samples.size(), 1u);
  EXPECT_FAILED(samples.front(), "timeout killed with its group");
  EXPECT_LT(samples.front().duration_ns(), 400'000'000);
}

TEST(CommandProbe, NothingSurvivesTheEndOfTheCommandNorStop) {
  const std::string mark = "32.0" + std::to_string(getpid());
  EXPECT_SUCCESS(first_sample(command(once(), {"sh", "-c", "sleep " + mark + " &"})));
  EXPECT_TRUE(soon_gone("sleep " + mark));
  const auto asker = prober();
  const auto samples =
      run_for(*asker, {command(once(std::chrono::seconds(60)), {"sleep", mark})}, milliseconds(100));
  EXPECT_TRUE(soon_gone("sleep " + mark));
  ASSERT_EQ(samples.size(), 1u);
  EXPECT_EQ(samples.front().outcome(), Sample::MISSED);
}

TEST(Prober, RefusesWhatItCannotRun) {
  auto made = Prober::make({});
  ASSERT_TRUE(made);
  Prober& asker = **made;
  const auto kind_of = [&](const std::vector<Probe>& probes) {
    const auto started = asker.start(probes);
    return started ? std::nullopt : std::optional(started.error().kind);
  };
  EXPECT_EQ(kind_of({command(once(), {"true"})}), ErrorKind::kRefused);
  EXPECT_EQ(kind_of({once()}), ErrorKind::kInvalid);
  EXPECT_EQ(kind_of({http(once(), "file:///etc/passwd")}), ErrorKind::kInvalid);
  EXPECT_EQ(kind_of({http(once(), "http://")}), ErrorKind::kInvalid);
  EXPECT_EQ(kind_of({tcp(once(), "host/path", 80)}), ErrorKind::kInvalid);
  EXPECT_EQ(kind_of({tcp(once(), "host", 70000)}), ErrorKind::kInvalid);
  EXPECT_EQ(kind_of({dns(once(), "a.lab", "", "ANY")}), ErrorKind::kInvalid);
  EXPECT_EQ(kind_of({dns(once(), "a.lab", "server.lab")}), ErrorKind::kInvalid);
  EXPECT_EQ(kind_of({tcp(probe_named("p", milliseconds(1), milliseconds(100)), "127.0.0.1", 1)}),
            ErrorKind::kInvalid);
  EXPECT_EQ(kind_of({tcp(once(), "127.0.0.1", 1), tcp(once(), "127.0.0.1", 1)}), ErrorKind::kInvalid);
  EXPECT_TRUE(asker.take(0).samples.empty());
}

TEST(Prober, HoldsNothingUntilItIsStarted) {
  const auto descriptors = [] {
    const std::filesystem::directory_iterator files("/proc/self/fd");
    return std::distance(begin(files), end(files));
  };
  const auto before = descriptors();
  const size_t threads_before = threads();
  const auto asker = prober();
  EXPECT_EQ(threads(), threads_before);
  EXPECT_EQ(descriptors(), before);
  run_for(*asker, {tcp(once(), "127.0.0.1", test::closed_port())}, milliseconds(30));
  EXPECT_EQ(threads(), threads_before);
  EXPECT_EQ(descriptors(), before);
}

TEST(Schedule, MomentsAreMultiplesOfThePeriodWithoutDrift) {
  TcpServer server([](int) {});
  const auto asker = prober();
  const auto samples = run_for(
      *asker, {tcp(probe_named("p", milliseconds(20), milliseconds(500)), "127.0.0.1", server.port())},
      milliseconds(600));
  ASSERT_GE(samples.size(), 27u);
  ASSERT_LE(samples.size(), 31u);
  expect_no_holes(samples);
  const int64_t first = samples.front().scheduled_unix_ns();
  for (const Sample& sample : samples)
    EXPECT_NEAR(static_cast<double>(sample.scheduled_unix_ns() - first),
                20e6 * static_cast<double>(sample.sequence()), 2e6);
}

TEST(Schedule, AttemptsThatFindNoRoomAreMissedAndCounted) {
  const auto asker = prober({.in_flight_per_probe = 2});
  const auto samples =
      run_for(*asker, {command(probe_named("p", milliseconds(20), milliseconds(100)), {"sleep", "5"})},
              milliseconds(500));
  expect_no_holes(samples);
  EXPECT_GE(samples.size(), 23u);
  EXPECT_GE(count(samples, Sample::FAILURE), 6u);  // two at a time, 100 ms each
  EXPECT_LE(count(samples, Sample::FAILURE), 10u);
  EXPECT_EQ(count(samples, Sample::FAILURE) + count(samples, Sample::MISSED), samples.size());
}

TEST(Schedule, TheSameProbeGoesOnAndAChangedOneIsReplaced) {
  TcpServer server([](int) {});
  const Probe steady = tcp(probe_named("p", milliseconds(50), milliseconds(200)), "127.0.0.1", server.port());
  Probe changed = steady;
  changed.mutable_tcp()->set_port(test::closed_port());
  const auto asker = prober();
  ASSERT_TRUE(asker->start({steady}));
  std::this_thread::sleep_for(milliseconds(120));
  ASSERT_TRUE(asker->start({steady}));
  std::this_thread::sleep_for(milliseconds(70));
  const auto samples = run_for(*asker, {changed}, milliseconds(120));
  expect_no_holes(samples);
  EXPECT_GE(count(samples, Sample::SUCCESS), 4u);
  EXPECT_LE(count(samples, Sample::SUCCESS), 5u);
  EXPECT_GE(count(samples, Sample::FAILURE), 2u);
}

TEST(Schedule, TwoHundredProbesFourTimesASecond) {
  TcpServer ok = TcpServer::answering(http_answer(200, ""));
  std::vector<Probe> probes;
  for (int i = 0; i < 200; ++i)
    probes.push_back(
        http(probe_named("p" + std::to_string(i), milliseconds(250), milliseconds(1000)), ok.url(), 200));
  const auto asker = prober();
  const auto samples = run_for(*asker, probes, milliseconds(3000));
  expect_no_holes(samples);
  EXPECT_GE(count(samples, Sample::SUCCESS), 200u * 12 * 9 / 10);
  EXPECT_LE(samples.size(), 200u * 12 + 200);
}

TEST(SampleBuffer, ForgetsWhatWasTakenAndSaysWhatWasLost) {
  SampleBuffer buffer(3);
  const auto name = std::make_shared<const std::string>("p");
  for (uint64_t i = 0; i < 3; ++i) buffer.push(name, i, 0, 0, {});
  SampleBatch batch = buffer.take(0, 2);
  ASSERT_EQ(batch.samples.size(), 2u);
  EXPECT_EQ(batch.until, 2u);
  EXPECT_EQ(batch.lost, 0u);
  EXPECT_EQ(buffer.take(0, 2).samples.size(), 2u);  // asked again, answered again
  batch = buffer.take(batch.until, 10);
  ASSERT_EQ(batch.samples.size(), 1u);
  EXPECT_EQ(batch.samples.front().sequence(), 2u);
  for (uint64_t i = 3; i < 8; ++i) buffer.push(name, i, 0, 0, {});
  batch = buffer.take(batch.until, 10);
  ASSERT_EQ(batch.samples.size(), 3u);
  EXPECT_EQ(batch.samples.front().sequence(), 5u);
  EXPECT_EQ(batch.lost, 2u);
  EXPECT_EQ(batch.until, 8u);
  EXPECT_TRUE(buffer.take(8, 10).samples.empty());
  EXPECT_EQ(buffer.take(8, 10).until, 8u);
}

TEST(SampleBuffer, ACursorOfAnotherLifeStartsOver) {
  SampleBuffer buffer(3);
  buffer.push(std::make_shared<const std::string>("p"), 0, 0, 0, {});
  EXPECT_EQ(buffer.take(1000, 10).samples.size(), 1u);
}

}  // namespace
}  // namespace blackstart
