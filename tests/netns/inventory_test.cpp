// SPDX-License-Identifier: Apache-2.0
// Whatever an injector could leave is seen, told apart from what others do, and goes with the command
// that is named for it. Runs as root.
#include "agents/inventory/inventory.h"

#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>

#include "agents/kernel/cgroup.h"
#include "agents/kernel/interfaces.h"
#include "agents/kernel/tc_filter.h"
#include "agents/kernel/tcx_link.h"
#include "tests/support/counting_program.h"
#include "tests/support/netns_sandbox.h"
#include "tests/support/promise.h"
#include "tests/support/sockets.h"

namespace blackstart::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kCgroup = "inventory-test";

std::vector<std::string> texts(const std::vector<Change>& changes) {
  std::vector<std::string> out;
  for (const Change& change : changes) {
    contract::Residue wire;
    to_wire(change, &wire);
    out.push_back(wire.kind() + " " + wire.object() + " " + wire.change() + (wire.ours() ? ", ours" : ""));
  }
  return out;
}

class InventoryTest : public testing::Test {
 protected:
  InventoryTest() {
    (void)cgroup_.kill(std::chrono::seconds(1));
    (void)cgroup_.remove();
    EXPECT_TRUE(cgroup_.create());
  }
  ~InventoryTest() override {
    (void)cgroup_.kill(std::chrono::seconds(1));
    EXPECT_TRUE(cgroup_.remove());
  }

  [[nodiscard]] Snapshot take_here() const { return take(scope_); }
  [[nodiscard]] Interface eth0() const {
    const auto all = interfaces().value();
    for (const Interface& one : all)
      if (one.name == "eth0") return one;
    throw std::runtime_error("no eth0");
  }
  static void nft(const std::string& rules) { NetnsSandbox::run("nft -f - <<'END'\n" + rules + "\nEND\n"); }
  // A process that sleeps in the cgroup.
  [[nodiscard]] pid_t sleeper() const {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::pause();
      ::_exit(0);
    }
    std::ofstream(cgroup_.path() / "cgroup.procs") << pid;
    return pid;
  }

  NetnsSandbox sandbox_{"inventory"};
  NetnsScope here_ = sandbox_.enter("here");
  Cgroup cgroup_ = Cgroup::at(kCgroup).value();
  Scope scope_{.cgroup = kCgroup};
};

struct Case {
  const char* name;
  const char* make;    // the command that makes it
  const char* change;  // how the difference reads
};

class EachKind : public InventoryTest, public testing::WithParamInterface<Case> {};

