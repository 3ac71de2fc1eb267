// SPDX-License-Identifier: Apache-2.0
// What a scraper is told while a run lasts.
#include "injector/cli/live_metrics.h"

#include <gmock/gmock.h>
#include <httplib.h>

#include "agents/contract/host_port.h"
#include "tests/unit/outcome_fixture.h"

namespace blackstart {
namespace {

using cli::LiveMetrics;
using testing::HasSubstr;
using testing::Not;

std::string scrape(const LiveMetrics& metrics) {
  const auto answer = httplib::Client("127.0.0.1", metrics.port()).Get("/metrics");
  return answer && answer->status == 200 ? answer->body : "no answer";
}

TEST(LiveMetrics, TellsWhatItWasShownLast) {
  auto metrics = LiveMetrics::make("127.0.0.1:0");
  ASSERT_TRUE(metrics) << metrics.error().message();
  EXPECT_THAT(scrape(**metrics), Not(HasSubstr("blackstart_"))) << "nothing is known yet";

  Outcome running = pangyo_went_dark();
  running.phases.back().end = 0;
  (*metrics)->show(running);
  const std::string meanwhile = scrape(**metrics);
  EXPECT_THAT(meanwhile, HasSubstr("blackstart_run_phase{phase=\"residue\"} 1"));
  EXPECT_THAT(meanwhile, HasSubstr("blackstart_probe_failures_total{from=\"phone\",journey=\"login\"} 122"));
  EXPECT_THAT(meanwhile, Not(HasSubstr("_verdict{"))) << "there is none yet";

  (*metrics)->show(pangyo_went_dark());
  const std::string after = scrape(**metrics);
  EXPECT_THAT(after, HasSubstr("blackstart_verdict{verdict=\"fail\"} 1"));
  EXPECT_THAT(after, Not(HasSubstr("run_phase")));
}

TEST(LiveMetrics, APortThatIsTakenIsAnError) {
  const auto first = LiveMetrics::make("127.0.0.1:0");
  ASSERT_TRUE(first);
  const auto second = LiveMetrics::make("127.0.0.1:" + std::to_string((*first)->port()));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kRefused);
  const auto elsewhere = LiveMetrics::make("192.0.2.1:0");
  ASSERT_FALSE(elsewhere);
  EXPECT_EQ(elsewhere.error().kind, ErrorKind::kRefused);
}

TEST(HostPort, IsAnAddressAndAPort) {
  const auto six = parse_host_port("[fd00:18::1]:9095");
  ASSERT_TRUE(six);
  EXPECT_EQ(six->host, "fd00:18::1");
  EXPECT_EQ(six->port, 9095);
  for (const char* wrong : {"", "9095", ":9095", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                            "127.0.0.1:999999", "127.0.0.1:-1"}) {
    EXPECT_FALSE(parse_host_port(wrong)) << wrong;
    const auto made = LiveMetrics::make(wrong);
    ASSERT_FALSE(made) << wrong;
    EXPECT_EQ(made.error().kind, ErrorKind::kInvalid) << wrong;
  }
}

}  // namespace
}  // namespace blackstart
