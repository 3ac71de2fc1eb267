// SPDX-License-Identifier: Apache-2.0
// What a run says about what is left on its hosts, who left it, and that nothing of anybody else's is
// touched: on a lab of sample services, with real agents and real leftovers.
#include <bpf/libbpf.h>
#include <gmock/gmock.h>

#include <optional>

#include "agents/inventory/inventory.h"
#include "agents/kernel/interfaces.h"
#include "agents/kernel/tc_filter.h"
#include "agents/kernel/tcx_link.h"
#include "tests/lab/run_fixture.h"
#include "tests/support/counting_program.h"
#include "tests/support/netns_sandbox.h"
#include "tests/support/promise.h"

namespace blackstart {
namespace {

using test::CountingProgram;
using test::NetnsSandbox;
using test::shell;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kHost = "anyang-app-2";  // a survivor, with a service that fails over to it
const std::string kNetns = kLab + "-" + kHost;

constexpr const char* kExperiment = R"(
apiVersion: blackstart/v1
kind: Experiment
metadata: {name: test, summary: a short cut}
spec:
  steadyState:
    for: 1s
    probes:
      - {name: news, from: phone-1, every: 200ms, timeout: 2s, http: {url: "http://news.lab:8081/", status: 200}}
  timeline: [{at: 0s, fault: site-blackhole, site: pangyo, for: 5s}]
  recovery: {watch: 1s}
)";

class ResidueTest : public RunTest {
 protected:
  static void SetUpTestSuite() {
    if (geteuid() == 0) before_ = take({.cgroup = "", .machine = true});
    RunTest::SetUpTestSuite();
  }
  // S8 for the whole of it: lab up, drills, lab down.
  static void TearDownTestSuite() {
    RunTest::TearDownTestSuite();
    if (geteuid() != 0) return;
    for (const Change& change : diff(before_, take({.cgroup = "", .machine = true}))) {
      const std::string what = change.item.kind + " " + change.item.object + " " + change.item.detail;
      const bool another_lab = change.item.kind == "cgroup" && what.find(kLab) == std::string::npos;
      EXPECT_FALSE(change.item.ours && !another_lab) << what;
      EXPECT_THAT(what, testing::Not(HasSubstr(kLab)));
    }
  }

  std::vector<std::string> cut(const std::vector<std::string>& more = {}) const {
    return command(saved(kExperiment), kTopology, more);
  }
  // What the inventory says about the host.
  static std::pair<int, json> inventory() {
    const auto result = run_command({kBin + "blackstart-agent", "inventory", "--output", "json"});
    json of_host = json::array();
    const json all = parsed(result);
    for (const json& each : all["objects"])
      if (each["netns"] == kNetns) of_host.push_back(each);
    return {result.exit_code, of_host};
  }
  static std::string command_in(const std::string& residue) {
    const std::string before = "remove it with: ";
    return residue.substr(residue.find(before) + before.size());
  }
  static std::string there(const std::string& command) {
    const auto inside = NetnsScope::enter(kNetns).value();
    const auto [ok, output] = shell(command);
    EXPECT_TRUE(ok) << command << ": " << output;
    return output;
  }
  static Interface eth0() {
    const auto all = interfaces().value();
    for (const Interface& one : all)
      if (!one.loopback) return one;
    throw std::runtime_error("no interface");
  }

  static inline Snapshot before_;
};

TEST_F(ResidueTest, ALeftoverOfOursIsExit7WithTheCommandThatRemovesIt) {
  proves("S8");
  RunningCommand run(cut({"--report", folder_ + "/report.md"}));
  ASSERT_TRUE(wait_dark());
  there(
      "nft add table inet blackstart_left && nft add chain inet blackstart_left c && nft add rule inet "
      "blackstart_left c counter");
  there("ip route add 198.18.77.0/24 dev lo");
  const auto result = run.wait();
  const json outcome = parsed(result);

  EXPECT_EQ(result.exit_code, 7) << result.out << result.err;
  EXPECT_EQ(outcome["verdict"], "stranded");
  ASSERT_THAT(outcome["residue"], SizeIs(1)) << outcome["residue"];
  const std::string residue = outcome["residue"][0];
  EXPECT_THAT(residue, HasSubstr(std::string(kHost) + ": nft-table inet blackstart_left; remove it with: "));
  // Somebody's route is named, and nobody is blamed for it.
  EXPECT_EQ(outcome["changes"], json::array({{{"host", kHost},
                                              {"kind", "route"},
                                              {"object", "198.18.77.0/24 dev lo"},
                                              {"detail", "proto 3"},
                                              {"change", "appeared"}}}));
  // Another way to ask.
  auto [code, objects] = inventory();
  EXPECT_EQ(code, 7);
  ASSERT_THAT(objects, SizeIs(1)) << objects;
  EXPECT_EQ(objects[0]["remove"], command_in(residue));

  // No run starts on top of it.
  EXPECT_EQ(run_command(cut()).exit_code, 7);

  NetnsSandbox::run(command_in(residue));
  EXPECT_THAT(inventory().second, IsEmpty());
  there("ip route del 198.18.77.0/24 dev lo");
}

TEST_F(ResidueTest, AFilterWhoseProgramBearsOurNameIsResidue) {
  proves("S8");
  RunningCommand run(cut());
  ASSERT_TRUE(wait_dark());
  {
    const auto inside = NetnsScope::enter(kNetns).value();
    const CountingProgram program("blackstart_left");
    NetnsSandbox::run("tc qdisc add dev " + eth0().name + " clsact");
    bpf_tc_hook hook{.sz = sizeof(hook), .ifindex = eth0().index, .attach_point = BPF_TC_INGRESS};
    LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program.fd(), .handle = 7, .priority = 7);
    ASSERT_EQ(bpf_tc_attach(&hook, &options), 0);
  }
  const auto result = run.wait();
  const json outcome = parsed(result);
  EXPECT_EQ(result.exit_code, 7) << result.out << result.err;
  ASSERT_THAT(outcome["residue"], SizeIs(1)) << outcome["residue"];
  auto [code, objects] = inventory();
  EXPECT_EQ(code, 7);
  EXPECT_THAT(objects, SizeIs(1)) << objects;
  NetnsSandbox::run(command_in(outcome["residue"][0]));
  EXPECT_THAT(inventory().second, IsEmpty());
  there("tc qdisc del dev " + [] {
    const auto inside = NetnsScope::enter(kNetns).value();
    return eth0().name;
  }() + " clsact");
}

