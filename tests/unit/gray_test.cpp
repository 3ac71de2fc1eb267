// SPDX-License-Identifier: Apache-2.0
// Which service a probe talks to. What is flagged and what is not is in the lab tier.
#include "injector/conduct/gray.h"

#include <gtest/gtest.h>

namespace blackstart {
namespace {

Topology small() {
  Topology topology;
  topology.sites["pangyo"] = {"pangyo", {}, "", false, {}};
  for (const auto& [host, address] : {std::pair("app-1", "198.18.1.11"), std::pair("app-2", "fd00:18:1::12")})
    topology.hosts[host] = {host, "pangyo", {*Address::parse(address)}, {}, {}};
  Service login;
  login.name = "login";
  for (const char* host : {"app-1", "app-2"}) {
    Instance instance;
    instance.host = host;
    instance.port = 8080;
    login.instances.push_back(instance);
  }
  Service photo;
  photo.name = "photo";
  photo.endpoints = {{"photos.example", 443, {}}};
  topology.services = {{"login", login}, {"photo", photo}};
  return topology;
}

TEST(ServiceBehind, IsWhoeverListensWhereTheProbeAsks) {
  const Topology topology = small();
  const auto behind = [&](const std::string& url) {
    contract::Probe probe;
    probe.mutable_http()->set_url(url);
    return service_behind(topology, probe).value_or("");
  };
  EXPECT_EQ(behind("http://login.lab:8080/a?b=c:1"), "login");
  EXPECT_EQ(behind("http://app-2.lab:8080"), "login");
  EXPECT_EQ(behind("http://user@198.18.1.11:8080/"), "login");
  EXPECT_EQ(behind("http://[fd00:18:1::12]:8080/"), "login");
  EXPECT_EQ(behind("https://photos.example/cat.jpg"), "photo");
  EXPECT_EQ(behind("http://photos.example/cat.jpg"), "") << "another port";
  EXPECT_EQ(behind("http://login.lab:8081/"), "");
  EXPECT_EQ(behind("http://[fd00:18:1::12]/"), "");
  EXPECT_EQ(behind("http://elsewhere.example:8080/"), "");
  for (const char* wrong : {"", "login", "http://", "http://:8080", "http://[", "http://login.lab:x/"})
    EXPECT_EQ(behind(wrong), "") << wrong;
  contract::Probe probe;
  probe.mutable_tcp()->set_host("login.lab");
  probe.mutable_tcp()->set_port(8080);
  EXPECT_EQ(service_behind(topology, probe), "login");
  probe.mutable_command()->add_argv("/bin/true");
  EXPECT_FALSE(service_behind(topology, probe));
}

}  // namespace
}  // namespace blackstart
