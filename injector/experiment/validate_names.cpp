// SPDX-License-Identifier: Apache-2.0
// What an experiment says about a topology: names that must exist, selectors that must match, and
// targets that may not be.
#include <algorithm>
#include <set>

#include "agents/contract/safety.h"
#include "agents/language/nearest.h"
#include "agents/language/values.h"
#include "injector/experiment/read_experiment.h"
#include "injector/experiment/select.h"
#include "injector/topology/roles.h"

namespace blackstart {
namespace {

constexpr char kObjectStorage[] = "object-storage";

class Validator {
 public:
  Validator(const Experiment& experiment, const Topology& topology, const Document& document,
            Problems& problems)
      : experiment_(experiment),
        topology_(topology),
        spec_(child(document.root.get(), "spec")),
        report_(problems) {
    for (const auto& [name, site] : topology.sites)
      if (!site.group.empty()) groups_.insert(site.group);
    sides_ = names_of(topology.sites);
    sides_.insert(sides_.end(), groups_.begin(), groups_.end());
  }

  void run() {
    for (const Node* list :
         {child(child(spec_, "steadyState"), "probes"), child(spec_, "guards"), child(spec_, "requires")})
      for (const NodePtr& item : items_of(list))
        known("host", child(item.get(), "from"), names_of(topology_.hosts));
    for (const NodePtr& item : items_of(child(spec_, "records")))
      known("host", child(item.get(), "from"), names_of(topology_.hosts));
    known("host", child(child(spec_, "noIncident"), "from"), names_of(topology_.hosts));
    size_t next = 0;
    for (const NodePtr& entry : items_of(child(spec_, "timeline"))) {
      if (child(entry.get(), "fault"))
        check_fault(experiment_.faults.at(next++), entry.get());
      else if (const Node* start = child(entry.get(), "cold-start"))
        check_cold_start(start);
    }
    check_unprotect(child(spec_, "unprotect"));
  }

 private:
  bool known(const std::string& what, const Node* node, const std::vector<std::string>& names) {
    const std::string name = text_of(node);
    if (name.empty() || std::find(names.begin(), names.end(), name) != names.end()) return true;
    report_.add(node->at, "the topology has no " + what + " \"" + name + "\"", suggest(name, names));
    return false;
  }

  void check_fault(const FaultSpec& fault, const Node* node) {
    for (const NodePtr& side : items_of(child(node, "between"))) known("site or group", side.get(), sides_);
    check_except(child(node, "except"));
    const std::vector<std::string> groups(groups_.begin(), groups_.end());
    // Each is asked, so that every unknown name is reported.
    bool all_known = known("host", child(node, "host"), names_of(topology_.hosts));
    all_known = known("site", child(node, "site"), names_of(topology_.sites)) && all_known;
    all_known = known("group", child(node, "group"), groups) && all_known;
    all_known = known("service", child(node, "service"), names_of(topology_.services)) && all_known;
    if (fault.kind == "partition") return check_partition(fault, node);
    if (!all_known || fault.selector.empty()) return;
    if (fault.kind == "storage-drop") return check_storage(fault, node);
    if (fault.what == FaultKind::kServiceKill || fault.what == FaultKind::kServiceFreeze)
      return check_instances(fault, node);
    check_targets(fault, node);
  }

  void check_cold_start(const Node* node) {
    known("service", child(node, "service"), names_of(topology_.services));
    const Node* in = child(node, "in");
    if (!known("site", in, names_of(topology_.sites))) return;
    if (const auto site = topology_.sites.find(text_of(in));
        site != topology_.sites.end() && site->second.outside)
      refuse_outside(site->second, in->at);
  }

  void check_unprotect(const Node* list) {
    std::vector<std::string> names{std::to_string(kSshPort)};
    for (const Protected& entry : topology_.protect) names.push_back(protected_name(entry));
    const std::vector<NodePtr>& items = items_of(list);
    for (size_t i = 0; i < std::min(items.size(), experiment_.unprotect.size()); ++i) {
      const std::string& name = experiment_.unprotect[i];
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      report_.add(items[i]->at, "nothing protected is called \"" + name + "\"", suggest(name, names));
    }
  }

  // Where the selector of a fault is written: its first key.
  static Location selector_at(const Node* node) {
    static const std::set<std::string> keys{"host", "site", "group", "service", "role", "tier", "labels"};
    for (const Entry& entry : node->entries)
      if (keys.contains(entry.key)) return entry.value->at;
    return node->at;
  }

  void refuse_outside(const Site& site, const Location& at) {
    report_.add(
        at,
        "site " + site.name + " is marked outside at " + site.outside_at.text() + " and is never a target",
        "select hosts of another site", Problem::Kind::kRefused);
  }

