// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/traffic/nft_rules.h"

#include <netinet/in.h>

#include <set>

#include "agents/contract/units.h"
#include "agents/faults/traffic/nft_gate.h"
#include "agents/faults/traffic/nft_match.h"
#include "agents/faults/traffic/wire_match.h"

namespace blackstart {
namespace {

// The first and the last packet of a fault stand in sets the kernel dates by their time left.
constexpr const char* kFirst = "first";
constexpr const char* kLast = "last";
constexpr uint64_t kKeptMs = 48ULL * 3600 * 1000;  // longer than any fault and its report

constexpr const char* kProtected = "protected";
constexpr const char* kSpared = "_spared";  // behind the name of a direction's chain
constexpr const char* kDoomedTest = "test_doomed";
constexpr const char* kSparedTest = "test_spared";

std::string rule_set(uint32_t rule) {
  return "rule" + std::to_string(rule);
}
std::string site_set(size_t site) {
  return "site" + std::to_string(site);
}
std::string answer_chain(contract::Manner manner) {
  return "answer" + std::to_string(manner);
}
std::string ending(uint32_t fault, Hook hook, traffic_verdict verdict) {
  return "fault" + std::to_string(fault) + "_" + name(hook) + (verdict == TRAFFIC_DROP ? "_end" : kSpared);
}

NftRule::Answer answer_to(contract::Manner manner) {
  if (manner == contract::MANNER_UNREACHABLE) return NftRule::Answer::kHostUnreachable;
  if (manner == contract::MANNER_DENY) return NftRule::Answer::kProhibited;
  return NftRule::Answer::kPortUnreachable;
}

}  // namespace

class NftRulesBuilder {
 public:
  NftRulesBuilder(const contract::Order& order, const OrderRules& rules, NftRules::Own own, NftTable& table)
      : order_(order), rules_(rules), answering_(own == NftRules::Own::kAnswering), table_(table) {}

  Result<NftRules> build() {
    out_.config_ = rules_.config;
    if (auto ok = add_sets(); !ok) return tl::unexpected(ok.error());
    table_.add_timed_set(kFirst, true);
    table_.add_timed_set(kLast, true);
    if (answering_) add_answers();
    for (const char* chain : {kDoomedTest, kSparedTest}) {
      table_.add_chain(chain);
      table_.add_rule(NftRule(chain).count().drop());
    }
    for (const Hook hook : kHooks) add_direction(hook);
    return std::move(out_);
  }

 private:
  // The entries of one address family that have any of the bits.
  [[nodiscard]] bool add_set(const std::string& what, bool v6, const std::vector<AddressRange>& all) {
    const bool added = nft::add_set(table_, what, v6, all);
    if (added) sets_.insert(nft::set_name(what, v6));
    return added;
  }
  [[nodiscard]] bool has(const std::string& what, bool v6) const {
    return sets_.contains(nft::set_name(what, v6));
  }

  Result<> add_sets() {
    for (const bool v6 : {false, true}) {
      const auto& peers = v6 ? rules_.peers_v6 : rules_.peers_v4;
      for (uint32_t i = 1; i <= rules_.config.rules; ++i)
        (void)add_set(rule_set(i), v6, ranges(peers, uint64_t{1} << i));
      (void)add_set(kProtected, v6, ranges(peers, TRAFFIC_PROTECTED));
    }
    for (int site = 0; site < order_.sites_size(); ++site) {
      PrefixTable prefixes;
      for (int other = 0; other < order_.sites_size(); ++other) {
        const auto& list = order_.sites(other).prefixes();
        if (auto ok = other == site ? set_all(list, 1, prefixes) : clear_all(list, 1, prefixes); !ok)
          return ok;
      }
      for (const bool v6 : {false, true})
        (void)add_set(site_set(static_cast<size_t>(site) + 1), v6, ranges(prefixes.compile(v6, 1), 1));
    }
    return {};
  }

