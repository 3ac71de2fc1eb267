// SPDX-License-Identifier: Apache-2.0
#include "injector/plan/predict.h"

#include <algorithm>

#include "injector/plan/processes.h"
#include "injector/plan/reach.h"

namespace blackstart {
namespace {

// One place a service answers at, declared or resolved from an endpoint.
struct Server {
  Place place;
  std::string name;  // the host, or the address
  uint16_t port = 0;
  bool primary = false;
  bool works = true;
  bool in_view = true;  // reachable from where users stand
  std::string lost;     // "killed", "frozen", "powered off"
  [[nodiscard]] bool serves() const { return works && in_view; }
};

using Servers = std::map<std::string, std::vector<Server>>;  // by service

Servers servers_of(const Topology& topology) {
  std::map<Address, const Host*> owners;
  for (const auto& [name, host] : topology.hosts)
    for (const Address& address : host.addresses) owners[address] = &host;
  Servers servers;
  for (const auto& [name, service] : topology.services) {
    std::vector<Server>& list = servers[name];
    for (const Instance& instance : service.instances) {
      const Host& host = topology.hosts.at(instance.host);
      list.push_back({{host.name, host.addresses}, host.name, instance.port.value_or(0), instance.primary});
    }
    if (!list.empty()) continue;
    for (const Endpoint& endpoint : service.endpoints) {
      for (const Address& address : topology.resolve(endpoint.name)) {
        const auto owner = owners.find(address);
        const std::string host = owner == owners.end() ? "" : owner->second->name;
        const auto same = std::find_if(list.begin(), list.end(), [&](const Server& other) {
          return !host.empty() && other.place.host == host && other.port == endpoint.port;
        });
        if (same != list.end())
          same->place.addresses.push_back(address);
        else
          list.push_back({{host, {address}}, host.empty() ? address.text() : host, endpoint.port});
      }
    }
  }
  return servers;
}

// Takes away what the orders say is killed, frozen or powered off.
void lose(const std::map<std::string, contract::Order>& orders, Servers& servers) {
  for (const auto& [host, order] : orders)
    for (const contract::Fault& fault : order.faults()) {
      if (!fault.has_process()) continue;
      std::set<std::string> services;
      for (const contract::ProcessTarget& target : fault.process().targets())
        services.insert(target.service());
      const contract::ProcessFault::Act act = fault.process().act();
      for (auto& [name, list] : servers)
        for (Server& server : list) {
          if (server.place.host != host) continue;
          if (act != contract::ProcessFault::POWER_LOSS && !services.contains(name)) continue;
          server.works = false;
          if (server.lost.empty() || act == contract::ProcessFault::POWER_LOSS) server.lost = participle(act);
        }
    }
}

std::vector<Place> viewpoints(const Topology& topology, const std::set<std::string>& targets) {
  std::vector<Place> outside, surviving, all;
  for (const auto& [name, host] : topology.hosts) {
    const Place place{name, host.addresses};
    all.push_back(place);
    if (topology.sites.at(host.site).outside)
      outside.push_back(place);
    else if (!targets.contains(name))
      surviving.push_back(place);
  }
  if (!outside.empty()) return outside;
  return surviving.empty() ? all : surviving;
}

bool need_is_met(const Server& from, const Need& need, const std::vector<Server>& servers,
                 const Reach& reach) {
  if (servers.empty()) return true;  // nothing is known about where it stands
  const auto usable = [&](const Server& server) {
    return server.works && reach.reaches(from.place, server.place, server.port);
  };
  switch (need.reachable) {
    case Need::While::kAny:
      return std::any_of(servers.begin(), servers.end(), usable);
    case Need::While::kMajority:
      return 2 * std::count_if(servers.begin(), servers.end(), usable) >
             static_cast<std::ptrdiff_t>(servers.size());
    case Need::While::kPrimary:
      return std::any_of(servers.begin(), servers.end(),
                         [&](const Server& server) { return server.primary && usable(server); });
  }
  return false;
}

// Everything works until something shows it does not: the greatest fixpoint.
void settle(const Topology& topology, const Reach& reach, Servers& servers) {
  for (bool changed = true; changed;) {
    changed = false;
    for (auto& [name, list] : servers) {
      for (Server& server : list) {
        if (!server.works) continue;
        for (const Need& need : topology.services.at(name).needs) {
          const auto needed = servers.find(need.service);
          if (needed == servers.end() || need_is_met(server, need, needed->second, reach)) continue;
          server.works = false;
          changed = true;
          break;
        }
      }
    }
  }
}

std::map<std::string, Impact> impacts(const Topology& topology, const Servers& servers) {
  std::map<std::string, Impact> out;
  for (const auto& [name, list] : servers) {
    const auto serving =
        std::count_if(list.begin(), list.end(), [](const Server& server) { return server.serves(); });
    out[name] = static_cast<size_t>(serving) == list.size() ? Impact::kUnaffected
                : serving > 0                               ? Impact::kDegraded
                                                            : Impact::kDown;
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (auto& [name, impact] : out) {
      // Where nobody knows the instances, the needs alone decide.
      const Impact worst = servers.at(name).empty() ? Impact::kDown : Impact::kDegraded;
      for (const Need& need : topology.services.at(name).needs) {
        const auto needed = out.find(need.service);
        if (needed == out.end() || std::min(needed->second, worst) <= impact) continue;
        impact = std::min(needed->second, worst);
        changed = true;
      }
    }
  }
  return out;
}

// ------------------------------------------------------------------------------------------------

class Reasons {
 public:
  Reasons(const Topology& topology, const Servers& servers, const std::map<std::string, Impact>& impact,
          const std::set<std::string>& targets, const Reach& reach)
      : topology_(topology), servers_(servers), impact_(impact), targets_(targets), reach_(reach) {}

