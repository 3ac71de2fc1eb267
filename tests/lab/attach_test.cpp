// SPDX-License-Identifier: Apache-2.0
// Hosts that somebody else started are drilled as they stand, and stay as they were: two named network
// namespaces and a process, joined by a router, all made here and not by a lab.
#include <gmock/gmock.h>

#include <algorithm>
#include <memory>
#include <set>
#include <sstream>
#include <thread>

#include "tests/lab/own_lab.h"
#include "tests/support/netns_sandbox.h"
#include "tests/support/promise.h"

namespace blackstart {
namespace {

using test::NetnsSandbox;
using test::shell;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

// here (Pangyo) and there (Anyang) are the sandbox's; the phone is a process without a name.
class AttachTest : public OwnLab {
 protected:
  void SetUp() override {
    OwnLab::SetUp();
    if (folder_.empty()) return;
    hosts_ = std::make_unique<NetnsSandbox>(kLab);
    phone_ = std::make_unique<RunningCommand>(std::vector<std::string>{"unshare", "-n", "sleep", "600"});
    const std::string pid = std::to_string(phone_->pid()), router = hosts_->netns("router");
    ASSERT_TRUE(wait_for([&] { return fs::read_symlink("/proc/" + pid + "/ns/net") != own_netns(); }));
    const std::string in_phone = "nsenter --net=/proc/" + pid + "/ns/net ";
    NetnsSandbox::run("ip -n " + router + " link add site9 type veth peer name eth0 netns " + pid +
                      "; ip -n " + router + " addr add 198.18.9.1/24 dev site9; ip -n " + router +
                      " link set site9 up; " + in_phone + "ip link set lo up; " + in_phone +
                      "sysctl -qw net.ipv6.conf.eth0.accept_dad=0 net.ipv6.conf.eth0.dad_transmits=0; " +
                      in_phone + "ip addr add 198.18.9.11/24 dev eth0; " + in_phone +
                      "ip link set eth0 up; " + in_phone + "ip route add default via 198.18.9.1");
    ASSERT_TRUE(wait_for([&] {
      const std::string now = everything();
      return now.find("NO-CARRIER") == std::string::npos && now.find("tentative") == std::string::npos;
    }));
  }
  void TearDown() override {
    if (folder_.empty()) return;
    (void)run_command({kBin + "blackstart", "lab", "down", kLab}, 30s);
    for (auto& service : services_) service->send(SIGTERM);
    services_.clear();
    phone_.reset();
    hosts_.reset();
    OwnLab::TearDown();
  }

  static fs::path own_netns() { return fs::read_symlink("/proc/self/ns/net"); }
  template <typename Done>
  static bool wait_for(const Done& done) {
    for (int i = 0; i < 100; ++i) {
      if (done()) return true;
      std::this_thread::sleep_for(50ms);
    }
    return false;
  }

  // `phone` is how the third host is attached, and `address` the address it should have.
  std::string topology(const std::string& phone, const std::string& address = "198.18.9.11") const {
    const std::string path = folder_ + "/topology.yaml";
    std::ofstream(path)
        << "apiVersion: blackstart/v1\nkind: Topology\nmetadata: {name: " << kLab
        << "}\nspec:\n  sites:\n"
           "    pangyo: {prefixes: [198.18.1.0/24]}\n"
           "    anyang: {prefixes: [198.18.2.0/24]}\n"
           "    users:  {prefixes: [198.18.9.0/24], outside: true}\n"
           "  hosts:\n"
           "    pangyo-1: {site: pangyo, address: 198.18.1.11, attach: {netns: "
        << hosts_->netns("here")
        << "}}\n    anyang-1: {site: anyang, address: 198.18.2.11, attach: {netns: /run/netns/"
        << hosts_->netns("there") << "}}\n    phone-1:  {site: users, address: " << address << ", attach: {"
        << phone
        << "}}\n  services:\n"
           "    news:\n      role: app\n      instances: [{host: pangyo-1, port: 8081}, {host: "
           "anyang-1, port: 8081}]\n      check: {http: {path: /, status: 200}}\n";
    return path;
  }
  std::string by_pid() const { return "pid: " + std::to_string(phone_->pid()); }

  CommandResult up(const std::string& file, const std::string& search_path = "") const {
    std::vector<std::string> argv{kBin + "blackstart", "lab", "up", file};
    if (!search_path.empty()) argv.insert(argv.begin(), {"/usr/bin/env", "PATH=" + search_path});
    return run_command(argv, 60s);
  }

