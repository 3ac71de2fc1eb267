// SPDX-License-Identifier: Apache-2.0
#include "injector/lab/blueprint.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "injector/lab/names.h"
#include "injector/lab/placeholders.h"

namespace blackstart::lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::map<std::string, std::string> kValues{{"host", "a1"}, {"address6", "fd00::1"}};

TEST(Placeholders, AreReplacedWherePutAndAsOftenAsPut) {
  EXPECT_EQ(expand("{host}-{host} [{address6}]", kValues, "x").value(), "a1-a1 [fd00::1]");
  EXPECT_EQ(expand("", kValues, "x").value(), "");
}

TEST(Placeholders, OtherBracesStay) {
  for (const std::string text : {"server { listen 80; }", "{replication_ip}::object", "{job=\"x\"}",
                                 "{{end}} {{ host }}", "{", "{}", "a } b {", "{Host}"})
    EXPECT_EQ(expand(text, kValues, "x").value(), text);
}

TEST(Placeholders, AnUnknownOneIsAnErrorThatNamesItAndItsPlace) {
  const auto result = expand("{hots}", kValues, "lab.run.login.command");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(result.error().message(),
              testing::AllOf(HasSubstr("{hots}"), HasSubstr("lab.run.login.command"),
                             HasSubstr("{address6} {host}")));
}

Host host(const std::string& name, const std::string& site, const std::string& v4, const std::string& v6) {
  Host made;
  made.name = name;
  made.site = site;
  made.addresses = {*Address::parse(v4), *Address::parse(v6)};
  return made;
}

Topology small() {
  Topology topology;
  topology.name = "small";
  for (const std::string n : {"1", "2"}) {
    const std::string site = "s" + n;
    topology.sites[site] = {
        site,
        {*Prefix::parse("198.18." + n + ".0/24"), *Prefix::parse("fd00:18:" + n + "::/64")},
        "",
        false,
        {}};
    const std::string name = "h" + n;
    topology.hosts[name] = host(name, site, "198.18." + n + ".11", "fd00:18:" + n + "::11");
  }
  Service& login = topology.services["login"];
  login.name = "login";
  login.instances = {{.host = "h1", .port = 8080, .process = {}},
                     {.host = "h2", .port = 8080, .process = {}}};
  topology.lab.emplace();
  topology.lab->names["login.example"] = {"h2"};
  topology.lab->run["login"].command = {"{bin}/x",    "{host}", "{site}", "{address}",
                                        "{address6}", "{port}", "{dir}",  "{names}"};
  return topology;
}

void add_dns(Topology& topology) {
  Service& dns = topology.services["dns"];
  dns.name = dns.role = "dns";
  dns.instances = {{.host = "h1", .port = 53, .process = {}}, {.host = "h2", .port = 53, .process = {}}};
  topology.lab->run["dns"].command = {"dnsmasq"};
}

TEST(Names, HostsFileHasEveryNameWhereNoNameServerRuns) {
  const std::string text = hosts_file(small());
  for (const std::string line :
       {"127.0.0.1 localhost\n", "198.18.1.11 h1 h1.lab\n", "fd00:18:2::11 h2 h2.lab\n",
        "198.18.1.11 login.lab\n", "198.18.2.11 login.lab\n", "198.18.2.11 login.example\n"})
    EXPECT_THAT(text, HasSubstr(line));
  EXPECT_THAT(text, Not(HasSubstr("198.18.1.11 login.example")));
  EXPECT_THAT(resolv_conf(small(), "s1"), Not(HasSubstr("nameserver")));
}

TEST(Names, WithNameServersTheHostsFileHasOnlyHosts) {
  Topology topology = small();
  add_dns(topology);
  EXPECT_THAT(hosts_file(topology), testing::AllOf(HasSubstr("h1.lab"), Not(HasSubstr("login.lab"))));
  EXPECT_THAT(service_names(topology), HasSubstr("198.18.1.11 login.lab\n"));
}

