// SPDX-License-Identifier: Apache-2.0
#include "injector/plan/select.h"

#include <algorithm>
#include <cmath>

#include "injector/experiment/select.h"
#include "injector/plan/sha256.h"

namespace blackstart {
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

tl::expected<std::set<std::string>, Problem> draw(const std::set<std::string>& matched,
                                                  const std::string& what, const Selector& selector,
                                                  uint64_t seed) {
  if (selector.count) {
    if (*selector.count < 1 || static_cast<size_t>(*selector.count) > matched.size())
      return tl::unexpected(Problem{Problem::Kind::kInvalid, selector.at,
                                    "count is " + std::to_string(*selector.count) + ", but " +
                                        std::to_string(matched.size()) + " " + what + " match " +
                                        in_words(selector),
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

tl::expected<std::set<std::string>, Problem> select_hosts(const Topology& topology, const Selector& selector,
                                                          uint64_t seed) {
  if (selector.empty())
    return tl::unexpected(Problem{Problem::Kind::kInvalid, selector.at, "nothing is selected",
                                  "name a site, group, host, service, role, tier or labels"});
  std::set<std::string> matched;
  for (const Host* host : matching_hosts(selector, topology)) {
    const Site& site = topology.sites.at(host->site);
    if (site.outside) return tl::unexpected(outside_is_no_target(site, host->name));
    matched.insert(host->name);
  }
  if (matched.empty())
    return tl::unexpected(Problem{Problem::Kind::kInvalid, selector.at,
                                  "no host matches " + in_words(selector),
                                  "a fault without a target would prove nothing"});
  return draw(matched, "hosts", selector, seed);
}

bool selects_whole_sites(const Selector& selector) {
  return (!selector.site.empty() || !selector.group.empty()) && selector.host.empty() &&
         selector.service.empty() && selector.role.empty() && !selector.tier && selector.labels.empty() &&
         !selector.share && !selector.count;
}

Problem outside_is_no_target(const Site& site, const std::string& named) {
  return {Problem::Kind::kRefused, site.outside_at,
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
