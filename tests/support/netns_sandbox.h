// SPDX-License-Identifier: Apache-2.0
// Hosts as network namespaces around a router, named from the test, gone before and after:
//
//   here (198.18.1.11, fd00:18:1::11) ── router ── there (198.18.2.11, fd00:18:2::11)
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "agents/kernel/netns.h"

namespace blackstart::test {

// Output of a command and whether it exited with 0.
inline std::pair<bool, std::string> shell(const std::string& command) {
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "re");
  std::string out;
  std::array<char, 4096> buffer;
  while (const size_t got = ::fread(buffer.data(), 1, buffer.size(), pipe)) out.append(buffer.data(), got);
  return {::pclose(pipe) == 0, out};
}

class NetnsSandbox {
 public:
  explicit NetnsSandbox(const std::string& name) : name_(name) {
    remove();
    for (const char* host : {"here", "there", "router"}) {
      run("ip netns add " + netns(host));
      run("ip -n " + netns(host) + " link set lo up");
      // Addresses work at once, link-local ones too.
      in(host, "sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.dad_transmits=0");
    }
    join("here", 1);
    join("there", 2);
    in("router", "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
  }
  ~NetnsSandbox() { remove(); }
  NetnsSandbox(const NetnsSandbox&) = delete;
  NetnsSandbox& operator=(const NetnsSandbox&) = delete;

  [[nodiscard]] std::string netns(const std::string& host) const { return "bs-" + name_ + "-" + host; }
  [[nodiscard]] NetnsScope enter(const std::string& host) const {
    return NetnsScope::enter(netns(host)).value();
  }

  // What the kernel holds that a datapath could have left, as text.
  [[nodiscard]] std::string inventory(const std::string& host) const {
    const auto inside = enter(host);
    return shell("exec 2>/dev/null; ip netns list | grep -F bs-" + name_ +
                 "; ip -o link | cut -d: -f1,2; tc qdisc; nft list ruleset;"
                 " for i in $(ls /proc/sys/net/ipv4/conf); do tc filter show dev $i ingress; tc filter show "
                 "dev $i egress; done;"
                 " bpftool net; true")
        .second;
  }
  static void run(const std::string& command) {
    const auto [ok, output] = shell(command);
    if (!ok) throw std::runtime_error(command + ": " + output);
  }

 private:
  void in(const std::string& host, const std::string& command) const {
    const auto inside = enter(host);
    run(command);
  }
  void join(const std::string& host, int site) const {
    const std::string n = std::to_string(site), ns = netns(host), router = netns("router");
    run("ip -n " + ns + " link add eth0 type veth peer name site" + n + " netns " + router);
    run("ip -n " + ns + " addr add 198.18." + n + ".11/24 dev eth0");
    run("ip -n " + ns + " addr add fd00:18:" + n + "::11/64 dev eth0 nodad");
    run("ip -n " + router + " addr add 198.18." + n + ".1/24 dev site" + n);
    run("ip -n " + router + " addr add fd00:18:" + n + "::1/64 dev site" + n + " nodad");
    run("ip -n " + router + " link set site" + n + " up");
    run("ip -n " + ns + " link set eth0 up");
    run("ip -n " + ns + " route add default via 198.18." + n + ".1");
    run("ip -n " + ns + " route add default via fd00:18:" + n + "::1");
  }
  void remove() const {
    for (const char* host : {"here", "there", "router"})
      (void)shell("ip netns list | grep -qw " + netns(host) + " && ip netns del " + netns(host));
  }

  std::string name_;
};

}  // namespace blackstart::test
