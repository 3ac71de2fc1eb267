// SPDX-License-Identifier: Apache-2.0
#include "injector/lab/blueprint.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "injector/lab/names.h"
#include "injector/lab/paths.h"
#include "injector/lab/placeholders.h"

namespace blackstart::lab {
namespace {

namespace fs = std::filesystem;
using Values = std::map<std::string, std::string>;

constexpr size_t kLongestInterfaceName = 15;

tl::unexpected<Error> invalid(const std::string& operation, const std::string& object,
                              const std::string& hint) {
  return fail(ErrorKind::kInvalid, operation, object, 0, hint);
}

// Names become file names, namespaces and cgroups.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 && name[0] != '.' && name[0] != '-' &&
         std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '.' || c == '_'; });
}

// The name itself, or as much of it as an interface's name can hold, made unique by a number.
std::string interface_name(const std::string& name, size_t number) {
  if (name.size() <= kLongestInterfaceName && name != "lo") return name;
  const std::string tail = "#" + std::to_string(number);
  return name.substr(0, kLongestInterfaceName - tail.size()) + tail;
}

Result<InterfaceAddress> gateway_of(const Prefix& prefix) {
  if (prefix.length > prefix.base.bits() - 2)
    return invalid("make a lab with prefix", prefix.text(), "it has no room for hosts and a gateway");
  InterfaceAddress gateway{prefix.base, prefix.length};
  gateway.address.bytes[prefix.base.size() - 1] += 1;
  return gateway;
}

const Prefix* prefix_of(const Site& site, const Address& address) {
  const Prefix* best = nullptr;
  for (const Prefix& prefix : site.prefixes)
    if (prefix.contains(address) && (!best || prefix.length > best->length)) best = &prefix;
  return best;
}

Result<SitePlan> plan_site(const Topology& topology, const Site& site, size_t number) {
  SitePlan plan{site.name, interface_name("br-" + site.name, number), {}, resolv_conf(topology, site.name)};
  if (topology.attached()) return SitePlan{site.name, "", {}, plan.resolv_conf};
  for (const Prefix& prefix : site.prefixes) {
    const auto gateway = gateway_of(prefix);
    if (!gateway) return tl::unexpected(gateway.error());
    plan.gateways.push_back(*gateway);
  }
  return plan;
}

Result<HostPlan> plan_host(const Topology& topology, const Host& host, size_t number,
                           const Attachments& attached) {
  if (!is_plain_name(host.name) || host.name == kWan || host.name == kKeeper || host.name.starts_with("br-"))
    return invalid("make a lab with host", host.name,
                   "a host is named by letters, digits, '-', '_' and '.', and not wan, keeper or br-…");
  const auto site = topology.sites.find(host.site);
  if (site == topology.sites.end())
    return invalid("make a lab with host", host.name, "its site does not exist");
  HostPlan plan{host.name, host.site, topology.name + "-" + host.name, interface_name(host.name, number),
                {},        {}};
  if (host.attach) {
    const auto found = attached.find(host.name);
    if (found == attached.end())
      return invalid("attach host", host.name, "its network namespace has not been looked for");
    plan.netns = found->second.path;
    plan.port.clear();
    plan.attached_inode = found->second.inode;
  }
  std::set<bool> families;
  for (const Address& address : host.addresses) {
    const Prefix* prefix = prefix_of(site->second, address);
    if (!prefix)
      return invalid("make a lab with " + host.name + ":", address.text(),
                     "it is in no prefix of site " + host.site);
    if (host.attach) {
      plan.addresses.push_back({address, prefix->length});
      continue;
    }
    const auto gateway = gateway_of(*prefix);
    if (!gateway) return tl::unexpected(gateway.error());
    if (gateway->address == address)
      return invalid("make a lab with " + host.name + ":", address.text(),
                     "the first address of a prefix is its gateway's");
    plan.addresses.push_back({address, prefix->length});
    if (families.insert(address.v6).second) plan.gateways.push_back(gateway->address);
  }
  return plan;
}

Values values_for(const Topology& topology, const Host& host, const Instance& instance,
                  const std::string& service) {
  const Paths paths = Paths::of(topology.name);
  Values values{{"host", host.name},
                {"site", host.site},
                {"dir", paths.process(host.name, service)},
                {"names", paths.names()},
                {"bin", paths.bin()}};
  for (const Address& address : host.addresses)
    values.try_emplace(address.v6 ? "address6" : "address", address.text());
  if (instance.port) values["port"] = std::to_string(*instance.port);
  if (!topology.file.empty()) values["topology"] = paths.topology();
  return values;
}

