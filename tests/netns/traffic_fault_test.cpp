// SPDX-License-Identifier: Apache-2.0
// A host between whose network and everyone else's the datapath stands: works, faulted, works again.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "tests/netns/traffic_fixture.h"
#include "tests/support/packet.h"

namespace blackstart {
namespace {

using namespace test;

class EitherAttachment : public TrafficFaultTest, public testing::WithParamInterface<contract::Attachment> {
 protected:
  void SetUp() override {
    if (GetParam() == contract::ATTACHMENT_TCX)
      if (const Feature tcx = probe_tcx(); !tcx.available) GTEST_SKIP() << tcx.reason;
    TrafficFaultTest::SetUp();
  }
  // Another process that holds the fault, as an agent does. Returns once it has fired.
  pid_t agent(OrderBuilder order) {
    int ready[2];
    if (::pipe2(ready, O_CLOEXEC) != 0) return -1;
    const pid_t pid = ::fork();
    if (pid == 0) {
      auto fault = armed(order.attachment(GetParam()));
      fire(*fault);
      (void)!::write(ready[1], "x", 1);
      for (;;) ::pause();
    }
    ::close(ready[1]);
    char word;
    EXPECT_EQ(::read(ready[0], &word, 1), 1);
    ::close(ready[0]);
    return pid;
  }
  static void kill_and_wait(pid_t pid) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
};

TEST_P(EitherAttachment, WorksFaultedWorksAgain) {
  const Connection old_flow = connect_tcp(kThereV4, kPatience);
  const Connection old_flow_v6 = connect_tcp(kThereV6, kPatience);
  ASSERT_TRUE(say(old_flow.socket, kPatience));
  ASSERT_TRUE(say(old_flow_v6.socket, kPatience));
  ASSERT_TRUE(ping(kThereV4, kPatience).answered);

  fault_ = armed(cut_there().attachment(GetParam()));
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
  EXPECT_EQ(report.faults(0).engine(), GetParam() == contract::ATTACHMENT_TCX ? "ebpf/tcx" : "ebpf/clsact");
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
TEST_P(EitherAttachment, TheSendersOwnStackIsNotTold) {
  const Connection flow = connect_tcp(kThereV4, kPatience);
  ASSERT_TRUE(say(flow.socket, kPatience));
  fault_ = armed(cut_there().attachment(GetParam()));
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

TEST_P(EitherAttachment, ProtectedTrafficPasses) {
  fault_ = armed(cut_there().protect({}, {port(kEchoPort, contract::PROTOCOL_TCP)}).attachment(GetParam()));
  fire(*fault_);
  const Connection protected_flow = connect_tcp(kThereV4, kPatience);
  EXPECT_EQ(protected_flow.error, 0);
  EXPECT_TRUE(say(protected_flow.socket, kPatience));
  EXPECT_FALSE(ask_udp(kThereV4, kPatience).answered);
  EXPECT_GT(packets(observed(*fault_), "pass"), 0u);
}

TEST_P(EitherAttachment, AStoppedHolderCannotExtendItsFault) {
  const pid_t holder = agent(cut_there(700ms));
  ::kill(holder, SIGSTOP);
  EXPECT_FALSE(ask_udp(kThereV4, 200ms).answered);
  const milliseconds healed = until_healthy(2000ms) + 200ms;
  EXPECT_GE(healed, 600ms);
  EXPECT_LE(healed, 800ms);
  kill_and_wait(holder);
  ASSERT_TRUE(sweep({state_dir_}));
}

TEST_P(EitherAttachment, ADeadHolderMeansAHealthyHost) {
  const pid_t holder = agent(cut_there());
  EXPECT_FALSE(ask_udp(kThereV4, 100ms).answered);
  EXPECT_THAT(residue_lines(take({})), testing::Not(testing::IsEmpty()));
  kill_and_wait(holder);
  const milliseconds healed = until_healthy(2000ms);
  EXPECT_LT(healed, 100ms);
  RecordProperty("healed_ms", static_cast<int>(healed.count()));
  std::printf("kill -9 to the first answer: %ld ms\n", healed.count());
  const auto swept = sweep({state_dir_});
  ASSERT_TRUE(swept) << swept.error().message();
  if (GetParam() == contract::ATTACHMENT_CLSACT) {
    EXPECT_GE(*swept, 3) << "two stubs and the qdisc at least";
  }
}

TEST_P(EitherAttachment, TheLeaseEndsAFaultNobodyRenews) {
  fault_ = armed(cut_there().attachment(GetParam()));
  fire(*fault_, monotonic_now() + 400'000'000);
  EXPECT_FALSE(ask_udp(kThereV4, 200ms).answered);
  fault_->renew({monotonic_now() + 400'000'000, kForever});
  EXPECT_FALSE(ask_udp(kThereV4, 300ms).answered);
  EXPECT_LT(until_healthy(2000ms), 200ms);
  EXPECT_EQ(observed(*fault_).faults(0).state(), contract::FAULT_REVERTED);
}

TEST_P(EitherAttachment, AnInterfaceThatComesWhileArmedIsCovered) {
  fault_ = armed(cut_there().attachment(GetParam()));
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
TEST_P(EitherAttachment, DevicesWithoutLinkHeaderAreCovered) {
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
  fault_ = armed(cut_there().attachment(GetParam()));
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

TEST_P(EitherAttachment, StateIsReadFromTheKernel) {
  fault_ = armed(cut_there().attachment(GetParam()));
  fire(*fault_);
  EXPECT_EQ(observed(*fault_).faults(0).state(), contract::FAULT_FIRING);
  if (GetParam() == contract::ATTACHMENT_CLSACT) {
    NetnsSandbox::run("tc qdisc del dev eth0 clsact");
    EXPECT_NE(observed(*fault_).faults(0).state(), contract::FAULT_FIRING);
  }
}

INSTANTIATE_TEST_SUITE_P(Datapath, EitherAttachment,
                         testing::Values(contract::ATTACHMENT_TCX, contract::ATTACHMENT_CLSACT),
                         [](const auto& which) {
                           return which.param == contract::ATTACHMENT_TCX ? "tcx" : "clsact";
                         });

Fd pass_all_program() {
  const bpf_insn program[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1},
      {.code = BPF_JMP | BPF_EXIT},
  };
  return Fd(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "foreign", "GPL", program, 2, nullptr));
}

Interface eth0() {
  const auto all = interfaces().value();
  return *std::find_if(all.begin(), all.end(), [](const Interface& one) { return one.name == "eth0"; });
}

TEST_F(TrafficFaultTest, AForeignTcxProgramStaysAndComesAfterOurs) {
  if (const Feature tcx = probe_tcx(); !tcx.available) GTEST_SKIP() << tcx.reason;
  const Fd program = pass_all_program();
  ASSERT_TRUE(program.valid());
  auto link = TcxLink::make(program.get(), eth0(), Hook::kEgress);
  ASSERT_TRUE(link) << link.error().message();
  const auto foreign = tcx_programs(eth0().index, Hook::kEgress);
  ASSERT_EQ(foreign.size(), 1u);

  fault_ = armed(cut_there().attachment(contract::ATTACHMENT_TCX));
  const auto both = tcx_programs(eth0().index, Hook::kEgress);
  ASSERT_EQ(both.size(), 2u);
  EXPECT_EQ(both[1], foreign[0]);

  // Somebody else pushing in front is seen: it could let packets past the classifier.
  fire(*fault_);
  {
    const auto pusher = TcxLink::make(program.get(), eth0(), Hook::kIngress);
    ASSERT_TRUE(pusher);
    EXPECT_NE(observed(*fault_).faults(0).state(), contract::FAULT_FIRING);
  }
  EXPECT_EQ(observed(*fault_).faults(0).state(), contract::FAULT_FIRING);
  ASSERT_TRUE(fault_->revert());
  EXPECT_EQ(tcx_programs(eth0().index, Hook::kEgress), foreign);
}

TEST_F(TrafficFaultTest, ForeignClsactFiltersStay) {
  const Fd program = pass_all_program();
  bpf_tc_hook hook{};
  hook.sz = sizeof(hook);
  hook.ifindex = eth0().index;
  hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
  ASSERT_EQ(bpf_tc_hook_create(&hook), 0);
  hook.attach_point = BPF_TC_EGRESS;
  LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program.get(), .handle = 1, .priority = 1);
  ASSERT_EQ(bpf_tc_attach(&hook, &options), 0);
  const std::string with_foreign = sandbox_.inventory("here");

  fault_ = armed(cut_there().attachment(contract::ATTACHMENT_CLSACT));
  fire(*fault_);
  EXPECT_FALSE(ask_udp(kThereV4, 100ms).answered);
  ASSERT_TRUE(fault_->revert());
  EXPECT_EQ(sandbox_.inventory("here"), with_foreign);
  ASSERT_TRUE(sweep({state_dir_}));
  EXPECT_EQ(sandbox_.inventory("here"), with_foreign);
  NetnsSandbox::run("tc qdisc del dev eth0 clsact");
}

TEST_F(TrafficFaultTest, ArmingThatFailsLeavesNothing) {
  OrderBuilder order = cut_there();
  for (int i = 0; i < TRAFFIC_MAX_RULES; ++i) order.fault({{.peers = {"198.18.2.1"}}});
  auto fault = TrafficFault::make({state_dir_}).value();
  EXPECT_FALSE(fault->arm(order));
  EXPECT_THAT(residue_lines(take({})), testing::IsEmpty());
  EXPECT_TRUE(fault->arm(cut_there())) << "and the next one arms";
}

TEST_F(TrafficFaultTest, ThisKernelCanDoWhatTheProbesSay) {
  for (const Feature& feature : probe_features()) {
    EXPECT_FALSE(feature.reason.empty());
    EXPECT_EQ(feature.hint.empty(), feature.available) << feature.name;
    if (feature.name == "tcx" || feature.name == "clsact") {
      const auto attachment = feature.name == "tcx" ? contract::ATTACHMENT_TCX : contract::ATTACHMENT_CLSACT;
      auto fault = TrafficFault::make({state_dir_}).value();
      EXPECT_EQ(fault->arm(cut_there().attachment(attachment)).has_value(), feature.available)
          << feature.name << ": " << feature.reason;
    } else {
      EXPECT_TRUE(feature.available) << feature.name << ": " << feature.reason;
    }
  }
}

}  // namespace
}  // namespace blackstart