  void add_answers() {
    std::set<contract::Manner> manners;
    for (const contract::Fault& fault : order_.faults()) manners.insert(fault.manner());
    for (const contract::Manner manner : manners) {
      const std::string chain = answer_chain(manner);
      table_.add_chain(chain);
      if (manner == contract::MANNER_RESET)
        table_.add_rule(NftRule(chain).upper_protocol(IPPROTO_TCP).reject(NftRule::Answer::kReset));
      table_.add_rule(NftRule(chain).reject(answer_to(manner)));
    }
  }

  void add_direction(Hook hook) {
    const std::string chain = NftRules::chain(hook), spared = chain + kSpared;
    table_.add_chain(spared);
    add_self_test(hook, spared, kSparedTest);
    add_rules(hook, spared, TRAFFIC_PASS);
    table_.add_rule(NftRule(spared).accept());

    table_.add_chain(chain);
    // What we answer to a packet that came has to get back.
    if (answering_ && hook == Hook::kEgress)
      for (NftRule& rule : nft::answers(chain)) table_.add_rule(rule.accept());
    table_.add_rule(nft::neighbour_discovery(chain).accept());
    add_protection(hook, chain, spared);
    add_self_test(hook, chain, kDoomedTest);
    add_rules(hook, chain, TRAFFIC_DROP);
  }

  void add_protection(Hook hook, const std::string& chain, const std::string& spared) {
    for (const bool v6 : {false, true}) {
      if (!has(kProtected, v6)) continue;
      NftRule rule(chain);
      nft::match_address(nft::match_family(rule, v6), nft::peer_at(hook), kProtected, v6);
      table_.add_rule(rule.jump(spared));
    }
    std::vector<traffic_port> ports;
    for (const auto& [port, bits] : rules_.ports)
      if (bits & TRAFFIC_PROTECTED) ports.push_back(port);
    for (const traffic_port& port : ports) {
      NftRule rule(chain);
      table_.add_rule(nft::match_port(rule, port, hook).jump(spared));
    }
    for (const uint8_t protocol : nft::protocols_of(ports))
      for (const bool v6 : {false, true})
        table_.add_rule(nft::later_fragment(chain, protocol, v6).jump(spared));
  }

  void add_self_test(Hook hook, const std::string& chain, const std::string& ended) {
    for (const bool v6 : {false, true}) {
      const Address self = *Address::parse(v6 ? kSelfTestV6 : kSelfTestV4);
      NftRule rule(chain);
      rule.number_in_set(rules_.config.faults, NftGate::kSet);
      nft::load_address(nft::match_family(rule, v6), nft::peer_at(hook), v6)
          .test(NftRule::Test::kEqual,
                {reinterpret_cast<const char*>(self.bytes.data()), static_cast<size_t>(self.size())});
      table_.add_rule(rule.jump(ended));
    }
  }

  void add_rules(Hook hook, const std::string& chain, traffic_verdict verdict) {
    const uint64_t directed = rules_.config.direction[hook == Hook::kEgress ? 1 : 0];
    for (uint32_t i = 1; i <= rules_.config.rules; ++i) {
      const uint64_t bit = uint64_t{1} << i;
      if (!(directed & bit)) continue;
      const bool own = (rules_.config.rule[i].answers != 0) == answering_;
      const uint32_t fault = rules_.config.rule[i].fault;
      if (own) add_ending(fault, hook, verdict);
      for (const bool v6 : {false, true}) {
        if (!has(rule_set(i), v6)) continue;
        const auto begin = [&] {
          NftRule rule(chain);
          rule.number_in_set(fault, NftGate::kSet);
          nft::match_address(nft::match_family(rule, v6), nft::peer_at(hook), rule_set(i), v6);
          return rule;
        };
        const auto end = [&](NftRule& rule) {
          table_.add_rule(own ? rule.jump(ending(fault, hook, verdict)) : rule.accept());
        };
        if (!(rules_.config.ported & bit)) {
          NftRule rule = begin();
          end(rule);
          continue;
        }
        for (const auto& [port, bits] : rules_.ports) {
          if (!(bits & bit)) continue;
          NftRule rule = begin();
          end(nft::match_port(rule, port, hook));
        }
      }
    }
  }

