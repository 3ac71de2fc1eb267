// SPDX-License-Identifier: Apache-2.0
// Orders in few words, for tests.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "agents/contract/units.h"
#include "agents/contract/wire.h"

namespace blackstart::test {

using namespace std::chrono_literals;

inline void add_prefixes(const std::vector<std::string>& texts,
                         google::protobuf::RepeatedPtrField<contract::Prefix>* out) {
  for (const std::string& text : texts) {
    const auto prefix = Prefix::parse(text);
    if (!prefix) throw std::invalid_argument(text);
    to_wire(*prefix, out->Add());
  }
}

inline contract::PortMatch port(uint32_t number, contract::Protocol protocol = contract::PROTOCOL_ANY,
                                contract::Side side = contract::SIDE_EITHER) {
  contract::PortMatch match;
  match.set_port(number);
  match.set_protocol(protocol);
  match.set_side(side);
  return match;
}

struct Rule {
  std::vector<std::string> peers;
  std::vector<std::string> except = {};
  std::vector<contract::PortMatch> ports = {};
  contract::Direction direction = contract::DIRECTION_BOTH;
};

class OrderBuilder {
 public:
  OrderBuilder() {
    order_.set_run("test-run");
    order_.set_host("test-host");
  }
  OrderBuilder& site(const std::string& name, const std::vector<std::string>& prefixes) {
    contract::Site* site = order_.add_sites();
    site->set_name(name);
    add_prefixes(prefixes, site->mutable_prefixes());
    return *this;
  }
  OrderBuilder& fault(const std::vector<Rule>& rules, Duration start = 0s, Duration end = 1h) {
    contract::Fault* fault = order_.add_faults();
    fault->set_id("f" + std::to_string(order_.faults_size()));
    fault->set_kind("site-blackhole");
    fault->set_start_ns(start.count());
    fault->set_end_ns(end.count());
    for (const Rule& rule : rules) {
      contract::PacketRule* wire = fault->add_rules();
      wire->set_direction(rule.direction);
      add_prefixes(rule.peers, wire->mutable_peers());
      add_prefixes(rule.except, wire->mutable_except());
      for (const auto& match : rule.ports) *wire->add_ports() = match;
    }
    return *this;
  }
  OrderBuilder& protect(const std::vector<std::string>& peers,
                        const std::vector<contract::PortMatch>& ports = {}) {
    add_prefixes(peers, order_.mutable_protection()->mutable_peers());
    for (const auto& match : ports) *order_.mutable_protection()->add_ports() = match;
    return *this;
  }
  OrderBuilder& leak(const std::vector<std::string>& sources,
                     const std::vector<contract::PortMatch>& ports = {}, Duration start = 0s,
                     Duration end = 1h) {
    contract::LeakWatch* watch = order_.add_leaks();
    watch->set_fault("f" + std::to_string(order_.leaks_size()));
    watch->set_src_site("there");
    watch->set_dst_site("here");
    watch->set_start_ns(start.count());
    watch->set_end_ns(end.count());
    add_prefixes(sources, watch->mutable_sources());
    for (const auto& match : ports) *watch->add_ports() = match;
    return *this;
  }
  OrderBuilder& attachment(contract::Attachment attachment) {
    order_.set_attachment(attachment);
    return *this;
  }
  OrderBuilder& engine(contract::Engine engine) {
    order_.set_engine(engine);
    return *this;
  }
  // Of the fault added last.
  OrderBuilder& manner(contract::Manner manner) {
    order_.mutable_faults(order_.faults_size() - 1)->set_manner(manner);
    return *this;
  }
  operator contract::Order() const { return order_; }

 private:
  contract::Order order_;
};

}  // namespace blackstart::test