Result<std::vector<std::string>> expand_all(const std::vector<std::string>& words, const Values& values,
                                            const std::string& where) {
  std::vector<std::string> expanded;
  for (const std::string& word : words) {
    auto one = expand(word, values, where);
    if (!one) return tl::unexpected(one.error());
    expanded.push_back(std::move(*one));
  }
  return expanded;
}

Result<std::string> read_template(const Topology& topology, const std::string& name) {
  const fs::path path = fs::path(topology.file).parent_path() / name;
  std::ifstream file(path);
  std::stringstream text;
  if (!(file && text << file.rdbuf()))
    return invalid("read the template", path, "files: of a lab's run stand beside the topology");
  return text.str();
}

Result<ProcessPlan> plan_process(const Topology& topology, const Service& service, const Instance& instance,
                                 const LabRun& run, const std::string& label) {
  const std::string where = "lab.run." + service.name;
  const auto host = topology.hosts.find(instance.host);
  if (host == topology.hosts.end())
    return invalid("start", service.name, "there is no host " + instance.host);
  const Values values = values_for(topology, host->second, instance, label);

  ProcessPlan plan;
  plan.service = label;
  plan.host = instance.host;
  plan.user = run.user;
  auto command = expand_all(run.command, values, where + ".command");
  if (!command) return tl::unexpected(command.error());
  if (command->empty()) return invalid("start", service.name, where + ".command is empty");
  plan.command = std::move(*command);
  for (const auto& words : run.prepare) {
    auto step = expand_all(words, values, where + ".prepare");
    if (!step) return tl::unexpected(step.error());
    if (step->empty()) return invalid("start", service.name, "a command of " + where + ".prepare is empty");
    plan.prepare.push_back(std::move(*step));
  }
  for (const auto& [name, value] : run.env) {
    auto text = expand(value, values, where + ".env." + name);
    if (!text) return tl::unexpected(text.error());
    plan.env[name] = std::move(*text);
  }
  for (const auto& [name, source] : run.files) {
    const fs::path inside = fs::path(name).lexically_normal();
    if (inside.is_absolute() || inside.empty() || *inside.begin() == "..")
      return invalid("write", name, where + ".files are named relative to {dir}");
    auto text = read_template(topology, source);
    if (!text) return tl::unexpected(text.error());
    text = expand(*text, values, source);
    if (!text) return tl::unexpected(text.error());
    plan.files[name] = std::move(*text);
  }
  plan.ready.within_ms = std::chrono::duration_cast<std::chrono::milliseconds>(run.ready.within).count();
  plan.ready.http_path = run.ready.http.value_or("");
  plan.ready.port = run.ready.tcp.value_or(instance.port.value_or(0));
  if (run.ready.http && plan.ready.port == 0)
    return invalid("start", service.name, where + ".ready.http needs an instance with a port");
  return plan;
}

ProcessPlan plan_agent(const Paths& paths, const std::string& binary, const std::string& host,
                       const std::string& site, bool kept) {
  ProcessPlan plan;
  plan.service = kAgent;
  plan.host = host;
  plan.ready.socket = paths.agent_socket(host);
  plan.command = {binary,
                  "--lab",
                  "--host",
                  host,
                  "--site",
                  site,
                  "--socket",
                  plan.ready.socket,
                  "--state",
                  paths.process(host, kAgent),
                  "--metrics-listen",
                  "0.0.0.0:9464"};
  if (kept) plan.command.insert(plan.command.end(), {"--keeper", paths.keeper_socket()});
  return plan;
}

}  // namespace

bool ProcessPlan::is_agent() const {
  return service == kAgent;
}

const HostPlan* Blueprint::host(const std::string& wanted) const {
  const auto found =
      std::find_if(hosts.begin(), hosts.end(), [&](const HostPlan& h) { return h.name == wanted; });
  return found == hosts.end() ? nullptr : &*found;
}

const SitePlan* Blueprint::site(const std::string& wanted) const {
  const auto found =
      std::find_if(sites.begin(), sites.end(), [&](const SitePlan& s) { return s.name == wanted; });
  return found == sites.end() ? nullptr : &*found;
}

