// SPDX-License-Identifier: Apache-2.0
// Faults that answer: what an application is told, by manner, beside every engine of silent faults.
#include <signal.h>
#include <sys/wait.h>

#include "tests/netns/traffic_fixture.h"

namespace blackstart {
namespace {

using namespace test;

constexpr milliseconds kRetransmit{1500};  // SYNs go out again after one second

// What a sender is told; 0: nothing within its patience.
struct Told {
  int tcp_v4, tcp_v6;  // connect
  int udp_v4, udp_v6;  // a datagram on a connected socket, then the socket's error
};

struct MannerCase {
  const char* name;
  contract::Manner manner;
  Told told;
};
const MannerCase kManners[] = {
    {"reset", contract::MANNER_RESET, {ECONNREFUSED, ECONNREFUSED, ECONNREFUSED, ECONNREFUSED}},
    {"unreachable", contract::MANNER_UNREACHABLE, {EHOSTUNREACH, EHOSTUNREACH, EHOSTUNREACH, EHOSTUNREACH}},
    {"deny", contract::MANNER_DENY, {EHOSTUNREACH, EACCES, EHOSTUNREACH, EACCES}},
};

class EveryManner : public TrafficFaultTest, public testing::WithParamInterface<MannerCase> {
 protected:
  void SetUp() override {
    for (const Feature& feature : features())
      if (feature.name == "nft-inet" && !feature.available) GTEST_SKIP() << feature.reason;
    TrafficFaultTest::SetUp();
  }
  OrderBuilder answering(OrderBuilder order) const { return order.manner(GetParam().manner); }