  // Everything of the three hosts and the router that a drill could have changed.
  std::string everything() const {
    std::string all;
    for (const std::string& netns :
         {"/run/netns/" + hosts_->netns("here"), "/run/netns/" + hosts_->netns("there"),
          "/run/netns/" + hosts_->netns("router"), "/proc/" + std::to_string(phone_->pid()) + "/ns/net"})
      all +=
          netns + "\n" +
          shell("nsenter --net=" + netns +
                " sh -c 'nft list ruleset; ip address; ip route show table all; ip -6 route show table all; "
                "ip rule; tc qdisc; tc filter show dev eth0 ingress; tc filter show dev eth0 egress; "
                "bpftool net; ss -Hltnp; sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding'")
              .second;
    return all + shell("ip netns list").second;
  }

  // Lines that stand in one of them only.
  static std::string changed(const std::string& before, const std::string& after) {
    const auto lines = [](const std::string& text) {
      std::istringstream in(text);
      std::multiset<std::string> all;
      for (std::string line; std::getline(in, line);) all.insert(line);
      return all;
    };
    std::vector<std::string> one_sided;
    const auto was = lines(before), is = lines(after);
    std::set_symmetric_difference(was.begin(), was.end(), is.begin(), is.end(),
                                  std::back_inserter(one_sided));
    std::string text = before == after || !one_sided.empty() ? "" : "another order";
    for (const std::string& line : one_sided) text += line + "\n";
    return text;
  }

  void serve(const std::string& host) {
    services_.push_back(std::make_unique<RunningCommand>(
        std::vector<std::string>{"nsenter", "--net=/run/netns/" + hosts_->netns(host),
                                 kBin + "sample-service", "--name", "news", "--listen", "[::]:8081"}));
  }
  [[nodiscard]] bool phone_reaches(const std::string& url) const {
    return run_command({"nsenter", "--net=/proc/" + std::to_string(phone_->pid()) + "/ns/net", "curl", "-fsS",
                        "-m", "1", "--noproxy", "*", "-o", "/dev/null", url},
                       10s)
               .exit_code == 0;
  }