std::string Blueprint::netns_of(const std::string& wanted) const {
  if (wanted == kWan) return wan_netns;
  const HostPlan* found = host(wanted);
  return found ? found->netns : "";
}

Result<Blueprint> make_blueprint(const Topology& topology, const std::string& bin,
                                 const std::string& agent_binary, const Attachments& attached,
                                 const std::string& keeper_binary) {
  if (!is_plain_name(topology.name))
    return invalid("make a lab named", topology.name, "use letters, digits, '-', '_' and '.'");
  if (!topology.lab && !topology.attached())
    return invalid("make a lab of", topology.name,
                   "the topology has no lab: section, so nothing says how to start its services, and its "
                   "hosts are not attached");
  if (topology.lab && topology.lab->wan_latency.count() > 0)
    return fail(ErrorKind::kMissing, "delay the wan of", topology.name, 0,
                "not available in this version; leave lab.wan.latency at 0ms");

  Blueprint blueprint;
  blueprint.name = topology.name;
  blueprint.bin = bin;
  if (!topology.file.empty()) {
    blueprint.topology_file = fs::weakly_canonical(topology.file);
    blueprint.topology_folder = fs::path(blueprint.topology_file).parent_path();
  }
  if (!topology.attached()) blueprint.wan_netns = topology.name + "-" + kWan;
  blueprint.hosts_file = hosts_file(topology);
  blueprint.names_file = host_names(topology) + service_names(topology);

  for (const auto& [name, site] : topology.sites) {
    auto plan = plan_site(topology, site, blueprint.sites.size());
    if (!plan) return tl::unexpected(plan.error());
    blueprint.sites.push_back(std::move(*plan));
  }
  const Paths paths = Paths::of(topology.name);
  if (topology.lab) blueprint.keeper = keeper_binary;
  const bool kept = !blueprint.keeper.empty();
  for (const auto& [name, host] : topology.hosts) {
    auto plan = plan_host(topology, host, blueprint.hosts.size(), attached);
    if (!plan) return tl::unexpected(plan.error());
    blueprint.hosts.push_back(std::move(*plan));
    if (!agent_binary.empty())
      blueprint.agents.push_back(plan_agent(paths, agent_binary, name, host.site, kept));
  }
  if (!topology.lab) return blueprint;
  if (!agent_binary.empty()) blueprint.agents.push_back(plan_agent(paths, agent_binary, kWan, "", kept));

  for (const auto& [name, service] : topology.services) {
    const auto run = topology.lab->run.find(name);
    if (run == topology.lab->run.end()) continue;
    if (!is_plain_name(name) || name == kAgent)
      return invalid("make a lab with service", name,
                     "a service is named by letters, digits, '-', '_' and '.', and not agent");
    std::set<std::string> hosts;
    for (const Instance& instance : service.instances) {
      if (!hosts.insert(instance.host).second)
        return invalid("start " + name + " twice on", instance.host,
                       "a lab runs one instance of a service on a host");
      auto plan = plan_process(topology, service, instance, run->second, name);
      if (!plan) return tl::unexpected(plan.error());
      blueprint.services.push_back(std::move(*plan));
    }
  }
  return blueprint;
}

Result<ProcessPlan> plan_fresh(const Topology& topology, const Blueprint& blueprint, const std::string& host,
                               const std::string& service) {
  const std::string operation = "start a fresh " + service + " on";
  const auto known = topology.services.find(service);
  if (known == topology.services.end() || !topology.lab || !topology.lab->run.contains(service) ||
      known->second.instances.empty())
    return invalid(operation, host, "the lab does not start that service anywhere");
  Instance instance = known->second.instances.front();
  instance.host = host;
  auto plan =
      plan_process(topology, known->second, instance, topology.lab->run.at(service), service + kFresh);
  if (!plan) return plan;
  for (const ProcessPlan& own : blueprint.services) {
    if (own.host != host) continue;
    if (own.service == service) return invalid(operation, host, "it has one already");
    if (plan->ready.port != 0 && own.ready.port == plan->ready.port)
      return invalid(operation, host,
                     own.service + " has port " + std::to_string(plan->ready.port) + " there");
  }
  return plan;
}

}  // namespace blackstart::lab