  struct Datagram {
    int send = 0, error = 0;
  };
  // Sends on a connected socket and reads its error.
  static Datagram connected_udp(const char* there) {
    const auto [to, size] = endpoint(there, kEchoPort);
    const Fd socket(::socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    const bool v6 = to.ss_family == AF_INET6;
    ::setsockopt(socket.get(), v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &on,
                 sizeof on);
    Datagram out;
    ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), size);
    if (::send(socket.get(), "x", 1, 0) != 1) out.send = errno;
    if (!readable(socket, kPatience)) return out;
    char word;
    if (::recv(socket.get(), &word, 1, MSG_DONTWAIT) != 1) out.error = errno;
    return out;
  }
};

TEST_P(EveryManner, WorksFaultedWorksAgain) {
  const Told& told = GetParam().told;
  fault_ = armed(answering(cut_there()));
  EXPECT_TRUE(ask_udp(kThereV4, kPatience).answered) << "armed is not fired";
  fire(*fault_);
  const int heard = echo_->datagrams();
  EXPECT_EQ(connect_tcp(kThereV4, kRetransmit).error, told.tcp_v4);
  EXPECT_EQ(connect_tcp(kThereV6, kRetransmit).error, told.tcp_v6);
  for (const char* there : {kThereV4, kThereV6}) {
    const Datagram udp = connected_udp(there);
    EXPECT_EQ(udp.send, EPERM) << there << ": the sender's own stack says so at once";
    EXPECT_EQ(udp.error, there == kThereV4 ? told.udp_v4 : told.udp_v6) << there;
  }
  EXPECT_FALSE(ping(kThereV4, 100ms).answered);
  EXPECT_EQ(echo_->datagrams(), heard) << "nothing arrived";
  EXPECT_TRUE(ping("198.18.1.1", kPatience).answered) << "the neighbour is not hit";

  const contract::HostReport report = observed(*fault_);
  EXPECT_EQ(report.faults(0).state(), contract::FAULT_FIRING);
  EXPECT_EQ(report.faults(0).engine(), "netfilter/inet");
  EXPECT_GE(packets(report, "drop"), 5u);
  EXPECT_NEAR(seconds(Duration(unix_now() - report.faults(0).last_unix_ns())), 0, 1);
  EXPECT_LE(report.faults(0).first_unix_ns(), report.faults(0).last_unix_ns() + 1'000'000);
  for (const auto& count : report.faults(0).packets())
    EXPECT_EQ(count.direction() == contract::DIRECTION_EGRESS ? count.dst_site() : count.src_site(), "there");

  ASSERT_TRUE(fault_->revert());
  EXPECT_TRUE(ask_udp(kThereV4, kPatience).answered);
  EXPECT_TRUE(ask_udp(kThereV6, kPatience).answered);
  EXPECT_EQ(connect_tcp(kThereV4, kPatience).error, 0);
  EXPECT_EQ(packets(observed(*fault_), "drop"), packets(report, "drop")) << "still known after the revert";
}

TEST_P(EveryManner, AnEstablishedFlowIsResetOrStalls) {
  const Connection flow = connect_tcp(kThereV4, kPatience);
  ASSERT_TRUE(say(flow.socket, kPatience));
  fault_ = armed(answering(cut_there()));
  fire(*fault_);
  EXPECT_FALSE(say(flow.socket, kPatience));
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(flow.socket.get(), SOL_SOCKET, SO_ERROR, &error, &length);
  const bool dead = GetParam().manner == contract::MANNER_RESET;
  char word;
  EXPECT_EQ(::recv(flow.socket.get(), &word, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN, !dead);
  ASSERT_TRUE(fault_->revert());
  EXPECT_EQ(readable(flow.socket, 3s) && ::recv(flow.socket.get(), &word, 1, MSG_DONTWAIT) == 1, !dead);
}

// Where only the receiving side enforces, its answers have to get back to the sender.
TEST_P(EveryManner, TheReceivingSideAnswersToo) {
  fault_ = armed(answering(OrderBuilder().fault({{.peers = {"198.18.2.0/24", "fd00:18:2::/64"}}})));
  fire(*fault_);
  const Told& told = GetParam().told;
  const auto there = sandbox_.enter("there");
  EXPECT_EQ(connect_tcp("198.18.1.11", kRetransmit).error, told.tcp_v4);
  EXPECT_EQ(connect_tcp("fd00:18:1::11", kRetransmit).error, told.tcp_v6);
  EXPECT_EQ(connected_udp("198.18.1.11").send, 0);
  EXPECT_EQ(connected_udp("198.18.1.11").error, told.udp_v4);
}

TEST_P(EveryManner, ProtectedTrafficPasses) {
  proves("S5");
  fault_ = armed(answering(cut_there().protect({}, {port(kEchoPort, contract::PROTOCOL_TCP)})));
  fire(*fault_);
  EXPECT_TRUE(say(connect_tcp(kThereV4, kPatience).socket, kPatience));
  EXPECT_FALSE(ask_udp(kThereV4, 100ms).answered);
  EXPECT_GT(packets(observed(*fault_), "pass"), 0u);
}

TEST_P(EveryManner, AStoppedOrDeadHolderHeals) {
  proves("S1,S2");
  for (const int signal : {SIGSTOP, SIGKILL}) {
    int told[2];
    ASSERT_EQ(::pipe2(told, O_CLOEXEC), 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
      auto fault = armed(answering(cut_there(signal == SIGSTOP ? Duration(700ms) : Duration(1h))));
      fire(*fault);
      (void)!::write(told[1], "x", 1);
      for (;;) ::pause();
    }
    ::close(told[1]);
    char word;
    EXPECT_EQ(::read(told[0], &word, 1), 1);
    ::close(told[0]);
    ::kill(pid, SIGSTOP);
    EXPECT_FALSE(ask_udp(kThereV4, 100ms).answered);
    if (signal == SIGKILL) ::kill(pid, SIGKILL);
    EXPECT_LE(until_healthy(2000ms), signal == SIGKILL ? 100ms : 620ms);
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Stack, EveryManner, testing::ValuesIn(kManners),
                         [](const auto& which) { return which.param.name; });

// A silent and an answering fault that hit the same packet: the first of the order wins, at every hook.
class Mixed : public TrafficFaultTest, public testing::WithParamInterface<EngineCase> {
 protected:
  void SetUp() override {
    for (const Feature& feature : features())
      if ((feature.name == GetParam().feature || feature.name == "nft-inet") && !feature.available)
        GTEST_SKIP() << feature.reason;
    TrafficFaultTest::SetUp();
  }
};

TEST_P(Mixed, TheFirstFaultOfTheOrderWins) {
  const Rule there{.peers = {"198.18.2.0/24", "fd00:18:2::/64"}};
  for (const bool silent_first : {true, false}) {
    OrderBuilder order;
    if (silent_first) order.fault({there});
    order.fault({there}).manner(contract::MANNER_RESET);
    if (!silent_first) order.fault({there});
    fault_ = armed(GetParam().on(order));
    fire(*fault_);
    const contract::HostReport idle = observed(*fault_);
    EXPECT_EQ(idle.faults(silent_first ? 0 : 1).engine(), GetParam().reported);
    EXPECT_EQ(idle.faults(silent_first ? 1 : 0).engine(), "netfilter/inet");
    for (const char* address : {kThereV4, kThereV6})
      EXPECT_EQ(connect_tcp(address, kPatience).error, silent_first ? ETIMEDOUT : ECONNREFUSED) << address;
    {
      const auto outside = sandbox_.enter("there");
      EXPECT_EQ(connect_tcp("198.18.1.11", kPatience).error, silent_first ? ETIMEDOUT : ECONNREFUSED);
    }
    const contract::HostReport report = observed(*fault_);
    EXPECT_GT(report.faults(0).packets_size(), 0);
    EXPECT_EQ(report.faults(1).packets_size(), 0) << report.faults(1).ShortDebugString();
    ASSERT_TRUE(fault_->revert());
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, Mixed, testing::ValuesIn(kEngines), name_of);

}  // namespace
}  // namespace blackstart