TEST(Names, TheNameServerOfTheOwnSiteIsAskedFirst) {
  Topology topology = small();
  add_dns(topology);
  EXPECT_EQ(resolv_conf(topology, "s2"),
            "options timeout:1 attempts:1\nnameserver 198.18.2.11\nnameserver 198.18.1.11\n");
  EXPECT_EQ(resolv_conf(topology, "s1"),
            "options timeout:1 attempts:1\nnameserver 198.18.1.11\nnameserver 198.18.2.11\n");
  topology.lab->run.erase("dns");
  EXPECT_THAT(resolv_conf(topology, "s1"), Not(HasSubstr("nameserver"))) << "declared, but not started here";
}

TEST(BlueprintTest, GivesEveryHostItsAddressesGatewaysAndNames) {
  const auto blueprint = make_blueprint(small(), "/opt/bin", "");
  ASSERT_TRUE(blueprint) << blueprint.error().message();
  const HostPlan& plan = *blueprint->host("h2");
  EXPECT_EQ(plan.netns, "small-h2");
  EXPECT_EQ(plan.port, "h2");
  EXPECT_EQ(plan.addresses[0].length, 24);
  EXPECT_EQ(plan.addresses[1].length, 64);
  EXPECT_THAT(plan.gateways, ElementsAre(*Address::parse("198.18.2.1"), *Address::parse("fd00:18:2::1")));
  EXPECT_EQ(blueprint->site("s1")->bridge, "br-s1");
  EXPECT_EQ(blueprint->netns_of("wan"), "small-wan");
  EXPECT_EQ(blueprint->netns_of("h3"), "");
}

TEST(BlueprintTest, ExpandsThePlaceholdersOfEachInstance) {
  const auto blueprint = make_blueprint(small(), "/opt/bin", "");
  ASSERT_TRUE(blueprint) << blueprint.error().message();
  EXPECT_THAT(
      blueprint->services[1].command,
      ElementsAre("/run/blackstart/lab/small/bin/x", "h2", "s2", "198.18.2.11", "fd00:18:2::11", "8080",
                  "/run/blackstart/lab/small/hosts/h2/login", "/run/blackstart/lab/small/names"));
  EXPECT_EQ(blueprint->services[1].ready.port, 8080) << "left out: a TCP connect to the instance's port";
}

TEST(BlueprintTest, EveryHostAndTheRouterGetAnAgent) {
  const auto blueprint = make_blueprint(small(), "/opt/bin", "/opt/bin/blackstart-agent");
  ASSERT_TRUE(blueprint);
  ASSERT_EQ(blueprint->agents.size(), 3u);
  EXPECT_EQ(blueprint->agents.back().host, "wan");
  EXPECT_THAT(blueprint->agents[0].command,
              ElementsAre("/opt/bin/blackstart-agent", "--lab", "--host", "h1", "--site", "s1", "--socket",
                          "/run/blackstart/lab/small/agents/h1.sock", "--state",
                          "/run/blackstart/lab/small/hosts/h1/agent", "--metrics-listen", "0.0.0.0:9464"));
}

TEST(BlueprintTest, AgentsAreToldOfTheKeeper) {
  const auto blueprint =
      make_blueprint(small(), "/opt/bin", "/opt/bin/blackstart-agent", {}, "/opt/bin/blackstart");
  ASSERT_TRUE(blueprint);
  EXPECT_EQ(blueprint->keeper, "/opt/bin/blackstart");
  const auto& command = blueprint->agents[0].command;
  ASSERT_GE(command.size(), 2u);
  EXPECT_EQ(command[command.size() - 2], "--keeper");
  EXPECT_EQ(command.back(), "/run/blackstart/lab/small/keeper");
}

TEST(BlueprintTest, AFreshInstanceStandsBesideTheOthers) {
  Topology topology = small();
  topology.hosts["h3"] = host("h3", "s1", "198.18.1.13", "fd00:18:1::13");
  const auto blueprint = make_blueprint(topology, "/opt/bin", "");
  ASSERT_TRUE(blueprint);
  const auto fresh = plan_fresh(topology, *blueprint, "h3", "login");
  ASSERT_TRUE(fresh) << fresh.error().message();
  EXPECT_EQ(fresh->service, "login~fresh");
  EXPECT_EQ(fresh->ready.port, 8080);
  EXPECT_THAT(fresh->command, testing::Contains(HasSubstr("/hosts/h3/login~fresh")));
  EXPECT_THAT(plan_fresh(topology, *blueprint, "h1", "login").error().message(),
              HasSubstr("it has one already"));
  EXPECT_FALSE(plan_fresh(topology, *blueprint, "h3", "logout"));
}

