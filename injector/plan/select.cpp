// SPDX-License-Identifier: Apache-2.0
#include "injector/plan/select.h"

#include <algorithm>
#include <cmath>

#include "injector/plan/sha256.h"
#include "injector/topology/roles.h"

namespace blackstart {
namespace {

bool labels_fit(const std::map<std::string, std::string>& wanted,
                const std::map<std::string, std::string>& labels) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& want) {
    const auto found = labels.find(want.first);
    return found != labels.end() && found->second == want.second;
  });
}

const Site* site_named(const Topology& topology, const std::string& name) {
  const auto found = topology.sites.find(name);
  return found == topology.sites.end() ? nullptr : &found->second;
}

bool fits(const Topology& topology, const Selector& selector, const Host& host,
          const std::set<std::string>& carriers) {
  if (!selector.host.empty() && host.name != selector.host) return false;
  if (!selector.site.empty() && host.site != selector.site) return false;
  const Site* site = site_named(topology, host.site);
  if (!selector.group.empty() && (!site || site->group != selector.group)) return false;
  if (!labels_fit(selector.labels, host.labels)) return false;
  const bool by_service = !selector.service.empty() || !selector.role.empty() || selector.tier;
  return !by_service || carriers.contains(host.name);
}

std::string in_words(const Selector& selector) {
  std::string text;
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) text += (text.empty() ? "" : ", ") + std::string(key) + ": " + value;
  };
  add("host", selector.host);
  add("site", selector.site);
  add("group", selector.group);
  add("service", selector.service);
  add("role", selector.role);
  if (selector.tier) add("tier", std::to_string(*selector.tier));
  for (const auto& [key, value] : selector.labels) add(("labels." + key).c_str(), value);
  return text.empty() ? "an empty selector" : text;
}

}  // namespace

std::vector<const Service*> select_services(const Topology& topology, const Selector& selector) {
  std::vector<const Service*> list;
  for (const auto& [name, service] : topology.services) {
    if (!selector.service.empty() && name != selector.service) continue;
    if (!selector.role.empty() && !role_fits(selector.role, service.role)) continue;
    if (selector.tier && service.tier != *selector.tier) continue;
    list.push_back(&service);
  }
  return list;
}

tl::expected<std::set<std::string>, Problem> select_hosts(const Topology& topology, const Selector& selector,
                                                          uint64_t seed) {
  if (selector.empty())
    return tl::unexpected(Problem{Problem::Kind::kInvalid, selector.at, "nothing is selected",
                                  "name a site, group, host, service, role, tier or labels"});
  std::set<std::string> carriers;
  for (const Service* service : select_services(topology, selector))
    for (const Instance& instance : service->instances) carriers.insert(instance.host);

  std::set<std::string> matched;
  for (const auto& [name, host] : topology.hosts) {
    if (!fits(topology, selector, host, carriers)) continue;
    if (const Site* site = site_named(topology, host.site); site && site->outside)
      return tl::unexpected(outside_is_no_target(*site, name));
    matched.insert(name);
  }
  if (matched.empty())
    return tl::unexpected(Problem{Problem::Kind::kInvalid, selector.at,
                                  "no host matches " + in_words(selector),
                                  "a fault without a target would prove nothing"});
  if (selector.count) {
    if (*selector.count < 1 || static_cast<size_t>(*selector.count) > matched.size())
      return tl::unexpected(Problem{Problem::Kind::kInvalid, selector.at,
                                    "count is " + std::to_string(*selector.count) + ", but " +
                                        std::to_string(matched.size()) + " hosts match " + in_words(selector),
                                    ""});
    return sample(matched, *selector.count, seed);
  }
  if (selector.share) {
    // Never more than was asked for, and at least one.
    const auto count =
        static_cast<size_t>(std::floor(*selector.share * static_cast<double>(matched.size()) + 1e-9));
    return sample(matched, std::clamp<size_t>(count, 1, matched.size()), seed);
  }
  return matched;
}

bool selects_whole_sites(const Selector& selector) {
  return (!selector.site.empty() || !selector.group.empty()) && selector.host.empty() &&
         selector.service.empty() && selector.role.empty() && !selector.tier && selector.labels.empty() &&
         !selector.share && !selector.count;
}

Problem outside_is_no_target(const Site& site, const std::string& named) {
  return {Problem::Kind::kRefused, site.at,
          (named == site.name ? "site " + named : named + " stands in site " + site.name + ", which") +
              " is marked `outside` and is never a target",
          "users and partners are only watched; select other hosts"};
}

std::set<std::string> sample(const std::set<std::string>& names, size_t count, uint64_t seed) {
  std::vector<std::pair<std::string, std::string>> ranked;  // hash, name
  for (const std::string& name : names)
    ranked.emplace_back(sha256_hex(std::to_string(seed) + "\n" + name), name);
  std::sort(ranked.begin(), ranked.end());
  std::set<std::string> chosen;
  for (size_t i = 0; i < std::min(count, ranked.size()); ++i) chosen.insert(ranked[i].second);
  return chosen;
}

}  // namespace blackstart