  // True when one of the hosts stands outside; reported once a site.
  bool any_outside(const std::vector<const Host*>& hosts, const Location& at) {
    std::set<std::string> seen;
    for (const Host* host : hosts) {
      const auto site = topology_.sites.find(host->site);
      if (site != topology_.sites.end() && site->second.outside && seen.insert(host->site).second)
        refuse_outside(site->second, at);
    }
    return !seen.empty();
  }

  void check_targets(const FaultSpec& fault, const Node* node) {
    if (const auto site = topology_.sites.find(fault.selector.site);
        site != topology_.sites.end() && site->second.outside)
      return refuse_outside(site->second, selector_at(node));
    const auto hosts = matching_hosts(fault.selector, topology_);
    if (hosts.empty()) {
      report_.add(selector_at(node), fault.kind + " matches no host of the topology",
                  "a fault without a target would prove nothing");
      return;
    }
    any_outside(hosts, selector_at(node));
    check_count(fault, node, hosts.size(), "host");
  }

  // Faults on processes: of services' instances or, where `process` says which, of hosts.
  void check_instances(const FaultSpec& fault, const Node* node) {
    if (fault.process && !about_services(fault.selector)) return check_targets(fault, node);
    const auto found = matching_instances(fault.selector, topology_);
    std::vector<const Host*> hosts;
    for (const InstanceMatch& each : found) hosts.push_back(&topology_.hosts.at(each.instance->host));
    if (found.empty())
      report_.add(selector_at(node), fault.kind + " matches no instance of a service",
                  "a fault without a target would prove nothing");
    else if (!any_outside(hosts, selector_at(node)))
      check_count(fault, node, found.size(), "instance");
  }

  void check_count(const FaultSpec& fault, const Node* node, size_t matched, const std::string& what) {
    if (!fault.selector.count || static_cast<size_t>(*fault.selector.count) <= matched) return;
    report_.add(child(node, "count")->at,
                "count is " + std::to_string(*fault.selector.count) + ", but only " +
                    std::to_string(matched) +
                    (matched == 1 ? " " + what + " matches" : " " + what + "s match"));
  }

  void check_storage(const FaultSpec& fault, const Node* node) {
    const auto services = matching_services(fault.selector, topology_);
    const Location at = selector_at(node);
    bool any = false;
    for (const Service* service : services) {
      if (service->role == kObjectStorage) {
        any = true;
        any_outside(hosts_of_service(*service, topology_), at);
      }
    }
    if (any) return;
    const auto named = topology_.services.find(fault.selector.service);
    if (named != topology_.services.end() && named->second.role != kObjectStorage) {
      report_.add(at, "service " + named->first + " has role " + named->second.role +
                          ", storage-drop needs role object-storage");
      return;
    }
    report_.add(at, "storage-drop matches no service with role object-storage",
                "a fault without a target would prove nothing");
  }

  void check_partition(const FaultSpec& fault, const Node* node) {
    if (fault.between.size() != 2) return;
    const auto a = sites_of_side(fault.between[0], topology_), b = sites_of_side(fault.between[1], topology_);
    if (a.empty() || b.empty()) return;
    const Location second = child(node, "between")->items[1]->at;
    for (const Site* one : a)
      for (const Site* other : b)
        if (one == other) {
          report_.add(second, "site " + one->name + " stands on both sides",
                      "the two sides must have no site in common");
          return;
        }
    const auto outside = [](const std::vector<const Site*>& side) {
      return std::all_of(side.begin(), side.end(), [](const Site* site) { return site->outside; });
    };
    if (outside(a) && outside(b)) refuse_outside(*b.front(), second);
  }

  void check_except(const Node* node) {
    if (!node) return;
    if (node->kind == Node::Kind::kScalar) return check_exception(*node);
    for (const NodePtr& item : items_of(node)) check_exception(*item);
  }

  void check_exception(const Node& node) {
    if (Prefix::parse(text_of(&node))) return;
    std::vector<std::string> names = sides_;
    for (const auto& [name, host] : topology_.hosts) names.push_back(name);
    for (const auto& [name, service] : topology_.services) names.push_back(name);
    known("host, service, site, group or prefix", &node, names);
  }

  const Experiment& experiment_;
  const Topology& topology_;
  const Node* spec_;
  Reporter report_;
  std::set<std::string> groups_;
  std::vector<std::string> sides_;  // what `between` may name
};

}  // namespace

void validate(const Experiment& experiment, const Topology& topology, const Document& document,
              Problems& problems) {
  Validator(experiment, topology, document, problems).run();
}

}  // namespace blackstart
