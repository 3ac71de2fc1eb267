// SPDX-License-Identifier: Apache-2.0
#include "agents/runtime/check_order.h"

#include <set>

#include "agents/contract/wire.h"

namespace blackstart {
namespace {

template <typename Prefixes>
Result<> check_prefixes(const Prefixes& prefixes) {
  for (const auto& prefix : prefixes)
    if (auto read = from_wire(prefix); !read) return tl::unexpected(read.error());
  return {};
}

Result<> check_fault(const contract::Fault& fault) {
  const std::string name = fault.kind() + " " + fault.id();
  if (fault.start_ns() < 0 || fault.end_ns() <= fault.start_ns())
    return fail(ErrorKind::kRefused, "accept", name, 0, "it has no end behind its start");
  if (fault.end_ns() - fault.start_ns() > kLongestFault.count())
    return fail(ErrorKind::kRefused, "accept", name, 0, "the longest fault allowed is 12h");
  for (const auto& rule : fault.rules()) {
    if (auto ok = check_prefixes(rule.peers()); !ok) return ok;
    if (auto ok = check_prefixes(rule.except()); !ok) return ok;
    for (const auto& port : rule.ports())
      if (port.port() == 0 || port.port() > 65535)
        return fail(ErrorKind::kRefused, "accept", name, 0,
                    "port " + std::to_string(port.port()) + " is none");
  }
  return {};
}

}  // namespace

Result<> check_order(const contract::Order& order, const std::string& own_host) {
  if (order.run().empty()) return fail(ErrorKind::kRefused, "accept", "the order", 0, "it names no run");
  if (order.host() != own_host)
    return fail(ErrorKind::kRefused, "accept", "the order for " + order.host(), 0,
                "this host is " + own_host);
  if (!order.hold() && order.lease_ns() <= 0)
    return fail(ErrorKind::kRefused, "accept", "the order", 0, "it has no lease and does not hold");
  std::set<std::string> ids;
  for (const auto& fault : order.faults()) {
    if (!ids.insert(fault.id()).second)
      return fail(ErrorKind::kRefused, "accept", "the order", 0, "two faults are called " + fault.id());
    if (auto ok = check_fault(fault); !ok) return ok;
  }
  for (const auto& site : order.sites())
    if (auto ok = check_prefixes(site.prefixes()); !ok) return ok;
  for (const auto& leak : order.leaks()) {
    for (const auto* prefixes : {&leak.sources(), &leak.sources_except(), &leak.destinations()})
      if (auto ok = check_prefixes(*prefixes); !ok) return ok;
  }
  return check_prefixes(order.protection().peers());
}

}  // namespace blackstart
