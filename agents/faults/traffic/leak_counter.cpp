// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/traffic/leak_counter.h"

#include <linux/if_ether.h>
#include <netinet/in.h>

#include <algorithm>

#include "agents/contract/units.h"
#include "agents/faults/traffic/prefix_table.h"
#include "agents/faults/traffic/wire_match.h"

namespace blackstart {
namespace {

constexpr int64_t kSettleNs = 20'000'000;
constexpr int64_t kHearsayNs = 1'000'000'000;
constexpr const char* kTable = "blackstart_leak";
constexpr const char* kWatch = "watch";  // the chain every interface's chain jumps to

using Header = NftRule::Header;
using Test = NftRule::Test;

struct AddressAt {
  uint32_t v4, v6;
};
constexpr AddressAt kSource{12, 8};
constexpr AddressAt kDestination{16, 24};

std::string set_name(const std::string& what, bool v6) {
  return what + (v6 ? "_v6" : "_v4");
}
std::string chain_of(size_t watch) {
  return "leak" + std::to_string(watch);
}

// Adds the set unless it would be empty; says whether it did.
bool add_set(NftTable& table, const std::string& what, const PrefixTable& prefixes, bool v6) {
  std::vector<NftTable::Range> out;
  for (const AddressRange& range : ranges(prefixes.compile(v6, 1), 1))
    out.push_back({range.first, range.last});
  if (!out.empty()) table.add_set(set_name(what, v6), v6, out);
  return !out.empty();
}

NftRule& match_address(NftRule& rule, AddressAt at, const std::string& what, bool v6) {
  return rule.load(Header::kNetwork, v6 ? at.v6 : at.v4, v6 ? 16 : 4).in_set(set_name(what, v6));
}

NftRule& match_port(NftRule& rule, const traffic_port& port) {
  return rule.upper_protocol(port.protocol)
      .load(Header::kTransport, port.side == TRAFFIC_LOCAL ? 2 : 0, 2)
      .test16(Test::kEqual, port.port);
}

}  // namespace

Result<LeakCounter> LeakCounter::make(const contract::Order& order, const std::vector<Interface>& present) {
  auto table = NftTable::make(kTable);
  if (!table) return tl::unexpected(table.error());
  LeakCounter out(std::move(*table));
  out.table_.add_chain(kWatch);
  if (auto ok = out.add_protection(order.protection()); !ok) return tl::unexpected(ok.error());
  for (const contract::LeakWatch& watch : order.leaks())
    if (auto ok = out.add_watch(watch); !ok) return tl::unexpected(ok.error());
  if (auto ok = out.sync(present); !ok) return tl::unexpected(ok.error());
  return out;
}

// What the classifier lets pass is no leak; the same things in the same words.
Result<> LeakCounter::add_protection(const contract::Protection& protection) {
  table_.add_rule(NftRule(kWatch)
                      .protocol(ETH_P_IPV6)
                      .upper_protocol(IPPROTO_ICMPV6)
                      .load(Header::kTransport, 0, 1)
                      .test8(Test::kAtLeast, 133)
                      .test8(Test::kAtMost, 137)
                      .leave());
  PrefixTable peers;
  if (auto ok = set_all(protection.peers(), 1, peers); !ok) return ok;
  for (const bool v6 : {false, true}) {
    if (!add_set(table_, "protected", peers, v6)) continue;
    NftRule rule(kWatch);
    rule.protocol(v6 ? ETH_P_IPV6 : ETH_P_IP);
    table_.add_rule(match_address(rule, kSource, "protected", v6).leave());
  }
  std::set<uint8_t> protocols;
  for (const contract::PortMatch& match : protection.ports()) {
    const auto ports = expand(match);
    if (!ports) return tl::unexpected(ports.error());
    for (const traffic_port& port : *ports) {
      protocols.insert(port.protocol);
      NftRule rule(kWatch);
      table_.add_rule(match_port(rule, port).leave());
    }
  }
  for (const uint8_t protocol : protocols) {
    table_.add_rule(NftRule(kWatch)
                        .protocol(ETH_P_IP)
                        .upper_protocol(protocol)
                        .load(Header::kNetwork, 6, 2)
                        .mask16(0x1fff)
                        .test16(Test::kNotEqual, 0)
                        .leave());
    table_.add_rule(NftRule(kWatch)
                        .protocol(ETH_P_IPV6)
                        .upper_protocol(protocol)
                        .load_extension(IPPROTO_FRAGMENT, 2, 2)
                        .mask16(0xfff8)
                        .test16(Test::kNotEqual, 0)
                        .leave());
  }
  return {};
}

Result<> LeakCounter::add_watch(const contract::LeakWatch& watch) {
  const std::string chain = chain_of(watches_.size());
  Watch out{};
  out.report.set_fault(watch.fault());
  out.report.set_src_site(watch.src_site());
  out.report.set_dst_site(watch.dst_site());
  out.start_ns = watch.start_ns();
  out.end_ns = watch.end_ns();

  PrefixTable sources, destinations;
  if (auto ok = set_all(watch.sources(), 1, sources); !ok) return ok;
  if (auto ok = clear_all(watch.sources_except(), 1, sources); !ok) return ok;
  if (auto ok = set_all(watch.destinations(), 1, destinations); !ok) return ok;
  out.sources_v4 = add_set(table_, chain + "_from", sources, false);
  out.sources_v6 = add_set(table_, chain + "_from", sources, true);
  out.any_destination = watch.destinations().empty();
  out.destinations_v4 = add_set(table_, chain + "_to", destinations, false);
  out.destinations_v6 = add_set(table_, chain + "_to", destinations, true);

  table_.add_chain(chain);
  if (watch.ports().empty()) table_.add_rule(NftRule(chain).count());
  for (const contract::PortMatch& match : watch.ports()) {
    const auto ports = expand(match);
    if (!ports) return tl::unexpected(ports.error());
    for (const traffic_port& port : *ports) {
      NftRule rule(chain);
      table_.add_rule(match_port(rule, port).count().leave());
    }
  }
  watches_.push_back(std::move(out));
  return {};
}

Result<> LeakCounter::fire(int64_t t0, int64_t horizon) {
  t0_ = t0;
  return count_from(t0 + kSettleNs, horizon);
}

// Others hear of a later horizon at their own moment.
Result<> LeakCounter::widen(int64_t horizon) {
  return count_from(monotonic_now() + kHearsayNs, horizon);
}

Result<> LeakCounter::count_from(int64_t earliest, int64_t horizon) {
  for (size_t i = 0; i < watches_.size(); ++i) {
    const Watch& watch = watches_[i];
    if (watch.counting || watch.start_ns >= horizon) continue;
    const int64_t from = std::max(earliest, t0_ + watch.start_ns + kSettleNs);
    for (const bool v6 : {false, true}) {
      if (!(v6 ? watch.sources_v6 : watch.sources_v4)) continue;
      if (!watch.any_destination && !(v6 ? watch.destinations_v6 : watch.destinations_v4)) continue;
      NftRule rule(kWatch);
      rule.protocol(v6 ? ETH_P_IPV6 : ETH_P_IP).between(unix_at(from), unix_at(t0_ + watch.end_ns));
      match_address(rule, kSource, chain_of(i) + "_from", v6);
      if (!watch.any_destination) match_address(rule, kDestination, chain_of(i) + "_to", v6);
      table_.add_rule(rule.jump(chain_of(i)));
    }
  }
  if (auto ok = table_.commit(); !ok) return ok;
  for (Watch& watch : watches_) watch.counting = watch.counting || watch.start_ns < horizon;
  return {};
}

Result<> LeakCounter::sync(const std::vector<Interface>& present) {
  std::set<int> now;
  for (const Interface& interface : present) {
    // A port's packets come again at its bridge or bond.
    if (interface.loopback || interface.enslaved) continue;
    now.insert(interface.index);
    if (interfaces_.count(interface.index)) continue;
    const std::string chain = "in" + std::to_string(interface.index);
    table_.add_ingress_chain(chain, interface.name);
    table_.add_rule(NftRule(chain).jump(kWatch));
  }
  if (auto ok = table_.commit(); !ok) return ok;
  interfaces_ = std::move(now);
  return {};
}

Result<std::vector<contract::LeakReport>> LeakCounter::collect() {
  const auto packets = table_.packets();
  if (!packets) return tl::unexpected(packets.error());
  std::vector<contract::LeakReport> out;
  for (size_t i = 0; i < watches_.size(); ++i) {
    out.push_back(watches_[i].report);
    const auto found = packets->find(chain_of(i));
    out.back().set_packets(found == packets->end() ? 0 : found->second);
  }
  return out;
}

}  // namespace blackstart
