// SPDX-License-Identifier: Apache-2.0
// A small messenger and experiments on it, made by hand.
//
//   pangyo     app, cache, store, monitor     anyang  app, store-b (spare)     chuncheon  app     users phone
#pragma once

#include <string>
#include <vector>

#include "injector/experiment/experiment.h"
#include "injector/topology/topology.h"

namespace blackstart {

inline Topology messenger() {
  Topology t;
  t.name = "messenger";
  t.file = "messenger.yaml";
  int line = 0;
  const auto site = [&](const std::string& name, int number, bool outside = false) {
    const std::string n = std::to_string(number);
    ++line;
    t.sites[name] = Site{name,
                         {*Prefix::parse("198.18." + n + ".0/24"), *Prefix::parse("fd00:18:" + n + "::/64")},
                         "",
                         outside,
                         Location{t.file, line, 40},
                         Location{t.file, line, 5}};
  };
  const auto host = [&](const std::string& name, const std::string& in, const std::string& net,
                        const std::string& number) {
    t.hosts[name] = Host{
        name,
        in,
        {*Address::parse("198.18." + net + "." + number), *Address::parse("fd00:18:" + net + "::" + number)},
        {},
        Location{t.file, ++line, 5}};
  };
  site("pangyo", 1);
  site("anyang", 2);
  site("chuncheon", 3);
  site("users", 9, true);
  host("pangyo-app", "pangyo", "1", "11");
  host("pangyo-cache", "pangyo", "1", "21");
  host("pangyo-store", "pangyo", "1", "31");
  host("anyang-app", "anyang", "2", "11");
  host("anyang-db", "anyang", "2", "21");
  host("chuncheon-app", "chuncheon", "3", "11");
  host("phone", "users", "9", "11");
  const auto service = [&](const std::string& name, const std::string& role, std::vector<std::string> hosts,
                           int port, std::vector<std::string> needs = {}) {
    Service& s = t.services[name];
    s.name = name;
    s.role = role;
    s.at = Location{t.file, ++line, 5};
    for (const std::string& at : hosts)
      s.instances.push_back({at, static_cast<uint16_t>(port), std::nullopt, false, s.at});
    for (const std::string& need : needs) s.needs.push_back({need, Need::While::kAny, s.at});
  };
  service("session-cache", "cache", {"pangyo-cache"}, 6379);
  service("login", "identity", {"pangyo-app", "anyang-app"}, 8080, {"session-cache"});
  service("photo-store", "object-storage", {"pangyo-store"}, 8000);
  service("photo", "app", {"pangyo-app", "anyang-app", "chuncheon-app"}, 8081, {"photo-store"});
  service("messages", "app", {"anyang-app", "chuncheon-app"}, 8082);
  service("monitoring", "ops/monitoring", {"pangyo-cache"}, 9090);
  t.protect.push_back(
      {*Prefix::parse("198.18.0.0/24"), std::nullopt, "management network", Location{t.file, ++line, 7}});
  t.lab = Lab{};
  for (const auto& [name, each] : t.services) t.lab->run[name].command = {"/usr/bin/" + name};
  return t;
}

inline Experiment experiment(std::vector<FaultSpec> faults) {
  Experiment e;
  e.name = "drill";
  e.file = "drill.yaml";
  e.seed = 7;
  int line = 20;
  for (FaultSpec& fault : faults) {
    fault.where = fault.selector.at = Location{e.file, ++line, 5};
    if (fault.duration == Duration{0}) fault.duration = std::chrono::seconds(60);
  }
  e.faults = std::move(faults);
  return e;
}

inline FaultSpec blackhole(Selector selector) {
  FaultSpec fault;
  fault.kind = "site-blackhole";
  fault.what = FaultKind::kSiteBlackhole;
  fault.selector = std::move(selector);
  return fault;
}

inline Selector of_site(const std::string& site) {
  Selector selector;
  selector.site = site;
  return selector;
}

inline FaultSpec partition(const std::string& a, const std::string& b,
                           SiteDirection direction = SiteDirection::kBoth) {
  FaultSpec fault;
  fault.kind = "partition";
  fault.what = FaultKind::kPartition;
  fault.between = {a, b};
  fault.direction = direction;
  return fault;
}

inline FaultSpec storage_drop(const std::string& service) {
  FaultSpec fault;
  fault.kind = "storage-drop";
  fault.what = FaultKind::kStorageDrop;
  fault.selector.service = service;
  return fault;
}

inline FaultSpec kill(Selector selector) {
  FaultSpec fault;
  fault.kind = "service-kill";
  fault.what = FaultKind::kServiceKill;
  fault.selector = std::move(selector);
  return fault;
}

inline FaultSpec freeze(Selector selector) {
  FaultSpec fault = kill(std::move(selector));
  fault.kind = "service-freeze";
  fault.what = FaultKind::kServiceFreeze;
  return fault;
}

inline FaultSpec power_loss(Selector selector) {
  FaultSpec fault = kill(std::move(selector));
  fault.kind = "site-power-loss";
  fault.what = FaultKind::kPowerLoss;
  return fault;
}

inline Selector of_service(const std::string& service) {
  Selector selector;
  selector.service = service;
  return selector;
}

}  // namespace blackstart