TEST_P(EachKind, IsSeenAndGoesWithItsCommand) {
  proves("S8");
  const Snapshot before = take_here();
  EXPECT_THAT(diff(before, take_here()), IsEmpty());

  NetnsSandbox::run(GetParam().make);
  const auto changes = diff(before, take_here());
  ASSERT_THAT(texts(changes), ElementsAre(GetParam().change));

  // As it is printed, it works from outside the namespace.
  EXPECT_THAT(changes[0].item.remove, testing::StartsWith("ip netns exec bs-inventory-here "));
  NetnsSandbox::run(changes[0].item.remove);
  EXPECT_THAT(texts(diff(before, take_here())), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, EachKind,
    testing::Values(
        Case{"route", "ip route add 198.18.77.0/24 via 198.18.1.1 dev eth0 metric 5",
             "route 198.18.77.0/24 via 198.18.1.1 dev eth0 metric 5 appeared"},
        Case{"blackhole", "ip route add blackhole 198.18.78.0/24 table 77",
             "route blackhole 198.18.78.0/24 table 77 appeared"},
        Case{"multipath",
             "ip route add 198.18.79.0/24 nexthop via 198.18.1.1 dev eth0 weight 2 nexthop via 198.18.1.2 "
             "dev eth0",
             "route 198.18.79.0/24 nexthop via 198.18.1.1 dev eth0 weight 2 nexthop via 198.18.1.2 dev eth0 "
             "weight 1 appeared"},
        Case{"route6", "ip -6 route add fd00:18:77::/64 via fd00:18:1::1 dev eth0",
             "route6 fd00:18:77::/64 via fd00:18:1::1 dev eth0 metric 1024 appeared"},
        Case{"rule", "ip rule add priority 77 from 198.18.0.0/15 fwmark 0x7/0xff iif eth0 lookup 77",
             "rule priority 77 from 198.18.0.0/15 fwmark 0x7/0xff iif eth0 lookup 77 appeared"},
        Case{"rule6", "ip -6 rule add priority 78 not from fd00:18::/32 blackhole",
             "rule6 priority 78 not from fd00:18::/32 blackhole appeared"},
        Case{"address", "ip address add 198.18.1.77/24 dev eth0", "address 198.18.1.77/24 dev eth0 appeared"},
        Case{"address6", "ip address add fd00:18:1::77/64 dev eth0 nodad",
             "address fd00:18:1::77/64 dev eth0 appeared"},
        Case{"interface", "ip link add blackstart0 numtxqueues 1 type bridge",
             "interface blackstart0 appeared, ours"},
        Case{"qdisc", "tc qdisc add dev eth0 clsact", "qdisc dev eth0 clsact appeared"},
        Case{"root_qdisc", "tc qdisc add dev eth0 root tbf rate 10mbit burst 16k latency 50ms",
             "qdisc dev eth0 root changed"},
        Case{"table", "nft add table inet blackstart_left", "nft-table inet blackstart_left appeared, ours"},
        Case{"others_table", "nft add table bridge other", "nft-table bridge other appeared"}),
    [](const auto& test) { return test.param.name; });

TEST_F(InventoryTest, AFilterAndALinkBearTheNameOfTheirProgram) {
  proves("S8");
  NetnsSandbox::run("tc qdisc add dev eth0 clsact");
  const Snapshot before = take_here();
  {
    const CountingProgram program("blackstart_left");
    const auto filter = TcFilter::make(program.fd(), eth0(), Hook::kIngress);
    ASSERT_TRUE(filter) << filter.error().message();
    std::vector<TcxLink> links;
    if (has_tcx()) links.push_back(TcxLink::make(program.fd(), eth0(), Hook::kEgress).value());

    std::map<std::string, Change> by_kind;
    for (const Change& change : diff(before, take_here())) {
      EXPECT_TRUE(change.item.ours) << change.item.object;
      by_kind[change.item.kind] = change;
    }
    // The descriptors of this very process count: an agent that holds nothing leaks none.
    EXPECT_TRUE(by_kind.contains("bpf-program"));
    EXPECT_TRUE(by_kind.contains("bpf-map"));
    ASSERT_TRUE(by_kind.contains("tc-filter"));
    NetnsSandbox::run(by_kind["tc-filter"].item.remove);
    if (!links.empty()) {
      EXPECT_TRUE(by_kind.contains("bpf-link"));
      ASSERT_TRUE(by_kind.contains("tcx-program"));
      NetnsSandbox::run(by_kind["tcx-program"].item.remove);
      EXPECT_THAT(tcx_programs(eth0().index, Hook::kEgress), IsEmpty());
    }
  }
  EXPECT_THAT(texts(diff(before, take_here())), IsEmpty());
}

TEST_F(InventoryTest, AQdiscIsOursWhenTheJournalSaysSo) {
  NetnsSandbox::run("tc qdisc add dev eth0 clsact");
  EXPECT_THAT(residue_lines(take_here()), IsEmpty());
  contract::Step step;
  step.mutable_clsact_qdisc()->set_interface("eth0");
  scope_.steps.push_back(step);
  EXPECT_THAT(residue_lines(take_here()),
              ElementsAre("qdisc dev eth0 clsact; remove it with: ip netns exec bs-inventory-here tc qdisc "
                          "del dev eth0 clsact"));
}

TEST_F(InventoryTest, WhatCannotBeReadIsNotEmpty) {
  proves("S8,S15");
  const pid_t pid = ::fork();
  if (pid == 0) {  // another user, before whom a folder is closed
    const bool ready =
        ::unshare(CLONE_NEWNS) == 0 && ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
        ::mount("tmpfs", "/run", "tmpfs", 0, "mode=755") == 0 && ::mkdir("/run/systemd", 0755) == 0 &&
        ::mkdir("/run/systemd/system", 0700) == 0 && ::setuid(65534) == 0;
    if (!ready) ::_exit(2);
    const Snapshot seen = take({.machine = true, .bpf = Scope::Bpf::kNone, .only_named = true});
    ::_exit(seen.kinds.at("masked-unit").gap.empty() || seen.kinds.at("unit-drop-in").gap.empty() ? 1 : 0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST_F(InventoryTest, CgroupsAndStoppedProcesses) {
  proves("S8");
  const pid_t pid = sleeper();
  const auto frozen = Cgroup::at(std::string(kCgroup) + "/app").value();
  const auto ours = Cgroup::at(std::string(kCgroup) + "/blackstart-pressure").value();
  ASSERT_TRUE(frozen.create());
  const Snapshot before = take_here();

  ASSERT_TRUE(ours.create());
  std::ofstream(frozen.path() / "cgroup.freeze") << 1;
  ::kill(pid, SIGSTOP);
  ::waitpid(pid, nullptr, WUNTRACED);
  const auto changes = diff(before, take_here());
  EXPECT_THAT(texts(changes), ElementsAre("cgroup inventory-test/app appeared",
                                          "cgroup inventory-test/blackstart-pressure appeared, ours",
                                          "stopped-process pid " + std::to_string(pid) + " appeared"));
  for (const Change& change : changes) NetnsSandbox::run(change.item.remove);
  ::waitpid(pid, nullptr, WCONTINUED);
  EXPECT_THAT(texts(diff(before, take_here())), IsEmpty());
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

TEST_F(InventoryTest, WhatChangesByItselfIsNotSeen) {
  nft(R"(table inet other {
    counter seen { packets 0 bytes 0 }
    set fixed { type ipv4_addr; elements = { 198.18.2.11 }; }
    set recent { type ipv4_addr; flags dynamic, timeout; timeout 1m; }
    chain out {
      type filter hook output priority 0;
      ip daddr @fixed counter counter name seen quota over 1000 mbytes drop
      udp dport 9 add @recent { ip daddr }
    }
    })");
  const Snapshot before = take_here();
  for (int i = 0; i < 3; ++i) (void)ask_udp("198.18.2.11", std::chrono::milliseconds(1), 9);
  NetnsSandbox::run("ip neigh replace 198.18.1.99 lladdr 02:00:00:00:00:01 dev eth0");
  const std::string rules = shell("nft list ruleset").second;
  ASSERT_THAT(rules, AllOf(HasSubstr("packets 3"), ContainsRegex("198.18.2.11 (timeout 1m )?expires")));
  EXPECT_THAT(texts(diff(before, take_here())), IsEmpty());
}

TEST_F(InventoryTest, ATableIsWhatItsRulesAndElementsAre) {
  nft(R"(table inet other {
    set s { type ipv4_addr; flags interval; elements = { 198.18.2.0/24 }; }
    chain c { ip daddr @s counter accept; }
    })");
  const Snapshot before = take_here();
  for (const auto& [make, undo] : std::map<std::string, std::string>{
           {"nft add element inet other s '{ 198.18.3.0/24 }'",
            "nft delete element inet other s '{ 198.18.3.0/24 }'"},
           {"nft insert rule inet other c tcp dport 9 drop",
            "nft flush chain inet other c && nft add rule inet other c ip daddr @s counter accept"},
           {"nft add chain inet other more '{ type filter hook input priority 0; }'",
            "nft delete chain inet other more"},
           {"nft flush set inet other s", "nft add element inet other s '{ 198.18.2.0/24 }'"}}) {
    NetnsSandbox::run(make);
    EXPECT_THAT(texts(diff(before, take_here())), ElementsAre("nft-table inet other changed")) << make;
    NetnsSandbox::run(undo);
    EXPECT_THAT(texts(diff(before, take_here())), IsEmpty()) << undo;
  }
}

void add_routes(int count, const std::string& via) {
  {
    std::ofstream batch("/tmp/blackstart-inventory-routes");
    for (int i = 0; i < count; ++i)
      batch << "route add 198." << (i >> 16 ? 20 + (i >> 16) : 19) << "." << (i >> 8 & 255) << "."
            << (i & 255) << "/32 " << via << "\n";
  }
  NetnsSandbox::run("ip -batch /tmp/blackstart-inventory-routes; rm /tmp/blackstart-inventory-routes");
}

TEST_F(InventoryTest, ALongRoutingTableIsCountedNotKept) {
  add_routes(1000, "dev eth0 table 99");
  const auto timed = [&](const std::string& what) {
    const auto start = std::chrono::steady_clock::now();
    Snapshot snapshot = take_here();
    const auto took = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start);
    std::cout << what << ": " << took.count() << " ms, " << snapshot.items.size() << " items kept\n";
    return snapshot;
  };
  (void)timed("1,000 routes");
  NetnsSandbox::run("ip route flush table 99");
  add_routes(100'000, "dev eth0 table 99");
  const Snapshot before = timed("100,000 routes");
  EXPECT_LT(before.items.size(), 100u);
  EXPECT_THAT(diff(before, take_here()), IsEmpty());
  NetnsSandbox::run("ip route add 198.18.77.0/24 dev eth0");
  EXPECT_THAT(texts(diff(before, take_here())), ElementsAre("route all of them changed"));
  // As many as before, and others.
  NetnsSandbox::run("ip route del 198.19.0.7 dev eth0 table 99");
  EXPECT_THAT(texts(diff(before, take_here())), ElementsAre("route all of them changed"));
}

}  // namespace
}  // namespace blackstart::test
