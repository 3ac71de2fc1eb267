// SPDX-License-Identifier: Apache-2.0
// Which hosts a selector means once a share or count is drawn.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "injector/experiment/experiment.h"
#include "injector/topology/topology.h"

namespace blackstart {

// Hosts that fit every field that is set, then the share or count of them. A service, role or tier
// means the hosts of its instances; labels are the hosts' own. A match in an `outside` site is
// refused; no match, and a count that is not there, are problems too.
[[nodiscard]] tl::expected<std::set<std::string>, Problem> select_hosts(const Topology& topology,
                                                                        const Selector& selector,
                                                                        uint64_t seed);

// The share or count of `matched`, whose members are called `what` ("hosts"); all without either.
[[nodiscard]] tl::expected<std::set<std::string>, Problem> draw(const std::set<std::string>& matched,
                                                                const std::string& what,
                                                                const Selector& selector, uint64_t seed);

// "site: pangyo, role: cache"
[[nodiscard]] std::string in_words(const Selector& selector);

// True when the selector means sites or a group as a whole rather than some of their hosts.
[[nodiscard]] bool selects_whole_sites(const Selector& selector);

// The problem of naming an outside site; its location is the line that marks it.
[[nodiscard]] Problem outside_is_no_target(const Site& site, const std::string& named);

// The same names for the same seed on every machine.
[[nodiscard]] std::set<std::string> sample(const std::set<std::string>& names, size_t count, uint64_t seed);

}  // namespace blackstart
