// SPDX-License-Identifier: Apache-2.0
// Hosts as network namespaces around a router, named from the test, gone before and after:
//
//   here (198.18.1.11, fd00:18:1::11) ── router ── there (198.18.2.11, fd00:18:2::11)
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
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
    std::string added;
    for (const char* host : kHosts) added += "netns add " + netns(host) + "\n";
    ip("", added);
    for (const char* host : kHosts) {
      // Addresses work at once, link-local ones too.
      set(host, "ipv6/conf/default/accept_dad", "0");
      set(host, "ipv6/conf/default/dad_transmits", "0");
    }
    set("router", "ipv4/ip_forward", "1");
    set("router", "ipv6/conf/all/forwarding", "1");
    ip("router", "link set lo up\n" + side_of_router("here", "1") + side_of_router("there", "2"));
    ip("here", side_of_host("1"));
    ip("there", side_of_host("2"));
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
  static constexpr std::array kHosts{"here", "there", "router"};

  // Many commands of ip by one process: where processes are slow to start, that is most of a test.
  void ip(const std::string& host, const std::string& lines) const {
    run("ip " + (host.empty() ? "" : "-n " + netns(host)) + " -batch - <<'END'\n" + lines + "END\n");
  }
  void set(const std::string& host, const std::string& sysctl, const std::string& value) const {
    const auto inside = enter(host);
    if (!(std::ofstream("/proc/sys/net/" + sysctl) << value << std::flush))
      throw std::runtime_error("write " + sysctl);
  }
  [[nodiscard]] std::string side_of_router(const std::string& host, const std::string& site) const {
    const std::string device = "site" + site;
    return "link add " + device + " type veth peer name eth0 netns " + netns(host) + "\naddr add 198.18." +
           site + ".1/24 dev " + device + "\naddr add fd00:18:" + site + "::1/64 dev " + device +
           " nodad\nlink set " + device + " up\n";
  }
  [[nodiscard]] static std::string side_of_host(const std::string& site) {
    return "link set lo up\naddr add 198.18." + site + ".11/24 dev eth0\naddr add fd00:18:" + site +
           "::11/64 dev eth0 nodad\nlink set eth0 up\nroute add default via 198.18." + site +
           ".1\nroute add default via fd00:18:" + site + "::1\n";
  }
  void remove() const {
    std::string lines;
    for (const char* host : kHosts)
      if (std::filesystem::exists("/run/netns/" + netns(host))) lines += "netns del " + netns(host) + "\n";
    if (!lines.empty()) ip("", lines);
  }

  std::string name_;
};

}  // namespace blackstart::test
