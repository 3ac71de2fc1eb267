// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "agents/language/nearest.h"
#include "agents/language/values.h"
#include "injector/topology/read_topology.h"

namespace blackstart {
namespace {

class Validator {
 public:
  Validator(const Topology& topology, const Document& document, Problems& problems)
      : topology_(topology), document_(document), report_(problems) {}

  void run() {
    check_prefixes();
    check_hosts();
    for (const auto& [name, service] : topology_.services) check_service(service);
    for (size_t i = 0; i < topology_.protect.size(); ++i)
      known("service", topology_.protect[i].service, topology_.services,
            {"spec", "protect", std::to_string(i), "service"});
    if (topology_.lab) check_lab(*topology_.lab);
  }

 private:
  using Path = std::initializer_list<std::string_view>;

  // The name was written at `path`; "" stands for one that is missing, which has been said.
  template <typename Map>
  bool known(const char* what, const std::string& name, const Map& map, Path path) {
    if (name.empty() || map.contains(name)) return true;
    report_.add(document_.locate(path), std::string("there is no ") + what + " \"" + name + "\"",
                suggest(name, names_of(map)));
    return false;
  }

  Location prefix_at(const Site& site, const Prefix& prefix) const {
    const Node* list =
        child(child(child(child(document_.root.get(), "spec"), "sites"), site.name), "prefixes");
    if (list && list->kind == Node::Kind::kScalar) return list->at;
    for (const NodePtr& item : items_of(list))
      if (Prefix::parse(text_of(item.get())) == prefix) return item->at;
    return site.at;
  }

  // In the order of the file, so that the later one is the one reported.
  void check_prefixes() {
    std::vector<std::pair<const Site*, Prefix>> seen;
    for (const Entry& entry : entries_of(child(child(document_.root.get(), "spec"), "sites"))) {
      const Site& site = topology_.sites.at(entry.key);
      for (const Prefix& prefix : site.prefixes) {
        for (const auto& [other, taken] : seen) {
          if (other == &site || !prefix.overlaps(taken)) continue;
          report_.add(prefix_at(site, prefix),
                      "the prefix " + prefix.text() + " of site " + site.name + " overlaps " + taken.text() +
                          " of site " + other->name,
                      "an address must belong to one site");
          break;
        }
        seen.emplace_back(&site, prefix);
      }
    }
  }

  void check_hosts() {
    std::map<Address, const Host*> taken;
    for (const Entry& entry : entries_of(child(child(document_.root.get(), "spec"), "hosts"))) {
      const Host& host = topology_.hosts.at(entry.key);
      known("site", host.site, topology_.sites, {"spec", "hosts", host.name, "site"});
      const Node* addresses = child(entry.value.get(), "address");
      const auto texts = texts_of(addresses);
      for (size_t i = 0; i < texts.size(); ++i) {
        const auto address = Address::parse(texts[i]);
        if (!address) continue;
        const Location at = addresses->kind == Node::Kind::kScalar ? addresses->at : addresses->items[i]->at;
        const auto [first, is_new] = taken.emplace(*address, &host);
        if (!is_new)
          report_.add(at, "the address " + address->text() + " is also that of host " + first->second->name);
        else
          check_inside(host, *address, at);
      }
      check_attached(host);
    }
    if (const Entry* lab = lab_entry(); lab && topology_.attached())
      report_.add(lab->at, "hosts that are attached are no lab",
                  "their services run already: remove lab, or every attach");
  }

  const Entry* lab_entry() const {
    const Node* spec = child(document_.root.get(), "spec");
    return spec ? spec->entry("lab") : nullptr;
  }

  // What is made and what is found share no network.
  void check_attached(const Host& host) {
    if (topology_.attached() && !host.attach)
      report_.add(host.at, "host " + host.name + " is not attached, and others are",
                  "attach every host of the topology, or none");
  }

