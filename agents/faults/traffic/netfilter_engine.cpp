// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/traffic/netfilter_engine.h"

#include <algorithm>
#include <cerrno>

namespace blackstart {
namespace {

constexpr int kPriority = -300;  // before the leak counter, connection tracking and most of others' rules
constexpr uint64_t kTestMs = 10'000;

const char* table_name(NftRules::Own own) {
  return own == NftRules::Own::kSilent ? "blackstart_cut" : "blackstart_answer";
}

}  // namespace

Result<std::unique_ptr<PacketEngine>> NetfilterEngine::make(const contract::Order& order,
                                                            const OrderRules& rules, NftRules::Own own,
                                                            const std::vector<Interface>& present) {
  const bool silent = own == NftRules::Own::kSilent;
  auto table = NftTable::make(table_name(own), silent ? NftTable::Family::kNetdev : NftTable::Family::kInet);
  if (!table) return tl::unexpected(table.error());
  std::unique_ptr<NetfilterEngine> out(new NetfilterEngine(std::move(*table), own, rules));
  std::vector<NftGate::Window> windows;
  for (int i = 0; i < order.faults_size(); ++i)
    windows.push_back({static_cast<uint32_t>(i), order.faults(i).start_ns(), order.faults(i).end_ns()});
  out->gate_.emplace(out->table_, std::move(windows), NftGate::Margin{});
  auto added = NftRules::add(order, rules, own, out->table_);
  if (!added) return tl::unexpected(added.error());
  out->rules_ = std::move(*added);
  if (!silent) out->add_base_chains();
  if (auto ok = out->table_.commit(); !ok) return tl::unexpected(ok.error());
  if (auto ok = out->cover(present); !ok) return tl::unexpected(ok.error());
  if (!silent)
    if (auto ok = out->test(present); !ok) return tl::unexpected(ok.error());
  return out;
}

const char* NetfilterEngine::name() const {
  return own_ == NftRules::Own::kSilent ? "netfilter/netdev" : "netfilter/inet";
}

// Loopback is never touched. A forwarded packet has a peer on either side.
void NetfilterEngine::add_base_chains() {
  const char* ingress = NftRules::chain(Hook::kIngress);
  const char* egress = NftRules::chain(Hook::kEgress);
  table_.add_base_chain("input", NftTable::Place::kInput, kPriority);
  table_.add_rule(NftRule("input").from_loopback().accept());
  table_.add_rule(NftRule("input").jump(ingress));
  table_.add_base_chain("output", NftTable::Place::kOutput, kPriority);
  table_.add_rule(NftRule("output").to_loopback().accept());
  table_.add_rule(NftRule("output").jump(egress));
  table_.add_base_chain("forward", NftTable::Place::kForward, kPriority);
  table_.add_rule(NftRule("forward").jump(ingress));
  table_.add_rule(NftRule("forward").jump(egress));
}

Result<> NetfilterEngine::attach(const Interface& interface) {
  for (const Hook hook : kHooks) {
    const std::string chain = std::string(blackstart::name(hook)) + std::to_string(interface.index);
    table_.add_device_chain(chain, interface.name, hook, kPriority);
    table_.add_rule(NftRule(chain).jump(NftRules::chain(hook)));
  }
  return table_.commit();
}

Result<> NetfilterEngine::cover(const std::vector<Interface>& present) {
  std::erase_if(interfaces_, [&](const auto& known) {
    return std::none_of(present.begin(), present.end(),
                        [&](const Interface& one) { return one.index == known.first; });
  });
  std::vector<Interface> came;
  for (const Interface& interface : present) {
    if (interface.loopback) continue;
    if (own_ == NftRules::Own::kSilent && !interfaces_.contains(interface.index)) {
      if (auto ok = attach(interface); !ok) {
        const auto there = blackstart::interfaces();
        const bool went = there && std::none_of(there->begin(), there->end(), [&](const Interface& one) {
                            return one.index == interface.index;
                          });
        if (went) continue;
        return ok;
      }
      came.push_back(interface);
    }
    interfaces_[interface.index] = interface.name;
  }
  return came.empty() ? Result<>() : test(came);
}

Result<> NetfilterEngine::test(const std::vector<Interface>& came) {
  table_.put(NftGate::kSet, rules_->self_test(), kTestMs);
  if (auto ok = table_.commit(); !ok) return ok;
  Result<> result;
  for (const TestPlan& plan : plans_) {
    if (own_ == NftRules::Own::kAnswering) {
      if (result) result = test(plan, nullptr);
      continue;
    }
    for (const Interface& interface : came)
      if (result && interface.up && interface.layer != LinkLayer::kOther) result = test(plan, &interface);
  }
  table_.remove(NftGate::kSet, rules_->self_test());
  if (auto ok = table_.commit(); !ok && ok.error().code != ENOENT && result) result = ok;
  return result;
}

Result<> NetfilterEngine::test(const TestPlan& plan, const Interface* interface) {
  const auto sender = interface ? TestSender::below_stack() : TestSender::on_stack(plan.doomed.v6);
  if (!sender) return tl::unexpected(sender.error());
  const auto send = [&](const TestPacket& packet) -> Result<bool> {
    if (!interface) return sender->send(packet);
    return sender->send_out_of(*interface, packet).map([] { return true; });
  };
  const std::string where = interface ? "egress of " + interface->name : "output";
  auto before = NftRules::tested(table_);
  if (!before) return tl::unexpected(before.error());
  auto sent = send(plan.doomed);
  if (!sent) return tl::unexpected(sent.error());
  if (!*sent) return {};
  for (const TestPacket& packet : plan.spared)
    if (sent = send(packet); !sent) return tl::unexpected(sent.error());
  const auto after = NftRules::tested(table_);
  if (!after) return tl::unexpected(after.error());
  return require_told(plan, *before, *after, where, "see which rules stand before it: nft list ruleset");
}

std::vector<std::string> NetfilterEngine::interfaces() const {
  std::vector<std::string> out;
  for (const auto& [index, name] : interfaces_) out.push_back(name);
  return out;
}

}  // namespace blackstart
