// SPDX-License-Identifier: Apache-2.0
// What a packet fault means once its names are resolved: two sides between which packets vanish.
//
//   site-blackhole  the cut                    | everyone else
//   partition       the first of `between`     | the second
//   storage-drop    the endpoints of one port  | everyone, other storage hosts too
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

struct ResolvedFault {
  const FaultSpec* spec = nullptr;
  std::string id;
  std::string what;                     // "everything to and from site pangyo"
  std::vector<Separation> separations;  // empty: nothing is touched
  std::set<std::string> targets;        // hosts the fault is about
  std::set<std::string> services;       // that it is aimed at; empty: hosts or sites
  // What counts against the limits. A partition takes nobody away, so it counts with
  // its smaller side.
  std::set<std::string> limited_hosts, limited_sites;
};

[[nodiscard]] tl::expected<ResolvedFault, Problems> resolve_fault(const Topology& topology,
                                                                  const Experiment& experiment, size_t index);

}  // namespace blackstart
