// SPDX-License-Identifier: Apache-2.0
// Which service a probe talks to, and for how long it was gray. Real services are in the lab tier.
#include "injector/conduct/gray.h"
#include "tests/support/promise.h"

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

// How long login was gray, its checks fine all the time and its journey like this, a letter a second: '-'
// failed, 'm' missed.
Duration gray_for(const std::string& journey) {
  constexpr UnixNs kSecond = 1'000'000'000, kStart = 1'000 * kSecond;
  Topology topology = small();
  for (auto& [name, host] : topology.hosts) topology.sites[host.site].name = host.site;
  ImpactWatch impact(topology, Plan{});
  Experiment experiment;
  ProbeSpec spec;
  spec.probe.set_name("journey");
  spec.probe.set_every_ns(kSecond);
  spec.probe.set_timeout_ns(kSecond);
  spec.probe.mutable_http()->set_url("http://login.lab:8080/");
  experiment.probes.push_back(spec);
  Histories histories;
  histories.emplace("journey", ProbeHistory(std::chrono::seconds(2)));
  for (size_t i = 0; i < journey.size(); ++i) {
    contract::Sample sample;
    sample.set_sequence(i);
    sample.set_scheduled_unix_ns(kStart + static_cast<int64_t>(i) * kSecond + kSecond / 2);
    sample.set_outcome(contract::Sample::SUCCESS);
    for (const contract::Probe& check : impact.probes()) {
      sample.set_probe(check.name());
      impact.add(sample);
    }
    sample.set_outcome(journey[i] == '-' ? contract::Sample::FAILURE : contract::Sample::MISSED);
    histories.at("journey").add(sample);
  }
  Outcome outcome;
  const UnixNs end = kStart + static_cast<int64_t>(journey.size()) * kSecond;
  fill_gray(topology, experiment, impact, histories, {kStart, kStart, end, end}, outcome);
  return outcome.gray.empty() ? Duration{0} : Duration(outcome.gray[0].to - outcome.gray[0].from);
}

TEST(Gray, WhatNobodySawIsNoPartOfIt) {
  proves("S15");
  EXPECT_EQ(gray_for("----------"), std::chrono::seconds(10));
  EXPECT_EQ(gray_for("-----m----"), std::chrono::seconds(10)) << "one attempt that was missed hides nothing";
  EXPECT_EQ(gray_for("-----" + std::string(30, 'm') + "------"), std::chrono::seconds(6));
}

}  // namespace
}  // namespace blackstart
