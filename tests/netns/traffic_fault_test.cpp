// SPDX-License-Identifier: Apache-2.0
// Packet faults beside what others have put on the same interfaces, and when they cannot be armed.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "agents/kernel/tc_filter.h"
#include "agents/kernel/tcx_link.h"
#include "tests/netns/traffic_fixture.h"

namespace blackstart {
namespace {

using namespace test;

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
  proves("S9");
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
  proves("S9");
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
  ASSERT_TRUE(sweep());
  EXPECT_EQ(sandbox_.inventory("here"), with_foreign);
  NetnsSandbox::run("tc qdisc del dev eth0 clsact");
}

TEST_F(TrafficFaultTest, ArmingThatFailsLeavesNothing) {
  proves("S8");
  OrderBuilder order = cut_there();
  for (int i = 0; i < TRAFFIC_MAX_RULES; ++i) order.fault({{.peers = {"198.18.2.1"}}});
  auto fault = TrafficFault::make({.steps = &steps_}).value();
  EXPECT_FALSE(fault->arm(order));
  EXPECT_THAT(residue_lines(take({})), testing::IsEmpty());
  EXPECT_TRUE(fault->arm(cut_there())) << "and the next one arms";
}

TEST_F(TrafficFaultTest, ThisKernelCanDoWhatTheProbesSay) {
  for (const Feature& feature : probe_features()) {
    EXPECT_FALSE(feature.reason.empty());
    EXPECT_EQ(feature.hint.empty(), feature.available) << feature.name;
    for (const EngineCase& engine : kEngines) {
      if (feature.name != engine.feature) continue;
      auto fault = TrafficFault::make({.steps = &steps_}).value();
      EXPECT_EQ(fault->arm(engine.on(cut_there())).has_value(), feature.available)
          << feature.name << ": " << feature.reason;
    }
  }
}

}  // namespace
}  // namespace blackstart
