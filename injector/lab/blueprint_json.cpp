// SPDX-License-Identifier: Apache-2.0
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "injector/lab/blueprint.h"

namespace blackstart {

void to_json(nlohmann::json& json, const Address& address) {
  json = address.text();
}

void from_json(const nlohmann::json& json, Address& address) {
  const auto parsed = Address::parse(json.get<std::string>());
  if (!parsed) throw std::invalid_argument("not an address: " + json.dump());
  address = *parsed;
}

namespace lab {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(InterfaceAddress, address, length)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SitePlan, name, bridge, gateways, resolv_conf)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(HostPlan, name, site, netns, port, addresses, gateways, attached_inode)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ReadyPlan, port, http_path, socket, within_ms)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ProcessPlan, service, host, command, prepare, files, env, user, ready)

void to_json(nlohmann::json& json, const Blueprint& b) {
  json = {{"name", b.name},
          {"bin", b.bin},
          {"topology_file", b.topology_file},
          {"topology_folder", b.topology_folder},
          {"wan_netns", b.wan_netns},
          {"hosts_file", b.hosts_file},
          {"names_file", b.names_file},
          {"sites", b.sites},
          {"hosts", b.hosts},
          {"agents", b.agents},
          {"services", b.services},
          {"keeper", b.keeper}};
}

void from_json(const nlohmann::json& json, Blueprint& b) {
  json.at("name").get_to(b.name);
  json.at("bin").get_to(b.bin);
  json.at("topology_file").get_to(b.topology_file);
  json.at("topology_folder").get_to(b.topology_folder);
  json.at("wan_netns").get_to(b.wan_netns);
  json.at("hosts_file").get_to(b.hosts_file);
  json.at("names_file").get_to(b.names_file);
  json.at("sites").get_to(b.sites);
  json.at("hosts").get_to(b.hosts);
  json.at("agents").get_to(b.agents);
  json.at("services").get_to(b.services);
  json.at("keeper").get_to(b.keeper);
}

}  // namespace lab
}  // namespace blackstart