  // Its own reasons bare, those of its needs with their name before them, cause last.
  std::vector<std::string> of(const std::string& service) {
    out_.clear();
    told_.clear();
    tell(service, "");
    return out_;
  }

 private:
  void tell(const std::string& service, const std::string& before) {
    if (!told_.insert(service).second) return;
    const std::vector<Server>& list = servers_.at(service);
    std::map<std::string, std::vector<std::string>> lost;
    std::vector<std::string> gone;
    bool cut = true;  // or merely out of reach
    for (const Server& server : list) {
      if (!server.lost.empty()) lost[server.lost].push_back(server.name);
      if (server.in_view || !server.lost.empty()) continue;
      gone.push_back(server.name);
      cut = cut && targets_.contains(server.place.host);
    }
    for (const auto& [how, names] : lost) out_.push_back(before + whereabouts(names, list.size(), how));
    if (!gone.empty())
      out_.push_back(before + whereabouts(gone, list.size(), cut ? "in the cut" : "out of reach"));

    std::vector<std::string> causes;
    for (const Need& need : topology_.services.at(service).needs) {
      const auto found = impact_.find(need.service);
      if (found == impact_.end()) continue;
      // A lost instance needs no second reason; what the others cannot reach is one.
      std::vector<std::string> without;
      for (const Server& server : list)
        if (server.in_view && server.lost.empty() &&
            !need_is_met(server, need, servers_.at(need.service), reach_))
          without.push_back(server.name);
      if (without.empty() && (found->second == Impact::kUnaffected || !gone.empty() || !lost.empty()))
        continue;
      out_.push_back(before + needs(need, found->second, without, list.size()));
      causes.push_back(need.service);
    }
    for (const std::string& cause : causes)
      if (impact_.at(cause) != Impact::kUnaffected) tell(cause, cause + ": ");
  }

  static std::string few(const std::vector<std::string>& names) {
    std::string text;
    for (size_t i = 0; i < names.size() && i < 3; ++i) text += (i ? ", " : "") + names[i];
    return names.size() > 3 ? text + " and " + std::to_string(names.size() - 3) + " more" : text;
  }

  static std::string whereabouts(const std::vector<std::string>& gone, size_t all, const std::string& where) {
    if (all == 1) return "its only instance " + few(gone) + " is " + where;
    if (gone.size() == all)
      return "all " + std::to_string(all) + " instances are " + where + ": " + few(gone);
    return std::to_string(gone.size()) + " of " + std::to_string(all) + " instances " +
           (gone.size() == 1 ? "is " : "are ") + where + ": " + few(gone);
  }

  static std::string needs(const Need& need, Impact impact, const std::vector<std::string>& without,
                           size_t all) {
    const char* what = need.reachable == Need::While::kMajority  ? "a majority of "
                       : need.reachable == Need::While::kPrimary ? "the primary of "
                                                                 : "";
    if (impact == Impact::kDown) return "needs " + std::string(what) + need.service + ", which is down";
    if (without.empty()) return "needs " + std::string(what) + need.service + ", which is degraded";
    if (without.size() == all && all > 1) return "no instance can reach " + (what + need.service);
    return few(without) + " cannot reach " + what + need.service;
  }

  const Topology& topology_;
  const Servers& servers_;
  const std::map<std::string, Impact>& impact_;
  const std::set<std::string>& targets_;
  const Reach& reach_;
  std::vector<std::string> out_;
  std::set<std::string> told_;
};

}  // namespace

std::map<std::string, PredictedImpact> predict(const Topology& topology,
                                               const std::map<std::string, contract::Order>& orders,
                                               const std::set<std::string>& targets) {
  const Reach reach(orders);
  Servers servers = servers_of(topology);
  const std::vector<Place> views = viewpoints(topology, targets);
  for (auto& [name, list] : servers)
    for (Server& server : list)
      server.in_view = std::any_of(views.begin(), views.end(), [&](const Place& view) {
        return reach.reaches(view, server.place, server.port);
      });
  lose(orders, servers);
  settle(topology, reach, servers);

  const std::map<std::string, Impact> impact = impacts(topology, servers);
  Reasons reasons(topology, servers, impact, targets, reach);
  std::map<std::string, PredictedImpact> out;
  for (const auto& [name, value] : impact)
    out[name] = {value, value == Impact::kUnaffected ? std::vector<std::string>{} : reasons.of(name)};
  return out;
}

std::vector<SingleSiteDependency> single_site_dependencies(const Topology& topology) {
  std::map<std::string, std::string> only_site;  // service → its site, where there is exactly one
  for (const auto& [name, list] : servers_of(topology)) {
    std::set<std::string> sites;
    for (const Server& server : list) {
      const Site* site = server.place.host.empty()
                             ? topology.site_of(server.place.addresses.front())
                             : &topology.sites.at(topology.hosts.at(server.place.host).site);
      sites.insert(site ? site->name : "");
    }
    if (sites.size() == 1 && !sites.begin()->empty()) only_site[name] = *sites.begin();
  }
  std::vector<SingleSiteDependency> out;
  for (const auto& [name, service] : topology.services) {
    std::set<std::string> seen{name};
    std::vector<const Service*> open{&service};
    while (!open.empty()) {
      const Service* next = open.back();
      open.pop_back();
      for (const Need& need : next->needs) {
        const auto found = topology.services.find(need.service);
        if (found != topology.services.end() && seen.insert(need.service).second)
          open.push_back(&found->second);
      }
    }
    seen.erase(name);
    for (const std::string& dependency : seen)
      if (const auto site = only_site.find(dependency); site != only_site.end())
        out.push_back({name, dependency, site->second, "declared"});
  }
  return out;
}

}  // namespace blackstart
