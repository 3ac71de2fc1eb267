// SPDX-License-Identifier: Apache-2.0
// The same stories for every engine of silent faults: works, faulted, works again.
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "tests/netns/traffic_fixture.h"
#include "tests/support/emulated.h"
#include "tests/support/packet.h"

namespace blackstart {
namespace {

using namespace test;

OrderBuilder cut_there_from(Duration start) {
  return OrderBuilder().fault({{.peers = {"198.18.2.0/24", "fd00:18:2::/64"}}}, start);
}

class EveryEngine : public TrafficFaultTest, public testing::WithParamInterface<EngineCase> {
 protected:
  void SetUp() override {
    for (const Feature& feature : features())
      if (feature.name == GetParam().feature && !feature.available) GTEST_SKIP() << feature.reason;
    TrafficFaultTest::SetUp();
  }
  // Another process that holds the fault, as an agent does: fired once this returns.
  struct Holder {
    pid_t pid = -1;
    std::vector<contract::Step> steps;  // what it recorded
  };
  Holder holder(OrderBuilder order) {
    int told[2];
    if (::pipe2(told, O_CLOEXEC) != 0) return {};
    Holder out{::fork(), {}};
    if (out.pid == 0) {
      ::close(told[0]);
      auto fault = armed(GetParam().on(std::move(order)));
      fire(*fault);
      for (const auto& [id, step] : steps_.open) {
        const std::string bytes = step.SerializeAsString();
        const auto size = static_cast<char>(bytes.size());
        (void)!::write(told[1], &size, 1);
        (void)!::write(told[1], bytes.data(), bytes.size());
      }
      ::close(told[1]);
      for (;;) attend(*fault, 1h);
    }
    ::close(told[1]);
    char size;
    while (::read(told[0], &size, 1) == 1) {
      std::string bytes(static_cast<size_t>(size), '\0');
      EXPECT_EQ(::read(told[0], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
      EXPECT_TRUE(out.steps.emplace_back().ParseFromString(bytes));
    }
    ::close(told[0]);
    return out;
  }
  static void kill_and_wait(const Holder& holder) {
    ::kill(holder.pid, SIGKILL);
    ::waitpid(holder.pid, nullptr, 0);
  }
  // As the next agent does with the journal of a dead one; what was recorded last goes first.
  static void take_all_back(const Holder& holder) {
    for (auto step = holder.steps.rbegin(); step != holder.steps.rend(); ++step) {
      const auto took = take_back(*step);
      ASSERT_TRUE(took) << took.error().message();
      EXPECT_TRUE(*took) << step->ShortDebugString();
      EXPECT_FALSE(take_back(*step).value()) << "again is fine";
    }
  }
};

TEST_P(EveryEngine, WorksFaultedWorksAgain) {
  const Connection old_flow = connect_tcp(kThereV4, kPatience);
  const Connection old_flow_v6 = connect_tcp(kThereV6, kPatience);
  ASSERT_TRUE(say(old_flow.socket, kPatience));
  ASSERT_TRUE(say(old_flow_v6.socket, kPatience));
  ASSERT_TRUE(ping(kThereV4, kPatience).answered);

  fault_ = armed(GetParam().on(cut_there()));
  EXPECT_TRUE(ask_udp(kThereV4, kPatience).answered) << "armed is not fired";
  EXPECT_EQ(observed(*fault_).faults(0).state(), contract::FAULT_ARMED);
  fire(*fault_);

  for (const char* there : {kThereV4, kThereV6}) {
    EXPECT_EQ(connect_tcp(there, kPatience).error, ETIMEDOUT)
        << there << ": neither EPERM nor refused, just silence";
    const int heard = echo_->datagrams();
    const Exchange udp = ask_udp(there, kPatience);
    EXPECT_EQ(udp.send_error, 0) << there << ": a sender is not told";
    EXPECT_FALSE(udp.answered);
    EXPECT_EQ(echo_->datagrams(), heard) << "it never arrived";
  }
  const Exchange echo = ping(kThereV4, kPatience);
  EXPECT_EQ(echo.send_error, 0);
  EXPECT_FALSE(echo.answered);
  EXPECT_FALSE(say(old_flow.socket, kPatience)) << "an established flow stalls";
  EXPECT_FALSE(say(old_flow_v6.socket, kPatience));
  EXPECT_TRUE(ask_udp("198.18.1.1", kPatience).send_error == 0 && ping("198.18.1.1", kPatience).answered)
      << "the neighbour is not hit";

  const contract::HostReport report = observed(*fault_);
  EXPECT_EQ(report.faults(0).state(), contract::FAULT_FIRING);
  EXPECT_EQ(report.faults(0).engine(), GetParam().reported);
  EXPECT_THAT(report.interfaces(), testing::Contains("eth0"));
  EXPECT_GE(packets(report, "drop"), 7u);
  EXPECT_NEAR(seconds(Duration(unix_now() - report.faults(0).last_unix_ns())), 0, 5);
  for (const auto& count : report.faults(0).packets())
    EXPECT_EQ(count.direction() == contract::DIRECTION_EGRESS ? count.dst_site() : count.src_site(), "there");

  ASSERT_TRUE(fault_->revert());
  EXPECT_TRUE(ask_udp(kThereV4, kPatience).answered);
  EXPECT_TRUE(ask_udp(kThereV6, kPatience).answered);
  EXPECT_TRUE(ping(kThereV4, kPatience).answered);
  EXPECT_TRUE(readable(old_flow.socket, 3s)) << "what was held up is sent again and answered";
  EXPECT_TRUE(readable(old_flow_v6.socket, 3s));
  EXPECT_EQ(observed(*fault_).faults(0).state(), contract::FAULT_REVERTED);
  EXPECT_EQ(packets(observed(*fault_), "drop"), packets(report, "drop")) << "still known after the revert";
  EXPECT_TRUE(fault_->revert()) << "again is fine";
}

// A site that is gone gives no sign; neither may the sender's own stack, which hears of a packet that
// an egress program shoots: ENOBUFS for IP_RECVERR, and TCP that gives up within seconds.
TEST_P(EveryEngine, TheSendersOwnStackIsNotTold) {
  const Connection flow = connect_tcp(kThereV4, kPatience);
  ASSERT_TRUE(say(flow.socket, kPatience));
  fault_ = armed(GetParam().on(cut_there()));
  fire(*fault_);

  for (const char* there : {kThereV4, kThereV6}) {
    const auto [to, size] = endpoint(there, kEchoPort);
    const Fd socket(::socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    const bool v6 = to.ss_family == AF_INET6;
    ASSERT_EQ(::setsockopt(socket.get(), v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &on,
                           sizeof on),
              0);
    EXPECT_EQ(::sendto(socket.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), size), 1)
        << there << ": " << strerror(errno);
  }
  EXPECT_FALSE(say(flow.socket, 2500ms));
  tcp_info info{};
  socklen_t length = sizeof info;
  ASSERT_EQ(::getsockopt(flow.socket.get(), IPPROTO_TCP, TCP_INFO, &info, &length), 0);
  EXPECT_GE(info.tcpi_backoff, 2) << "it waits longer each time, as for a packet that was lost";
}

TEST_P(EveryEngine, ProtectedTrafficPasses) {
  proves("S5");
  fault_ = armed(GetParam().on(cut_there().protect({}, {port(kEchoPort, contract::PROTOCOL_TCP)})));
  fire(*fault_);
  const Connection protected_flow = connect_tcp(kThereV4, kPatience);
  EXPECT_EQ(protected_flow.error, 0);
  EXPECT_TRUE(say(protected_flow.socket, kPatience));
  EXPECT_FALSE(ask_udp(kThereV4, kPatience).answered);
  EXPECT_GT(packets(observed(*fault_), "pass"), 0u);
}

TEST_P(EveryEngine, AStoppedHolderCannotExtendItsFault) {
  proves("S1");
  const Holder agent = holder(cut_there(700ms));
  ::kill(agent.pid, SIGSTOP);
  EXPECT_FALSE(ask_udp(kThereV4, 200ms).answered);
  const milliseconds healed = until_healthy(2000ms) + 200ms;
  EXPECT_GE(healed, 600ms);
  EXPECT_LE(healed, 720ms);
  kill_and_wait(agent);
  take_all_back(agent);
}

TEST_P(EveryEngine, ADeadHolderStartsNothingLater) {
  proves("S2");
  const Holder agent = holder(cut_there_from(500ms));
  EXPECT_TRUE(ask_udp(kThereV4, kPatience).answered);
  ::kill(agent.pid, SIGKILL);
  std::this_thread::sleep_for(600ms);
  EXPECT_TRUE(ask_udp(kThereV4, kPatience).answered);
  kill_and_wait(agent);
  take_all_back(agent);
}

TEST_P(EveryEngine, ADeadHolderMeansAHealthyHost) {
  proves("S2,S10");
  const Holder agent = holder(cut_there());
  EXPECT_FALSE(ask_udp(kThereV4, 100ms).answered);
  EXPECT_THAT(residue_lines(take({})), testing::Not(testing::IsEmpty()));
  kill_and_wait(agent);
  const milliseconds healed = until_healthy(2000ms);
  EXPECT_LT(healed, 100ms);
  RecordProperty("healed_ms", static_cast<int>(healed.count()));
  std::printf("kill -9 to the first answer: %ld ms\n", healed.count());
  take_all_back(agent);
  EXPECT_EQ(agent.steps.empty(), GetParam().attachment != contract::ATTACHMENT_CLSACT);
}

TEST_P(EveryEngine, AFaultStartsAtItsMomentAndBehindTheHorizonNever) {
  fault_ = armed(GetParam().on(cut_there_from(200ms)));
  ASSERT_TRUE(fault_->fire(monotonic_now(), {kForever, 100'000'000}));
  attend(*fault_, 300ms);
  EXPECT_TRUE(ask_udp(kThereV4, kPatience).answered) << "the horizon is before its start";
  ASSERT_TRUE(fault_->renew({kForever, kForever}));
  attend(*fault_, 20ms);
  EXPECT_FALSE(ask_udp(kThereV4, 100ms).answered) << "the horizon has moved on";
  ASSERT_TRUE(fault_->revert());

  fault_ = armed(GetParam().on(cut_there_from(200ms)));
  ASSERT_TRUE(fault_->fire(monotonic_now(), {kForever, kForever}));
  EXPECT_TRUE(ask_udp(kThereV4, kPatience).answered);
  attend(*fault_, 220ms);
  EXPECT_FALSE(ask_udp(kThereV4, 100ms).answered);
}

TEST_P(EveryEngine, DirectionsAndExceptionsAreHeeded) {
  const auto cut = [](contract::Direction direction, std::vector<std::string> except) {
    return OrderBuilder().fault({{.peers = {"198.18.2.0/24", "fd00:18:2::/64"},
                                  .except = std::move(except),
                                  .direction = direction}});
  };
  for (const char* there : {kThereV4, kThereV6}) {
    fault_ = armed(GetParam().on(cut(contract::DIRECTION_INGRESS, {})));
    fire(*fault_);
    int heard = echo_->datagrams();
    EXPECT_FALSE(ask_udp(there, 100ms).answered);
    EXPECT_EQ(echo_->datagrams(), heard + 1) << "the way out is open";
    ASSERT_TRUE(fault_->revert());
    fault_ = armed(GetParam().on(cut(contract::DIRECTION_EGRESS, {})));
    fire(*fault_);
    heard = echo_->datagrams();
    EXPECT_FALSE(ask_udp(there, 100ms).answered);
    EXPECT_EQ(echo_->datagrams(), heard);
    ASSERT_TRUE(fault_->revert());
    fault_ = armed(GetParam().on(cut(contract::DIRECTION_BOTH, {there})));
    fire(*fault_);
    EXPECT_TRUE(ask_udp(there, kPatience).answered) << "left out";
    fault_.reset();
  }
}

TEST_P(EveryEngine, PortsNarrowAFault) {
  fault_ = armed(GetParam().on(
      OrderBuilder().fault({{.peers = {"198.18.2.0/24"},
                             .ports = {port(kEchoPort, contract::PROTOCOL_UDP, contract::SIDE_PEER)}}})));
  fire(*fault_);
  EXPECT_FALSE(ask_udp(kThereV4, 100ms).answered);
  EXPECT_TRUE(ping(kThereV4, kPatience).answered);
  EXPECT_TRUE(say(connect_tcp(kThereV4, kPatience).socket, kPatience));
}

TEST_P(EveryEngine, TheLeaseEndsAFaultNobodyRenews) {
  proves("S3");
  fault_ = armed(GetParam().on(cut_there()));
  fire(*fault_, monotonic_now() + 400'000'000);
  EXPECT_FALSE(ask_udp(kThereV4, 200ms).answered);
  ASSERT_TRUE(fault_->renew({monotonic_now() + 400'000'000, kForever}));
  EXPECT_FALSE(ask_udp(kThereV4, 300ms).answered);
  EXPECT_LT(until_healthy(2000ms), 200ms);
  EXPECT_EQ(observed(*fault_).faults(0).state(), contract::FAULT_REVERTED);
}

TEST_P(EveryEngine, AnInterfaceThatComesWhileArmedIsCovered) {
  fault_ = armed(GetParam().on(cut_there()));
  fire(*fault_);
  NetnsSandbox::run("ip link add late0 type veth peer name late1");
  NetnsSandbox::run("ip addr add 198.18.3.1/24 dev late0");
  NetnsSandbox::run("ip link set late0 up && ip link set late1 up");
  pollfd news{fault_->wake_fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&news, 1, 1000), 1);
  const auto ok = fault_->wake();
  ASSERT_TRUE(ok) << ok.error().message();
  EXPECT_THAT(observed(*fault_).interfaces(), testing::IsSupersetOf({"late0", "late1"}));

  NetnsSandbox::run("ip route replace 198.18.2.0/24 dev late0");
  NetnsSandbox::run("ip neigh add 198.18.2.11 lladdr 02:00:00:00:00:01 dev late0");
  const uint64_t dropped = packets(observed(*fault_), "drop");
  EXPECT_EQ(ask_udp(kThereV4, 50ms).send_error, 0);
  EXPECT_EQ(packets(observed(*fault_), "drop"), dropped + 1);

  NetnsSandbox::run("ip link del late0");
  ASSERT_TRUE(fault_->wake());
  EXPECT_THAT(observed(*fault_).interfaces(), testing::Not(testing::Contains("late0")));
  EXPECT_TRUE(fault_->revert());
}

// A tunnel device hands over packets without a link header.
TEST_P(EveryEngine, DevicesWithoutLinkHeaderAreCovered) {
  const Fd tun(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  ifreq request{};
  std::strcpy(request.ifr_name, "tun0");
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  ASSERT_EQ(::ioctl(tun.get(), TUNSETIFF, &request), 0) << strerror(errno);
  NetnsSandbox::run("ip link set tun0 up && ip addr add 198.18.3.1/24 dev tun0");
  NetnsSandbox::run("ip route replace 198.18.2.0/24 dev tun0");
  const auto comes_out = [&] {
    char buffer[2048];
    while (::read(tun.get(), buffer, sizeof(buffer)) > 0) continue;  // router solicitations and the like
    EXPECT_EQ(ask_udp(kThereV4, 1ms).send_error, 0);
    bool ours = false;
    while (::read(tun.get(), buffer, sizeof(buffer)) > 0) ours |= buffer[0] == 0x45;
    return ours;
  };
  EXPECT_TRUE(comes_out());
  fault_ = armed(GetParam().on(cut_there()));
  fire(*fault_);
  EXPECT_FALSE(comes_out());
  EXPECT_EQ(packets(observed(*fault_), "drop"), 1u);

  // And what comes in: from a peer that is cut, then from one that is not.
  const Fd listener(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto [any, size] = endpoint("0.0.0.0", kEchoPort);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&any), size), 0);
  NetnsSandbox::run("sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.tun0.rp_filter=0");
  for (const auto& [from, arrives] : {std::pair{"198.18.2.11", false}, {"198.18.3.7", true}}) {
    packet::Packet in =
        packet::Raw() / packet::IPv4{.saddr = from, .daddr = "198.18.3.1"} / packet::UDP{.dport = kEchoPort};
    in.bytes[3] = static_cast<uint8_t>(in.bytes.size());
    uint32_t sum = 0;
    for (size_t i = 0; i < 20; i += 2) sum += static_cast<uint32_t>(in.bytes[i] << 8 | in.bytes[i + 1]);
    sum = ~((sum & 0xffff) + (sum >> 16));
    in.bytes[10] = static_cast<uint8_t>(sum >> 8);
    in.bytes[11] = static_cast<uint8_t>(sum);
    ASSERT_GT(::write(tun.get(), in.bytes.data(), in.bytes.size()), 0);
    EXPECT_EQ(readable(listener, 100ms), arrives) << from;
  }
  ASSERT_TRUE(fault_->revert());
  EXPECT_TRUE(comes_out());
}

TEST_P(EveryEngine, StateIsReadFromTheKernel) {
  fault_ = armed(GetParam().on(cut_there()));
  fire(*fault_);
  EXPECT_EQ(observed(*fault_).faults(0).state(), contract::FAULT_FIRING);
  if (GetParam().attachment == contract::ATTACHMENT_CLSACT) {
    NetnsSandbox::run("tc qdisc del dev eth0 clsact");
    EXPECT_NE(observed(*fault_).faults(0).state(), contract::FAULT_FIRING);
  }
}

// Firing is one small write beside any number of targets.
TEST_P(EveryEngine, ManyTargetsAreFiredAtOnce) {
  std::vector<std::string> targets{kThereV4};
  for (int i = 0; i < 32'000; ++i)  // every other address: no two merge
    targets.push_back("10." + std::to_string(i >> 14) + "." + std::to_string((i >> 7) & 127) + "." +
                      std::to_string((i & 127) * 2));
  const contract::Order order = GetParam().on(OrderBuilder().fault({{.peers = targets}}));
  const auto ms_since = [](int64_t start) { return static_cast<double>(monotonic_now() - start) / 1e6; };
  const int64_t arming = monotonic_now();
  fault_ = armed(order);
  const double armed_ms = ms_since(arming);
  const int64_t firing = monotonic_now();
  ASSERT_TRUE(fault_->fire(firing, {kForever, kForever}));
  const double fired_ms = ms_since(firing);
  std::printf("32,000 targets: armed in %.1f ms, fired in %.3f ms\n", armed_ms, fired_ms);
  EXPECT_LT(armed_ms, patience(milliseconds(2000)).count()) << "a set filled element by element takes longer";
  EXPECT_LT(fired_ms, 20);
  std::this_thread::sleep_for(10ms);  // a tick of the coarse clock
  EXPECT_EQ(connect_tcp(kThereV4, 100ms).error, ETIMEDOUT);
}

INSTANTIATE_TEST_SUITE_P(Datapath, EveryEngine, testing::ValuesIn(kEngines), name_of);

}  // namespace
}  // namespace blackstart