TEST(BlueprintTest, LongNamesStayUniqueInterfaces) {
  Topology topology = small();
  for (const std::string name : {"a-very-long-host-name-1", "a-very-long-host-name-2"})
    topology.hosts[name] = host(name, "s1", "198.18.1.2" + name.substr(name.size() - 1),
                                "fd00:18:1::2" + name.substr(name.size() - 1));
  const auto blueprint = make_blueprint(topology, "/opt/bin", "");
  ASSERT_TRUE(blueprint);
  const std::string one = blueprint->host("a-very-long-host-name-1")->port,
                    two = blueprint->host("a-very-long-host-name-2")->port;
  EXPECT_NE(one, two);
  EXPECT_LE(one.size(), 15u);
  EXPECT_LE(two.size(), 15u);
}

TEST(BlueprintTest, SurvivesItsOwnJson) {
  Topology topology = small();
  add_dns(topology);
  const auto blueprint =
      make_blueprint(topology, "/opt/bin", "/opt/bin/blackstart-agent", {}, "/opt/bin/blackstart");
  ASSERT_TRUE(blueprint);
  EXPECT_EQ(nlohmann::json::parse(nlohmann::json(*blueprint).dump()).get<Blueprint>(), *blueprint);
}

struct Mistake {
  const char* what;
  void (*make)(Topology&);
  ErrorKind kind;
  const char* said;
};

const std::vector<Mistake> kMistakes{
    Mistake{"NoLab", [](Topology& t) { t.lab.reset(); }, ErrorKind::kInvalid, "no lab: section"},
    Mistake{"Latency", [](Topology& t) { t.lab->wan_latency = std::chrono::milliseconds(5); },
            ErrorKind::kMissing, "not available in this version"},
    Mistake{"HostWan",
            [](Topology& t) { t.hosts["wan"] = host("wan", "s1", "198.18.1.30", "fd00:18:1::30"); },
            ErrorKind::kInvalid, "wan"},
    Mistake{"HostKeeper",
            [](Topology& t) { t.hosts["keeper"] = host("keeper", "s1", "198.18.1.31", "fd00:18:1::31"); },
            ErrorKind::kInvalid, "keeper"},
    Mistake{"PathAsName", [](Topology& t) { t.name = "../up"; }, ErrorKind::kInvalid, "../up"},
    Mistake{"Gateway", [](Topology& t) { t.hosts["h1"].addresses[0] = *Address::parse("198.18.1.1"); },
            ErrorKind::kInvalid, "gateway"},
    Mistake{"OutsideItsSite",
            [](Topology& t) { t.hosts["h1"].addresses[0] = *Address::parse("198.18.2.12"); },
            ErrorKind::kInvalid, "no prefix of site s1"},
    Mistake{"Twice", [](Topology& t) { t.services["login"].instances[1].host = "h1"; }, ErrorKind::kInvalid,
            "twice"},
    Mistake{"NoPort", [](Topology& t) { t.services["login"].instances[0].port.reset(); }, ErrorKind::kInvalid,
            "{port}"},
    Mistake{"FileOutside", [](Topology& t) { t.lab->run["login"].files["../x"] = "y"; }, ErrorKind::kInvalid,
            "relative to {dir}"},
    Mistake{"NoTemplate", [](Topology& t) { t.lab->run["login"].files["x"] = "not-there"; },
            ErrorKind::kInvalid, "not-there"}};

class BlueprintRefuses : public testing::TestWithParam<Mistake> {};

TEST_P(BlueprintRefuses, WithAWordOnWhy) {
  Topology topology = small();
  GetParam().make(topology);
  const auto blueprint = make_blueprint(topology, "/opt/bin", "");
  ASSERT_FALSE(blueprint);
  EXPECT_EQ(blueprint.error().kind, GetParam().kind);
  EXPECT_THAT(blueprint.error().message(), HasSubstr(GetParam().said));
}

INSTANTIATE_TEST_SUITE_P(Mistakes, BlueprintRefuses, testing::ValuesIn(kMistakes),
                         [](const auto& mistake) { return std::string(mistake.param.what); });

}  // namespace
}  // namespace blackstart::lab
