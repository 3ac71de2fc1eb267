// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/traffic/leak_counter.h"

#include "agents/faults/traffic/nft_match.h"
#include "agents/faults/traffic/prefix_table.h"
#include "agents/faults/traffic/wire_match.h"

namespace blackstart {
namespace {

constexpr NftGate::Margin kMargin{.inside_ns = 20'000'000, .hearsay_ns = 1'000'000'000};
constexpr const char* kTable = "blackstart_leak";
constexpr const char* kWatch = "watch";  // the chain every interface's chain jumps to

std::string chain_of(size_t watch) {
  return "leak" + std::to_string(watch);
}

bool add_set(NftTable& table, const std::string& what, const PrefixTable& prefixes, bool v6) {
  return nft::add_set(table, what, v6, ranges(prefixes.compile(v6, 1), 1));
}

std::vector<NftGate::Window> windows(const contract::Order& order) {
  std::vector<NftGate::Window> out;
  for (const contract::LeakWatch& watch : order.leaks())
    out.push_back({static_cast<uint32_t>(out.size()), watch.start_ns(), watch.end_ns()});
  return out;
}

}  // namespace

LeakCounter::LeakCounter(NftTable table, const contract::Order& order)
    : table_(std::move(table)), gate_(table_, windows(order), kMargin) {}

Result<std::unique_ptr<LeakCounter>> LeakCounter::make(const contract::Order& order,
                                                       const std::vector<Interface>& present) {
  auto table = NftTable::make(kTable);
  if (!table) return tl::unexpected(table.error());
  std::unique_ptr<LeakCounter> out(new LeakCounter(std::move(*table), order));
  out->table_.add_chain(kWatch);
  if (auto ok = out->add_protection(order.protection()); !ok) return tl::unexpected(ok.error());
  for (const contract::LeakWatch& watch : order.leaks())
    if (auto ok = out->add_watch(watch); !ok) return tl::unexpected(ok.error());
  if (auto ok = out->sync(present); !ok) return tl::unexpected(ok.error());
  return out;
}

// What the classifier lets pass is no leak; the same things in the same words.
Result<> LeakCounter::add_protection(const contract::Protection& protection) {
  table_.add_rule(nft::neighbour_discovery(kWatch).leave());
  PrefixTable peers;
  if (auto ok = set_all(protection.peers(), 1, peers); !ok) return ok;
  for (const bool v6 : {false, true}) {
    if (!add_set(table_, "protected", peers, v6)) continue;
    NftRule rule(kWatch);
    nft::match_address(nft::match_family(rule, v6), nft::kSource, "protected", v6);
    table_.add_rule(rule.leave());
  }
  std::vector<traffic_port> all;
  for (const contract::PortMatch& match : protection.ports()) {
    const auto ports = expand(match);
    if (!ports) return tl::unexpected(ports.error());
    all.insert(all.end(), ports->begin(), ports->end());
  }
  for (const traffic_port& port : all) {
    NftRule rule(kWatch);
    table_.add_rule(nft::match_port(rule, port, Hook::kIngress).leave());
  }
  for (const uint8_t protocol : nft::protocols_of(all))
    for (const bool v6 : {false, true}) table_.add_rule(nft::later_fragment(kWatch, protocol, v6).leave());
  return {};
}

Result<> LeakCounter::add_watch(const contract::LeakWatch& watch) {
  const std::string chain = chain_of(watches_.size());
  PrefixTable sources, destinations;
  if (auto ok = set_all(watch.sources(), 1, sources); !ok) return ok;
  if (auto ok = clear_all(watch.sources_except(), 1, sources); !ok) return ok;
  if (auto ok = set_all(watch.destinations(), 1, destinations); !ok) return ok;

  table_.add_chain(chain);
  if (watch.answered())
    for (NftRule& rule : nft::answers(chain)) table_.add_rule(rule.leave());
  if (watch.ports().empty()) table_.add_rule(NftRule(chain).count());
  for (const contract::PortMatch& match : watch.ports()) {
    const auto ports = expand(match);
    if (!ports) return tl::unexpected(ports.error());
    for (const traffic_port& port : *ports) {
      NftRule rule(chain);
      table_.add_rule(nft::match_port(rule, port, Hook::kIngress).count().leave());
    }
  }
  for (const bool v6 : {false, true}) {
    if (!add_set(table_, chain + "_from", sources, v6)) continue;
    if (!watch.destinations().empty() && !add_set(table_, chain + "_to", destinations, v6)) continue;
    NftRule rule(kWatch);
    rule.number_in_set(static_cast<uint32_t>(watches_.size()), NftGate::kSet);
    nft::match_address(nft::match_family(rule, v6), nft::kSource, chain + "_from", v6);
    if (!watch.destinations().empty()) nft::match_address(rule, nft::kDestination, chain + "_to", v6);
    table_.add_rule(rule.jump(chain));
  }

  contract::LeakReport& report = watches_.emplace_back();
  report.set_fault(watch.fault());
  report.set_src_site(watch.src_site());
  report.set_dst_site(watch.dst_site());
  return {};
}

// Without a lease: whoever reads the counts knows when it lapsed.
Result<> LeakCounter::fire(int64_t t0, int64_t horizon) {
  return gate_.fire(t0, {INT64_MAX, horizon});
}

Result<> LeakCounter::widen(int64_t horizon) {
  return gate_.renew({INT64_MAX, horizon});
}

Result<> LeakCounter::sync(const std::vector<Interface>& present) {
  std::set<int> now;
  for (const Interface& interface : present) {
    // A port's packets come again at its bridge or bond.
    if (interface.loopback || interface.enslaved) continue;
    now.insert(interface.index);
    if (interfaces_.count(interface.index)) continue;
    const std::string chain = "in" + std::to_string(interface.index);
    table_.add_device_chain(chain, interface.name, Hook::kIngress, 0);
    table_.add_rule(NftRule(chain).jump(kWatch));
  }
  if (auto ok = table_.commit(); !ok) return ok;
  interfaces_ = std::move(now);
  return {};
}

Result<std::vector<contract::LeakReport>> LeakCounter::collect() {
  const auto counts = table_.counts();
  if (!counts) return tl::unexpected(counts.error());
  std::vector<contract::LeakReport> out;
  for (size_t i = 0; i < watches_.size(); ++i) {
    uint64_t packets = 0;
    if (const auto found = counts->find(chain_of(i)); found != counts->end())
      for (const NftTable::Count& count : found->second) packets += count.packets;
    out.push_back(watches_[i]);
    out.back().set_packets(packets);
  }
  return out;
}

}  // namespace blackstart
