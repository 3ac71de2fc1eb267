// SPDX-License-Identifier: Apache-2.0
#include "injector/plan/separation.h"

#include <algorithm>

#include "injector/experiment/select.h"
#include "injector/plan/except.h"
#include "injector/plan/prefixes.h"
#include "injector/plan/processes.h"
#include "injector/plan/select.h"

namespace blackstart {
namespace {

using Sites = std::set<std::string>;

Problem invalid(const Location& at, std::string message, std::string hint = {}) {
  return {Problem::Kind::kInvalid, at, std::move(message), std::move(hint)};
}

std::string joined(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

Sites hosts_of(const Topology& topology, const Sites& sites) {
  Sites hosts;
  for (const auto& [name, host] : topology.hosts)
    if (sites.contains(host.site)) hosts.insert(name);
  return hosts;
}

Side side_of_sites(const Topology& topology, const Sites& sites) {
  Side side;
  for (const std::string& site : sites) {
    side.by_site[site] = topology.sites.at(site).prefixes;
    append(side.prefixes, side.by_site[site]);
  }
  side.hosts = hosts_of(topology, sites);
  return side;
}

Side side_of_hosts(const Topology& topology, const std::set<std::string>& hosts) {
  Side side;
  for (const std::string& name : hosts) {
    const Host& host = topology.hosts.at(name);
    append(side.by_site[host.site], addresses_of(host));
    append(side.prefixes, addresses_of(host));
  }
  side.hosts = hosts;
  return side;
}

// Everyone who is not in `inner`. With `members_meet`, hosts of the inner side still reach each other.
Side everyone_else(const Topology& topology, const Side& inner, const Sites& whole_sites, bool members_meet) {
  Side side;
  side.prefixes = everyone();
  if (members_meet) side.except = inner.prefixes;
  for (const auto& [name, site] : topology.sites)
    if (!whole_sites.contains(name)) side.by_site[name] = site.prefixes;
  side.by_site[""] = everyone();
  for (const auto& [name, host] : topology.hosts)
    if (!inner.hosts.contains(name)) side.hosts.insert(name);
  return side;
}

// Those that do not stand outside.
std::set<std::string> targets_among(const Topology& topology, const std::set<std::string>& hosts) {
  std::set<std::string> able;
  for (const std::string& name : hosts)
    if (!topology.sites.at(topology.hosts.at(name).site).outside) able.insert(name);
  return able;
}

// Takes `except` and link scope out of a side, and says who enforces.
void finish(const Topology& topology, const Exceptions& exceptions, bool enforces, Side& side) {
  const auto drop_covered = [&](std::vector<Prefix>& list) {
    std::erase_if(list, [&](const Prefix& prefix) {
      return covered(prefix, exceptions.prefixes) || covered(prefix, link_scope());
    });
    list = tidy(list);
  };
  drop_covered(side.prefixes);
  for (auto& [site, list] : side.by_site) drop_covered(list);
  std::erase_if(side.by_site, [](const auto& entry) { return entry.second.empty(); });
  append(side.except, exceptions.prefixes);
  append(side.except, link_scope());
  side.except = tidy(side.except);
  for (const std::string& name : exceptions.hosts) side.hosts.erase(name);
  if (enforces) side.enforcers = targets_among(topology, side.hosts);
}

Separation separate(const Topology& topology, const Experiment& experiment, const Exceptions& exceptions,
                    Side inner, Side outer) {
  Separation separation{std::move(inner), std::move(outer), std::nullopt, SiteDirection::kBoth};
  finish(topology, exceptions, experiment.enforce != Enforce::kSurvivors, separation.inner);
  finish(topology, exceptions, experiment.enforce != Enforce::kSite, separation.outer);
  return separation;
}

// ------------------------------------------------------------------------------------------------

tl::expected<Sites, Problem> sites_named(const Topology& topology, const std::string& name,
                                         const Location& at) {
  Sites sites;
  for (const Site* site : sites_of_side(name, topology)) sites.insert(site->name);
  if (sites.empty()) return tl::unexpected(invalid(at, "there is no site or group " + name));
  return sites;
}

const Site* any_outside(const Topology& topology, const Sites& sites) {
  for (const std::string& site : sites)
    if (topology.sites.at(site).outside) return &topology.sites.at(site);
  return nullptr;
}

const char* preposition(const FaultSpec& spec) {
  if (spec.what == FaultKind::kPowerLoss) return "the power of ";
  switch (spec.direction) {
    case SiteDirection::kIn:
      return "everything to ";
    case SiteDirection::kOut:
      return "everything from ";
    case SiteDirection::kBoth:
      break;
  }
  return "everything to and from ";
}

std::optional<Problem> resolve_blackhole(const Topology& topology, const Experiment& experiment,
                                         const Exceptions& exceptions, ResolvedFault& fault) {
  const FaultSpec& spec = *fault.spec;
  Sites whole;
  Side inner;
  if (selects_whole_sites(spec.selector)) {
    const std::string& name = spec.selector.site.empty() ? spec.selector.group : spec.selector.site;
    auto sites = sites_named(topology, name, spec.where);
    if (!sites) return sites.error();
    if (const Site* outside = any_outside(topology, *sites))
      return outside_is_no_target(*outside, outside->name);
    whole = *sites;
    if (!spec.selector.site.empty() && !spec.selector.group.empty() &&
        topology.sites.at(spec.selector.site).group != spec.selector.group)
      return invalid(spec.where, "site " + spec.selector.site + " is not in group " + spec.selector.group);
    inner = side_of_sites(topology, whole);
    fault.limited_sites = {name};
    fault.what =
        preposition(spec) +
        (topology.sites.contains(name) ? "site " + name : "group " + name + " (" + joined(whole) + ")");
  } else {
    auto hosts = select_hosts(topology, spec.selector, experiment.seed);
    if (!hosts) return hosts.error();
    inner = side_of_hosts(topology, *hosts);
    if (!spec.selector.service.empty() || !spec.selector.role.empty() || spec.selector.tier)
      for (const Service* service : matching_services(spec.selector, topology))
        fault.services.insert(service->name);
    fault.what = preposition(spec) +
                 (hosts->size() == 1 ? "host " + joined(*hosts) : std::to_string(hosts->size()) + " hosts");
  }
  Side outer = everyone_else(topology, inner, whole, true);
  Separation separation = separate(topology, experiment, exceptions, std::move(inner), std::move(outer));
  separation.direction = spec.direction;
  fault.targets = fault.limited_hosts = separation.inner.hosts;
  fault.separations.push_back(std::move(separation));
  return std::nullopt;
}

std::optional<Problem> resolve_partition(const Topology& topology, const Experiment& experiment,
                                         const Exceptions& exceptions, ResolvedFault& fault) {
  const FaultSpec& spec = *fault.spec;
  if (spec.between.size() != 2)
    return invalid(spec.where, "partition needs `between` with two sites or groups");
  auto first = sites_named(topology, spec.between[0], spec.where);
  if (!first) return first.error();
  auto second = sites_named(topology, spec.between[1], spec.where);
  if (!second) return second.error();
  for (const std::string& site : *first)
    if (second->contains(site))
      return invalid(spec.where, "site " + site + " stands on both sides of the partition");

  // Users can be kept from a site; what is touched is the site.
  const Site* first_outside = any_outside(topology, *first);
  const Site* second_outside = any_outside(topology, *second);
  Separation separation = separate(topology, experiment, exceptions, side_of_sites(topology, *first),
                                   side_of_sites(topology, *second));
  separation.direction = spec.direction;
  if (first_outside && second_outside) return outside_is_no_target(*second_outside, second_outside->name);
  const std::set<std::string> one = targets_among(topology, separation.inner.hosts);
  const std::set<std::string> other = targets_among(topology, separation.outer.hosts);
  const bool limit_first = second_outside || (!first_outside && one.size() <= other.size());
  fault.limited_hosts = limit_first ? one : other;
  fault.limited_sites = {spec.between[limit_first ? 0 : 1]};
  fault.targets = one;
  fault.targets.insert(other.begin(), other.end());
  const char* arrow = spec.direction == SiteDirection::kOut  ? " to "
                      : spec.direction == SiteDirection::kIn ? " from "
                                                             : " and ";
  fault.what = (spec.direction == SiteDirection::kBoth ? "everything between " : "everything ") +
               (spec.direction == SiteDirection::kOut  ? "from "
                : spec.direction == SiteDirection::kIn ? "to "
                                                       : std::string()) +
               spec.between[0] + arrow + spec.between[1];
  fault.separations.push_back(std::move(separation));
  return std::nullopt;
}

// Where a service of object storage answers, by port.
tl::expected<std::map<uint16_t, std::vector<Address>>, Problem> endpoints_of(const Topology& topology,
                                                                             const Service& service,
                                                                             const FaultSpec& spec) {
  std::map<uint16_t, std::vector<Address>> ports;
  for (const Instance& instance : service.instances) {
    if (!instance.port) continue;
    for (const Address& address : topology.hosts.at(instance.host).addresses)
      ports[*instance.port].push_back(address);
  }
  for (const Endpoint& endpoint : service.endpoints) {
    const std::vector<Address> addresses = topology.resolve(endpoint.name);
    if (addresses.empty())
      return tl::unexpected(Problem{
          Problem::Kind::kMissing, endpoint.at,
          "endpoint " + endpoint.name + " of " + service.name +
              " is a name the topology does not resolve; following DNS is not available in this version",
          "name a host, a service or a name of the lab, give an address, or list `instances`"});
    for (const Address& address : addresses) ports[endpoint.port].push_back(address);
  }
  if (ports.empty())
    return tl::unexpected(
        invalid(spec.where, "service " + service.name + " has neither endpoints nor instances with a port"));
  return ports;
}

bool any_host_field(const Selector& selector) {
  return !selector.host.empty() || !selector.site.empty() || !selector.group.empty() ||
         !selector.labels.empty();
}

std::optional<Problem> resolve_storage(const Topology& topology, const Experiment& experiment,
                                       const Exceptions& exceptions, ResolvedFault& fault) {
  const FaultSpec& spec = *fault.spec;
  if (spec.selector.share || spec.selector.count)
    return Problem{Problem::Kind::kMissing, spec.where,
                   "a share of object storage is not available in this version", ""};
  std::map<uint16_t, std::vector<Address>> ports;
  std::string names;
  for (const Service* service : matching_services(spec.selector, topology)) {
    if (service->role != "object-storage") {
      if (spec.selector.service.empty()) continue;
      return invalid(spec.where, "service " + service->name + " has role " +
                                     (service->role.empty() ? "none" : service->role) +
                                     ", not object-storage");
    }
    auto endpoints = endpoints_of(topology, *service, spec);
    if (!endpoints) return endpoints.error();
    for (const auto& [port, addresses] : *endpoints)
      ports[port].insert(ports[port].end(), addresses.begin(), addresses.end());
    names += (names.empty() ? "" : ", ") + service->name;
    fault.services.insert(service->name);
  }
  if (ports.empty()) return invalid(spec.where, "no service with role object-storage is selected");

  // Only the endpoints of the hosts that were selected, where hosts were.
  std::optional<std::set<std::string>> chosen;
  if (any_host_field(spec.selector)) {
    Selector by_host = spec.selector;
    by_host.service.clear();
    by_host.role.clear();
    by_host.tier.reset();
    auto hosts = select_hosts(topology, by_host, experiment.seed);
    if (!hosts) return hosts.error();
    chosen = *hosts;
  }
  std::map<Address, std::string> owners;
  for (const auto& [name, host] : topology.hosts)
    for (const Address& address : host.addresses) owners[address] = name;

  for (const auto& [port, addresses] : ports) {
    Side inner;
    for (const Address& address : addresses) {
      const auto owner = owners.find(address);
      const Site* site = topology.site_of(address);
      if (owner != owners.end()) site = &topology.sites.at(topology.hosts.at(owner->second).site);
      if (site && site->outside) return outside_is_no_target(*site, address.text());
      if (chosen && (owner == owners.end() || !chosen->contains(owner->second))) continue;
      if (owner != owners.end()) inner.hosts.insert(owner->second);
      inner.prefixes.push_back(Prefix::of(address));
      inner.by_site[site ? site->name : ""].push_back(Prefix::of(address));
    }
    if (inner.prefixes.empty()) continue;
    Side outer = everyone_else(topology, inner, {}, false);
    Separation separation = separate(topology, experiment, exceptions, std::move(inner), std::move(outer));
    separation.port = port;
    fault.targets.insert(separation.inner.hosts.begin(), separation.inner.hosts.end());
    fault.separations.push_back(std::move(separation));
  }
  if (fault.separations.empty())
    return invalid(spec.where, "no endpoint of " + names + " stands on the selected hosts");
  fault.limited_hosts = fault.targets;
  fault.what = "every packet to and from object storage " + names;
  return std::nullopt;
}

}  // namespace

namespace {

const char* manner_suffix(contract::Manner manner) {
  switch (manner) {
    case contract::MANNER_RESET:
      return ", answered with a reset";
    case contract::MANNER_UNREACHABLE:
      return ", answered as unreachable";
    case contract::MANNER_DENY:
      return ", answered as prohibited";
    default:
      return "";
  }
}

}  // namespace

tl::expected<ResolvedFault, Problems> resolve_fault(const Topology& topology, const Experiment& experiment,
                                                    size_t index) {
  ResolvedFault fault;
  fault.spec = &experiment.faults[index];
  fault.id = "f" + std::to_string(index + 1);
  auto exceptions = resolve_exceptions(topology, *fault.spec);
  if (!exceptions) return tl::unexpected(exceptions.error());

  std::optional<Problem> problem;
  switch (fault.spec->what) {
    case FaultKind::kSiteBlackhole:
      problem = resolve_blackhole(topology, experiment, *exceptions, fault);
      break;
    case FaultKind::kPartition:
      problem = resolve_partition(topology, experiment, *exceptions, fault);
      break;
    case FaultKind::kStorageDrop:
      problem = resolve_storage(topology, experiment, *exceptions, fault);
      break;
    case FaultKind::kServiceKill:
    case FaultKind::kServiceFreeze:
      problem = resolve_processes(topology, experiment, fault);
      break;
    case FaultKind::kPowerLoss:
      problem = resolve_blackhole(topology, experiment, *exceptions, fault);
      if (!problem) problem = resolve_power(topology, fault);
      break;
    case FaultKind::kPeopleAbsent:
      fault.what = "nobody may ask";
      for (size_t i = 0; i < fault.spec->who.size(); ++i) fault.what += (i ? ", " : " ") + fault.spec->who[i];
      return fault;
  }
  if (problem) return tl::unexpected(Problems{*problem});
  fault.what += manner_suffix(fault.spec->manner);
  for (const Separation& separation : fault.separations)
    if (separation.inner.enforcers.empty() && separation.outer.enforcers.empty())
      return tl::unexpected(Problems{
          invalid(fault.spec->where, "no host would enforce " + fault.id + " (" + fault.spec->kind + ")",
                  "check `enforce` and `except`")});
  return fault;
}

}  // namespace blackstart
