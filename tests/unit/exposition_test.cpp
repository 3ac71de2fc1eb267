// SPDX-License-Identifier: Apache-2.0
// An agent's metrics, scraped over HTTP.
#include "agents/daemon/exposition.h"

#include <curl/curl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "agents/contract/units.h"

namespace blackstart {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string scrape(const MetricsServer& server) {
  std::string page;
  CURL* easy = curl_easy_init();
  const std::string url = "http://127.0.0.1:" + std::to_string(server.port()) + "/metrics";
  const curl_write_callback receive = [](char* data, size_t size, size_t count, void* out) {
    static_cast<std::string*>(out)->append(data, size * count);
    return size * count;
  };
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 2000L);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &page);
  EXPECT_EQ(curl_easy_perform(easy), CURLE_OK);
  curl_easy_cleanup(easy);
  return page;
}

// One server for all tests: ending it takes two seconds.
class Exposition : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto made = MetricsServer::make("127.0.0.1:0");
    ASSERT_TRUE(made) << made.error().message();
    metrics = std::move(*made);
  }
  static void TearDownTestSuite() { metrics.reset(); }
  void SetUp() override { ASSERT_TRUE(metrics); }
  void TearDown() override { metrics->set_provider({}); }

  static inline std::unique_ptr<MetricsServer> metrics;
};

void add_count(contract::FaultReport* fault, contract::Direction direction, uint64_t packets,
               uint64_t bytes) {
  contract::PacketCount* count = fault->add_packets();
  count->set_direction(direction);
  count->set_dst_site("pangyo");
  count->set_verdict("drop");
  count->set_packets(packets);
  count->set_bytes(bytes);
}

contract::HostReport firing_host() {
  contract::HostReport report;
  report.set_host("pangyo-app-1");
  report.set_site("pangyo");
  report.set_run("r1");
  report.set_experiment("pangyo-blackhole");
  contract::FaultReport* fault = report.add_faults();
  fault->set_id("f1");
  fault->set_kind("site-blackhole");
  fault->set_state(contract::FAULT_FIRING);
  fault->set_engine("ebpf/tcx");
  fault->set_start_unix_ns(unix_now());
  fault->set_end_unix_ns(unix_now() + 60'000'000'000);
  add_count(fault, contract::DIRECTION_INGRESS, 7, 700);
  add_count(fault, contract::DIRECTION_EGRESS, 3, 300);
  contract::ProcessCount* processes = fault->add_processes();
  processes->set_service("web");
  processes->set_killed(3);
  processes->set_respawns_killed(40);
  report.set_lever_engaged(true);
  contract::LeakReport* leak = report.add_leaks();
  leak->set_fault("f1");
  leak->set_src_site("pangyo");
  leak->set_dst_site("anyang");
  return report;
}

TEST_F(Exposition, AnAgentWithoutAReportIsUpAndKnowsNothingElse) {
  const std::string page = scrape(*metrics);
  EXPECT_THAT(page, HasSubstr("\nblackstart_agent_up 1\n"));
  EXPECT_THAT(page, Not(HasSubstr("blackstart_residue_objects{")));
}

TEST_F(Exposition, AFaultInForce) {
  metrics->set_provider(firing_host);
  const std::string page = scrape(*metrics);
  for (const char* line :
       {"blackstart_fault_active{experiment=\"pangyo-blackhole\",fault=\"f1\",kind=\"site-blackhole\","
        "site=\"pangyo\",agent=\"pangyo-app-1\"} 1\n",
        "blackstart_fault_packets_total{fault=\"f1\",src_site=\"outside\",dst_site=\"pangyo\",verdict="
        "\"drop\","
        "hook=\"tcx_ingress\"} 7\n",
        "blackstart_fault_bytes_total{fault=\"f1\",src_site=\"outside\",dst_site=\"pangyo\",verdict=\"drop\","
        "hook=\"tcx_egress\"} 300\n",
        "blackstart_fault_leaked_packets_total{src_site=\"pangyo\",dst_site=\"anyang\"} 0\n",
        "blackstart_residue_objects{agent=\"pangyo-app-1\"} 0\n", "\nblackstart_lever_engaged 1\n",
        "# TYPE blackstart_fault_packets_total counter\n", "# TYPE blackstart_fault_active gauge\n"}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
  std::smatch left;
  ASSERT_TRUE(std::regex_search(page, left,
                                std::regex("blackstart_deadline_remaining_seconds\\{fault=\"f1\"\\} (.*)")));
  EXPECT_GT(std::stod(left[1]), 50);
  EXPECT_LE(std::stod(left[1]), 60);
}

TEST_F(Exposition, EveryScrapeAsksAgain) {
  contract::HostReport report = firing_host();
  metrics->set_provider([&] { return report; });
  EXPECT_THAT(scrape(*metrics), HasSubstr("agent=\"pangyo-app-1\"} 1\n"));
  report.mutable_faults(0)->set_state(contract::FAULT_REVERTED);
  report.add_residue("link blackstart_in on eth0");
  const std::string page = scrape(*metrics);
  EXPECT_THAT(page, HasSubstr("site=\"pangyo\",agent=\"pangyo-app-1\"} 0\n"));
  EXPECT_THAT(page, HasSubstr("blackstart_residue_objects{agent=\"pangyo-app-1\"} 1\n"));
  EXPECT_THAT(page, Not(HasSubstr("blackstart_deadline_remaining_seconds{")));
}

TEST_F(Exposition, TellsWhatDiedOfTheFaultFromWhatDidNotComeUp) {
  metrics->set_provider(firing_host);
  const std::string page = scrape(*metrics),
                    of = "blackstart_processes_killed_total{fault=\"f1\",service=\"web\",";
  EXPECT_THAT(page, HasSubstr(of + "respawn=\"no\"} 3\n"));
  EXPECT_THAT(page, HasSubstr(of + "respawn=\"yes\"} 40\n"));
}

TEST_F(Exposition, CountsOfTheSameLabelsAddUp) {
  contract::HostReport report = firing_host();
  add_count(report.mutable_faults(0), contract::DIRECTION_INGRESS, 5, 500);
  metrics->set_provider([&] { return report; });
  EXPECT_THAT(scrape(*metrics), HasSubstr("hook=\"tcx_ingress\"} 12\n"));
}

TEST_F(Exposition, ExportsWhatTheTableSaysAndNothingElse) {
  metrics->set_provider(firing_host);
  const std::string page = scrape(*metrics);
  std::set<std::string> declared, exported;
  for (const AgentMetric& metric : agent_metrics()) declared.insert(metric.name);
  const std::regex name("(?:^|\n)(blackstart_[a-z_]+)[{ ]");
  for (std::sregex_iterator it(page.begin(), page.end(), name), end; it != end; ++it)
    exported.insert((*it)[1]);
  EXPECT_EQ(exported, declared);
}

TEST_F(Exposition, AnAddressThatIsTakenIsAnError) {
  const auto second = MetricsServer::make("127.0.0.1:" + std::to_string(metrics->port()));
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message(), HasSubstr("serve metrics on"));
}

}  // namespace
}  // namespace blackstart
