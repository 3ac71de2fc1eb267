// SPDX-License-Identifier: Apache-2.0
// What a fault means once its names are resolved: two sides between which packets vanish, and the
// instances whose processes it is about (processes.h).
//
//   site-blackhole  the cut                    | everyone else
//   partition       the first of `between`     | the second
//   storage-drop    the endpoints of one port  | everyone, other storage hosts too
//   power loss      the dark hosts             | everyone else; and every process of theirs
//
// Orders, leak watches, limits and the prediction are all made from this.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "injector/experiment/experiment.h"
#include "injector/topology/topology.h"

namespace blackstart {

struct Side {
  // Its packets: those whose most specific prefix among both lists is in `prefixes`.
  std::vector<Prefix> prefixes, except;
  // The same by site, to say which sites a packet went between; "" is outside every known site.
  std::map<std::string, std::vector<Prefix>> by_site;
  std::set<std::string> hosts;      // that stand in it, `outside` ones too, excepted ones not
  std::set<std::string> enforcers;  // those of them whose agent drops the packets
};

struct Separation {
  Side inner, outer;
  std::optional<uint16_t> port;                    // on the inner side; nullopt: every packet
  SiteDirection direction = SiteDirection::kBoth;  // seen from the inner side
};

// An instance whose processes a fault is about; with service "", processes no service is known to own.
struct Victim {
  std::string host, service, role;
  std::optional<uint16_t> port;    // where it answers
  contract::ProcessTarget target;  // as its agent is told
  bool returns = false;            // what is killed is started again once the faults are over
};

struct ResolvedFault {
  const FaultSpec* spec = nullptr;
  std::string id;
  std::string what;                                // "everything to and from site pangyo"
  std::vector<Separation> separations;             // empty: no packet is touched
  std::optional<contract::ProcessFault::Act> act;  // on `victims`, or on all of `targets` at a power loss
  std::vector<Victim> victims;
  std::set<std::string> targets;   // hosts the fault is about
  std::set<std::string> services;  // that it is aimed at; empty: hosts or sites
  // What counts against the limits. A partition takes nobody away, so it counts with
  // its smaller side.
  std::set<std::string> limited_hosts, limited_sites;

  [[nodiscard]] bool cuts() const { return !separations.empty(); }
  [[nodiscard]] bool touches() const { return cuts() || act.has_value(); }
};

[[nodiscard]] tl::expected<ResolvedFault, Problems> resolve_fault(const Topology& topology,
                                                                  const Experiment& experiment, size_t index);

}  // namespace blackstart