  void check_inside(const Host& host, const Address& address, const Location& at) {
    const auto site = topology_.sites.find(host.site);
    if (site == topology_.sites.end()) return;
    const Node* written =
        child(child(child(child(document_.root.get(), "spec"), "sites"), host.site), "prefixes");
    // A malformed prefix has been reported; whether the address is inside it cannot be said.
    if (site->second.prefixes.size() != texts_of(written).size()) return;
    std::string all;
    for (const Prefix& prefix : site->second.prefixes) {
      if (prefix.contains(address)) return;
      all += (all.empty() ? "" : ", ") + prefix.text();
    }
    if (all.empty()) return;
    report_.add(at, "the address " + address.text() + " is outside the prefixes of site " + host.site,
                "they are " + all);
  }

  void check_service(const Service& service) {
    check_needs(service);
    const Instance* primary = nullptr;
    std::map<std::pair<std::string, uint16_t>, size_t> taken;
    for (size_t i = 0; i < service.instances.size(); ++i) {
      const Instance& instance = service.instances[i];
      const std::string index = std::to_string(i);
      known("host", instance.host, topology_.hosts,
            {"spec", "services", service.name, "instances", index, "host"});
      if (instance.port && !instance.host.empty() &&
          !taken.emplace(std::pair{instance.host, *instance.port}, i).second)
        report_.add(instance.at, "service " + service.name + " has two instances on " + instance.host +
                                     " port " + std::to_string(*instance.port));
      if (!instance.primary) continue;
      if (primary)
        report_.add(document_.locate({"spec", "services", service.name, "instances", index, "primary"}),
                    "service " + service.name + " has a second primary",
                    "the first is at " + primary->at.text());
      else
        primary = &instance;
    }
    if (!service.buckets.empty() && service.role != "object-storage")
      report_.add(document_.locate({"spec", "services", service.name, "key:buckets"}),
                  "only a service with role object-storage has buckets");
  }

  void check_needs(const Service& service) {
    for (size_t i = 0; i < service.needs.size(); ++i) {
      const Need& need = service.needs[i];
      const std::string index = std::to_string(i);
      const Path path{"spec", "services", service.name, "needs", index, "service"};
      if (!known("service", need.service, topology_.services, path) || need.service.empty()) continue;
      if (need.service == service.name) {
        report_.add(document_.locate(path), "service " + service.name + " needs itself");
        continue;
      }
      const Service& needed = topology_.services.at(need.service);
      bool has_primary = false;
      for (const Instance& instance : needed.instances) has_primary = has_primary || instance.primary;
      if (need.reachable == Need::While::kPrimary && !has_primary)
        report_.add(document_.locate({"spec", "services", service.name, "needs", index, "while"}),
                    "service " + need.service + " has no primary", "mark one instance with primary: true");
    }
  }

  void check_lab(const Lab& lab) {
    if (lab.wan_latency > Duration(0))
      report_.add(document_.locate({"spec", "lab", "wan", "latency"}),
                  "latency between the sites of a lab is not available in this version", "set it to 0ms",
                  Problem::Kind::kMissing);
    for (const auto& [name, run] : lab.run) {
      if (!known("service", name, topology_.services, {"spec", "lab", "run", "key:" + name})) continue;
      const Service& service = topology_.services.at(name);
      if (service.instances.empty() && !service.endpoints.empty())
        report_.add(run.at, "service " + name + " has no instances to start", "list them, or remove this");
      if (!run.ready.http) continue;
      for (const Instance& instance : service.instances) {
        if (instance.port) continue;
        report_.add(document_.locate({"spec", "lab", "run", name, "ready", "http"}),
                    "an instance of " + name + " has no port to ask",
                    "give the instance a port, or use ready: {tcp: PORT}");
        break;
      }
    }
    for (const auto& [name, hosts] : lab.names)
      for (size_t i = 0; i < hosts.size(); ++i)
        known("host", hosts[i], topology_.hosts, {"spec", "lab", "names", name, std::to_string(i)});
  }

  const Topology& topology_;
  const Document& document_;
  Reporter report_;
};

}  // namespace

void validate(const Topology& topology, const Document& document, Problems& problems) {
  Validator(topology, document, problems).run();
}

}  // namespace blackstart