  // The chain a fault's packets of one direction end in, by site.
  void add_ending(uint32_t fault, Hook hook, traffic_verdict verdict) {
    const std::string chain = ending(fault, hook, verdict);
    auto& counters = out_.counters_[chain];
    if (!counters.empty()) return;
    table_.add_chain(chain);
    if (verdict == TRAFFIC_DROP)
      table_.add_rule(NftRule(chain).note(fault, kFirst, kKeptMs, false).note(fault, kLast, kKeptMs, true));
    const auto end = [&](NftRule& rule, uint32_t site) {
      counters.push_back({fault, site, hook, verdict});
      rule.count();
      if (verdict == TRAFFIC_PASS)
        rule.accept();
      else if (answering_)
        rule.jump(answer_chain(order_.faults(static_cast<int>(fault)).manner()));
      else if (hook == Hook::kEgress)
        rule.vanish();
      else
        rule.drop();
      table_.add_rule(rule);
    };
    for (uint32_t site = 1; site < rules_.config.sites; ++site)
      for (const bool v6 : {false, true}) {
        if (!has(site_set(site), v6)) continue;
        NftRule rule(chain);
        end(nft::match_address(nft::match_family(rule, v6), nft::peer_at(hook), site_set(site), v6), site);
      }
    NftRule rest(chain);
    end(rest, 0);
  }

  const contract::Order& order_;
  const OrderRules& rules_;
  const bool answering_;
  NftTable& table_;
  std::set<std::string> sets_;  // those that are not empty
  NftRules out_;
};

Result<NftRules> NftRules::add(const contract::Order& order, const OrderRules& rules, Own own,
                               NftTable& table) {
  return NftRulesBuilder(order, rules, own, table).build();
}

Result<TestCount> NftRules::tested(NftTable& table) {
  auto counts = table.counts();
  if (!counts) return tl::unexpected(counts.error());
  const auto packets = [&](const char* chain) {
    const auto& list = (*counts)[chain];
    return list.empty() ? 0 : list.front().packets;
  };
  return TestCount{packets(kDoomedTest), packets(kSparedTest)};
}

Result<std::vector<traffic_count>> NftRules::counts(NftTable& table) const {
  const auto counted = table.counts();
  if (!counted) return tl::unexpected(counted.error());
  const int64_t now = monotonic_now();
  const auto first = table.numbers(kFirst), last = table.numbers(kLast);
  if (!first) return tl::unexpected(first.error());
  if (!last) return tl::unexpected(last.error());
  const auto moment = [&](const std::map<uint32_t, uint64_t>& left, uint32_t fault) -> uint64_t {
    const auto found = left.find(fault);
    if (found == left.end()) return 0;
    return static_cast<uint64_t>(now) - (kKeptMs - found->second) * 1'000'000;
  };

  std::vector<traffic_count> out(traffic_counter_index(config_.sites, config_.faults + 1, 0, 0, 0));
  for (const auto& [chain, counters] : counters_) {
    const auto found = counted->find(chain);
    if (found == counted->end() || found->second.size() != counters.size())
      return fail(ErrorKind::kInternal, "read counters of nftables chain", chain, 0,
                  "its rules are not ours");
    for (size_t i = 0; i < counters.size(); ++i) {
      const Counter& counter = counters[i];
      traffic_count& sum = out[traffic_counter_index(config_.sites, counter.fault, counter.site,
                                                     counter.hook == Hook::kEgress ? 1 : 0, counter.verdict)];
      sum.packets += found->second[i].packets;
      sum.bytes += found->second[i].bytes;
      if (sum.packets == 0 || counter.verdict != TRAFFIC_DROP) continue;
      sum.first_ns = moment(*first, counter.fault);
      sum.last_ns = moment(*last, counter.fault);
    }
  }
  return out;
}

}  // namespace blackstart
