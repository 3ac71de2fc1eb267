// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "injector/experiment/load.h"
#include "injector/topology/roles.h"
#include "tests/support/marked_yaml.h"
#include "tests/support/promise.h"

namespace blackstart {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kHead[] = "apiVersion: blackstart/v1\nkind: Topology\nmetadata: {name: t}\nspec:\n";

tl::expected<Topology, Problems> load_text(const std::string& spec) {
  return load_topology("t.yaml", [&](const std::string&) -> Result<std::string> { return kHead + spec; });
}

TEST(Topology, EveryMistakeIsLocated) {
  const std::string path = test::support_file("mistakes/topology.yaml");
  const auto expected = test::read_marks(path);
  ASSERT_EQ(expected.size(), 45u);
  const auto topology = load_topology(path);
  ASSERT_FALSE(topology);
  test::expect_exactly(expected, topology.error());
  for (const Problem& problem : topology.error()) EXPECT_EQ(problem.at.file, path);
}

TEST(Topology, TheExampleReadsAsWritten) {
  const auto loaded = load_topology(test::support_file("examples/messenger-lab.yaml"));
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->name, "messenger-lab");
  EXPECT_EQ(loaded->sites.at("pangyo").group, "seongnam");
  EXPECT_TRUE(loaded->sites.at("users").outside);
  EXPECT_EQ(loaded->hosts.at("pangyo-app-1").addresses.at(1).text(), "fd00:18:1::11");
  EXPECT_EQ(loaded->hosts.at("pangyo-app-1").labels.at("rack"), "a1");
  const Service& login = loaded->services.at("login");
  EXPECT_EQ(login.tier, 1);
  EXPECT_EQ(login.needs.at(0).service, "session-cache");
  EXPECT_EQ(std::get<ServiceCheck::Http>(login.check.how).status, 200);
  EXPECT_EQ(loaded->services.at("photo-store").endpoints.at(0).name, "photos.store.lab");
  EXPECT_EQ(loaded->services.at("photo-store").endpoints.at(0).port, 80);
  EXPECT_EQ(loaded->services.at("deploy").instances.at(0).process->exe, "/usr/sbin/sshd");
  EXPECT_EQ(loaded->protect.at(0).prefix->text(), "198.18.0.0/24");
  EXPECT_EQ(loaded->protect.at(1).port, 22);
  const LabRun& run = loaded->lab->run.at("session-cache");
  EXPECT_THAT(run.command, ElementsAre("redis-server", "--port", "6379", "--bind", "*"));
  EXPECT_EQ(run.ready.tcp, 6379);
}

TEST(Topology, NamesResolve) {
  const auto loaded = load_text(R"(
  sites: {a: {prefixes: [198.18.0.0/16, "fd00:18::/64"]}, b: {prefixes: 198.19.0.0/16}}
  hosts: {a-1: {site: a, address: [198.18.0.1, "fd00:18::1"]}, b-1: {site: b, address: 198.19.0.1}}
  services: {web: {role: app, instances: [{host: a-1, port: 80}, {host: b-1, port: 80}]}}
  lab: {names: {www.example: [b-1]}}
)");
  ASSERT_TRUE(loaded);
  const auto resolved = [&](const std::string& name) {
    std::string text;
    for (const Address& address : loaded->resolve(name)) text += (text.empty() ? "" : " ") + address.text();
    return text;
  };
  EXPECT_EQ(resolved("a-1"), "198.18.0.1 fd00:18::1");
  EXPECT_EQ(resolved("a-1.lab"), "198.18.0.1 fd00:18::1");
  EXPECT_EQ(resolved("web.lab"), "198.18.0.1 fd00:18::1 198.19.0.1");
  EXPECT_EQ(resolved("www.example"), "198.19.0.1");
  EXPECT_EQ(resolved("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(resolved("nobody.lab"), "");
  EXPECT_EQ(loaded->site_of(*Address::parse("198.19.4.4"))->name, "b");
  EXPECT_EQ(loaded->site_of(*Address::parse("192.0.2.7")), nullptr);
  EXPECT_EQ(loaded->hosts_of_site("a").size(), 1u);
}

TEST(Topology, WhatThisVersionCannotDoIsMissingNotInvalid) {
  proves("S6");
  const auto loaded = load_text(R"(
  sites: {a: {prefixes: [198.18.0.0/16]}}
  lab: {wan: {latency: 5ms}}
)");
  ASSERT_FALSE(loaded);
  ASSERT_EQ(loaded.error().size(), 1u);
  EXPECT_EQ(loaded.error()[0].kind, Problem::Kind::kMissing);
  EXPECT_THAT(loaded.error()[0].message, HasSubstr("not available in this version"));
}

TEST(Topology, HostsAreAttachedAllOrNoneAndThenThereIsNoLab) {
  const auto loaded = load_text(R"(
  sites: {a: {prefixes: [198.18.0.0/16]}}
  hosts:
    a-1: {site: a, address: 198.18.0.1, attach: {container: web}}
    a-2: {site: a, address: 198.18.0.2, attach: {pid: 4711}}
    a-3: {site: a, address: 198.18.0.3, attach: {netns: /run/netns/db}}
)");
  ASSERT_TRUE(loaded) << loaded.error().front().message;
  EXPECT_TRUE(loaded->attached());
  EXPECT_EQ(loaded->hosts.at("a-1").attach->container, "web");
  EXPECT_EQ(loaded->hosts.at("a-2").attach->pid, 4711);
  EXPECT_EQ(loaded->hosts.at("a-3").attach->netns, "/run/netns/db");

  const auto mixed = load_text(R"(
  sites: {a: {prefixes: [198.18.0.0/16]}}
  hosts:
    a-1: {site: a, address: 198.18.0.1, attach: {container: web}}
    a-2: {site: a, address: 198.18.0.2}
  lab: {}
)");
  ASSERT_FALSE(mixed);
  ASSERT_EQ(mixed.error().size(), 2u);
  EXPECT_THAT(mixed.error()[0].message, HasSubstr("a-2 is not attached"));
  EXPECT_THAT(mixed.error()[1].message, HasSubstr("no lab"));
}

TEST(Topology, AMissingFileIsAProblemOfThatFile) {
  const auto loaded = load_topology("/nonexistent/t.yaml");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().at(0).at.text(), "/nonexistent/t.yaml");
  EXPECT_THAT(loaded.error().at(0).message, HasSubstr("No such file"));
  EXPECT_FALSE(load_topology("/"));
}

TEST(Roles, OpsStandsForEveryOpsRole) {
  EXPECT_TRUE(role_fits("ops", "ops/deploy"));
  EXPECT_TRUE(role_fits("ops/dns", "ops/dns"));
  EXPECT_FALSE(role_fits("ops", "dns"));
  EXPECT_FALSE(role_fits("dns", "ops/dns"));
}

}  // namespace
}  // namespace blackstart