  std::unique_ptr<NetnsSandbox> hosts_;
  std::unique_ptr<RunningCommand> phone_;
  std::vector<std::unique_ptr<RunningCommand>> services_;
};

TEST_F(AttachTest, ADrillOnHostsSomebodyElseStartedLeavesThemAsTheyWere) {
  proves("S8");
  serve("here");
  serve("there");
  const std::string pangyo = "http://198.18.1.11:8081/", anyang = "http://198.18.2.11:8081/";
  ASSERT_TRUE(wait_for([&] { return phone_reaches(pangyo) && phone_reaches(anyang); }));
  const std::string before = everything();

  const std::string file = topology(by_pid());
  const auto made = up(file);
  ASSERT_EQ(made.exit_code, 0) << made.out << made.err;
  const std::string experiment = saved(R"(
apiVersion: blackstart/v1
kind: Experiment
metadata: {name: attached, summary: a short cut}
spec:
  steadyState:
    for: 1s
    probes:
      - {name: near, from: phone-1, every: 200ms, timeout: 2s, http: {url: "http://anyang-1:8081/", status: 200}}
      - {name: far, from: phone-1, every: 200ms, timeout: 900ms, http: {url: "http://198.18.1.11:8081/", status: 200}}
  timeline: [{at: 0s, fault: site-blackhole, site: pangyo, for: 5s}]
  hypothesis: [{probe: near, successRatio: ">= 99%", over: 1s, within: 2s}]
  recovery: {watch: 2s}
)");
  const auto result = run_command(command(experiment, file, {"--ci"}));
  const json outcome = parsed(result);
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  EXPECT_EQ(outcome["verdict"], "pass");
  EXPECT_GT(outcome["faults"][0]["packets"]["dropped"], 0);
  EXPECT_EQ(outcome["faults"][0]["packets"]["leaked"], 0);
  EXPECT_LT(outcome["probes"]["far"]["during"], 0.5);
  EXPECT_EQ(outcome["services"]["news"]["predicted"], "degraded");
  EXPECT_EQ(outcome["services"]["news"]["observed"], "degraded");
  EXPECT_THAT(outcome["residue"], IsEmpty());
  EXPECT_THAT(outcome["changes"], IsEmpty()) << outcome["changes"];
  EXPECT_TRUE(phone_reaches(pangyo));

  const auto down = run_command({kBin + "blackstart", "lab", "down", kLab}, 30s);
  EXPECT_EQ(down.exit_code, 0) << down.err;
  EXPECT_EQ(changed(before, everything()), "");
  EXPECT_FALSE(fs::exists("/run/blackstart/lab/" + kLab));
}

TEST_F(AttachTest, WhatDoesNotFitIsSaidWithItsLineAndNothingIsStarted) {
  const std::string before = everything();
  const auto wrong = up(topology(by_pid(), "198.18.9.12"));
  EXPECT_EQ(wrong.exit_code, 4);
  EXPECT_THAT(wrong.err, AllOf(HasSubstr("topology.yaml:12:"),
                               HasSubstr("no interface there has 198.18.9.12"), HasSubstr("198.18.9.11")));
  EXPECT_EQ(up(topology("netns: /etc/hostname")).exit_code, 4);
  EXPECT_EQ(up(topology("netns: bs-attach-test-nobody")).exit_code, 4);
  const auto twice = up(topology("netns: " + hosts_->netns("here")));
  EXPECT_EQ(twice.exit_code, 4);
  const auto own = up(topology("pid: " + std::to_string(getpid())));
  EXPECT_EQ(own.exit_code, 6) << own.err;
  EXPECT_THAT(own.err, HasSubstr("the machine's own network"));
  EXPECT_EQ(changed(before, everything()), "");
  EXPECT_FALSE(fs::exists("/run/blackstart/lab/" + kLab));
}

TEST_F(AttachTest, AContainerIsAskedForByName) {
  const auto nobody = up(topology("container: phone"), folder_);
  EXPECT_EQ(nobody.exit_code, 5);
  EXPECT_THAT(nobody.err, HasSubstr("docker.io, podman"));

  // Stands in for podman where only its answer matters.
  std::ofstream(folder_ + "/podman")
      << "#!/bin/sh\n[ \"$1 $2 $4 $5\" = 'inspect --format -- phone' ] && echo " << phone_->pid() << "\n";
  fs::permissions(folder_ + "/podman", fs::perms::owner_all);
  const auto made = up(topology("container: phone"), folder_);
  EXPECT_EQ(made.exit_code, 0) << made.err;
  const auto stopped = up(topology("container: other"), folder_);
  EXPECT_EQ(stopped.exit_code, 4);
  EXPECT_THAT(stopped.err, HasSubstr("podman inspect other"));
}

TEST_F(AttachTest, AHostThatIsGoneIsNotMistakenForTheNextOne) {
  const std::string file = topology(by_pid());
  ASSERT_EQ(up(file).exit_code, 0);
  EXPECT_EQ(on("phone-1", {"true"}).exit_code, 0);
  phone_.reset();
  const auto gone = on("phone-1", {"true"});
  EXPECT_EQ(gone.exit_code, 4);
  EXPECT_THAT(gone.err, HasSubstr("what it was attached to is gone"));
  const auto again = up(file);
  EXPECT_EQ(again.exit_code, 4);
  EXPECT_THAT(again.err, HasSubstr("is it still running?"));
  EXPECT_EQ(run_command({kBin + "blackstart", "lab", "down", file}, 30s).exit_code, 0);
}

TEST_F(AttachTest, OnlyRootAttaches) {
  const std::string file = topology(by_pid());
  fs::permissions(folder_, fs::perms::owner_all | fs::perms::others_read | fs::perms::others_exec);
  const auto refused = run_command({"setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                                    kBin + "blackstart", "lab", "up", file},
                                   10s);
  EXPECT_EQ(refused.exit_code, 5) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("run it with sudo"));
}

TEST_F(AttachTest, AContainerOfDocker) {
  if (run_command({"docker", "info"}, 10s).exit_code != 0) GTEST_SKIP() << "no Docker daemon answers here";
  const std::string name = "bs-attach-test";
  // Whatever image is here already: nothing is downloaded.
  const std::string image = shell("docker image ls -q | head -1").second;
  if (image.empty()) GTEST_SKIP() << "Docker has no image here";
  const auto ran = run_command({"docker", "run", "--rm", "-d", "--name", name, "--entrypoint", "sleep",
                                image.substr(0, image.find('\n')), "120"});
  if (ran.exit_code != 0) GTEST_SKIP() << "Docker starts no container here: " << ran.err;
  // Its address is not the topology's, which only somebody who looked inside can say.
  const auto wrong = up(topology("container: " + name));
  EXPECT_EQ(wrong.exit_code, 4);
  EXPECT_THAT(wrong.err, HasSubstr("no interface there has 198.18.9.11"));
  EXPECT_EQ(run_command({"docker", "rm", "-f", name}, 30s).exit_code, 0);
}

}  // namespace
}  // namespace blackstart