TEST_F(ResidueTest, WhatOthersChangeIsSaidAndChangesNoVerdict) {
  RunningCommand run(cut());
  ASSERT_TRUE(wait_dark());
  there("nft add table inet not_blackstart");
  const auto result = run.wait();
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  const std::string run_id = parsed(result)["run"];
  const auto screen = run_command({kBin + "blackstart", "report", run_id, "--state", folder_});
  EXPECT_THAT(screen.out, AllOf(HasSubstr("residue: none"), HasSubstr("changed meanwhile (not ours)"),
                                HasSubstr("not_blackstart")));
  there("nft delete table inet not_blackstart");
}

// S9: what others have in the kernel works while a fault is armed beside it, and is the same afterwards.
class OthersObjects : public ResidueTest, public testing::WithParamInterface<const char*> {};

TEST_P(OthersObjects, StandAsTheyStoodAndGoOnWorking) {
  proves("S8,S9");
  const bool tcx = std::string(GetParam()) == "tcx";
  std::optional<NetnsScope> inside(NetnsScope::enter(kNetns).value());
  const Interface interface = eth0();
  const std::string dev = " dev " + interface.name;
  if (tcx && !has_tcx()) GTEST_SKIP() << "this kernel has no TCX";
  const CountingProgram at_clsact("other_clsact"), at_tcx("other_tcx");
  NetnsSandbox::run("tc qdisc add" + dev + " clsact");
  NetnsSandbox::run("tc qdisc add" + dev + " root tbf rate 100mbit burst 64k latency 50ms");
  NetnsSandbox::run("ip route add 198.18.88.0/24" + dev +
                    " && ip rule add priority 88 from 198.18.88.0/24 lookup 88");
  NetnsSandbox::run(
      "nft -f - <<'END'\n"
      "table inet others {\n set s { type ipv4_addr; elements = { 198.18.9.11 }; }\n"
      " chain in { type filter hook input priority 0; ip saddr @s counter accept; }\n}\n"
      "table netdev others {\n chain in { type filter hook ingress device \"" +
      interface.name + "\" priority 0; counter; }\n}\nEND\n");
  bpf_tc_hook hook{.sz = sizeof(hook), .ifindex = interface.index, .attach_point = BPF_TC_INGRESS};
  LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = at_clsact.fd(), .handle = 7, .priority = 7);
  ASSERT_EQ(bpf_tc_attach(&hook, &options), 0);
  std::vector<TcxLink> links;
  if (has_tcx()) links.push_back(TcxLink::make(at_tcx.fd(), interface, Hook::kIngress).value());

  const auto qdiscs = [&] { return there("tc qdisc show"); };
  const auto everything = [&] {
    return there(
               "nft -a -s list ruleset; ip address show scope global; ip route show table all; ip -6 route; "
               "ip rule; ip -6 rule; tc filter show" +
               dev + " ingress; tc filter show" + dev + " egress; bpftool net") +
           qdiscs();
  };
  const auto counted = [&] {
    const std::string rules = there("nft list table inet others");
    const size_t at = rules.find("packets ");
    return at == std::string::npos ? 0UL : std::stoul(rules.substr(at + 8));
  };
  const std::string before = everything(), qdiscs_before = qdiscs();
  inside.reset();

  RunningCommand run(cut({"--attach", GetParam()}));
  ASSERT_TRUE(wait_dark());
  std::this_thread::sleep_for(500ms);  // news has found its other instance by now
  const uint64_t rule = counted(), clsact = at_clsact.packets(), in_tcx = at_tcx.packets();
  if (tcx) {
    EXPECT_EQ(qdiscs(), qdiscs_before);
  }
  EXPECT_THAT(qdiscs(), HasSubstr("qdisc tbf"));
  std::this_thread::sleep_for(1500ms);
  EXPECT_GT(counted(), rule);
  EXPECT_GT(at_clsact.packets(), clsact);
  if (!links.empty()) {
    EXPECT_GT(at_tcx.packets(), in_tcx);
  }

  const auto result = run.wait();
  const json outcome = parsed(result);
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  EXPECT_EQ(outcome["faults"][0]["engine"], std::string("ebpf/") + GetParam());
  EXPECT_GT(outcome["faults"][0]["packets"]["dropped"], 0);
  EXPECT_THAT(outcome["residue"], IsEmpty());
  EXPECT_THAT(outcome["changes"], IsEmpty()) << outcome["changes"];
  EXPECT_EQ(everything(), before);

  links.clear();
  there("nft delete table inet others; nft delete table netdev others; tc qdisc del" + dev +
        " root; tc qdisc del" + dev + " clsact; ip route del 198.18.88.0/24" + dev +
        "; ip rule del priority 88");
}

INSTANTIATE_TEST_SUITE_P(Attachments, OthersObjects, testing::Values("tcx", "clsact"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace blackstart
