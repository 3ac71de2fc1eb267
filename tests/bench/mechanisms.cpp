// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/mechanisms.h"

#include <filesystem>
#include <fstream>

namespace blackstart::bench {
namespace {

using Peers = std::vector<std::string>;

std::string ipset_file(const Peers& peers) {
  std::string out = "create bench hash:net maxelem 1000000\n";
  for (const std::string& peer : peers) out += "add bench " + peer + "\n";
  return out;
}

std::string iptables_file(const Peers& peers) {
  std::string out = "*filter\n";
  for (const std::string& peer : peers) {
    out += "-A OUTPUT -d " + peer + " -j DROP\n";
    out += "-A INPUT -s " + peer + " -j DROP\n";
  }
  return out + "COMMIT\n";
}

std::string nft_file(const Peers& peers) {
  std::string out = "table ip bench {\n set peers { type ipv4_addr; elements = { ";
  for (const std::string& peer : peers) out += peer + ", ";
  out += "} }\n chain out { type filter hook output priority 0; ip daddr @peers drop; }\n";
  return out + " chain in { type filter hook input priority 0; ip saddr @peers drop; }\n}\n";
}

std::string ip_rule_file(const Peers& peers) {
  std::string out;
  for (const std::string& peer : peers) out += "rule add blackhole to " + peer + "\n";
  return out;
}

bool installed(const std::string& tool) {
  for (const char* folder : {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"})
    if (std::filesystem::exists(std::filesystem::path(folder) / tool)) return true;
  return false;
}

}  // namespace

const std::vector<Mechanism>& mechanisms() {
  static const std::vector<Mechanism> all{
      {"ipset + iptables (Chaos Mesh, chaosd)",
       {"ipset", "iptables"},
       ipset_file,
       "ipset restore -file \"$1\" && iptables -A OUTPUT -m set --match-set bench dst -j DROP && "
       "iptables -A INPUT -m set --match-set bench src -j DROP",
       "ipset list bench | grep -c '^[0-9]'"},
      {"iptables rules (ChaosBlade, Jepsen)",
       {"iptables-restore"},
       iptables_file,
       "iptables-restore \"$1\"",
       "iptables-save | grep -c -e '-A OUTPUT'"},
      {"nft set",
       {"nft"},
       nft_file,
       "nft -f \"$1\"",
       "nft list set ip bench peers | tr ',' '\\n' | grep -cE '[0-9]+(\\.[0-9]+){3}'"},
      {"ip rule blackhole (Steadybit)",
       {"ip"},
       ip_rule_file,
       "ip -batch \"$1\"",
       "ip rule list | grep -c blackhole"},
  };
  return all;
}

std::string missing_tool(const Mechanism& mechanism) {
  for (const std::string& tool : mechanism.tools)
    if (!installed(tool)) return tool;
  return {};
}

std::vector<std::string> prepare(const Mechanism& mechanism, const Peers& peers, const std::string& folder) {
  const std::string path = folder + "/peers";
  std::ofstream(path) << mechanism.file(peers);
  return {"sh", "-c", mechanism.arm, "sh", path};
}

}  // namespace blackstart::bench
