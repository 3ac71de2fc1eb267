// SPDX-License-Identifier: Apache-2.0
// 200 probes, four times a second each, from the agent of one lab host at nginx on another. What the agent
// says is held against what nginx wrote down: nothing is lost, nothing is counted twice, nothing is invented.
#include <algorithm>
#include <cmath>
#include <thread>

#include "agents/channel/embedded/embedded_channel.h"
#include "agents/contract/units.h"
#include "injector/lab/paths.h"
#include "tests/lab/own_lab.h"
#include "tests/support/promise.h"

namespace blackstart {
namespace {

using contract::Sample;

constexpr const char* kHost = "asker-1";
constexpr int kProbes = 200;
constexpr Duration kEvery = 250ms;
constexpr auto kAsked = 10s;

constexpr const char* kWeb = R"(
apiVersion: blackstart/v1
kind: Topology
metadata: {name: probe-load-test}
spec:
  sites:
    pangyo: {prefixes: [198.18.1.0/24]}
    users:  {prefixes: [198.18.9.0/24], outside: true}
  hosts:
    pangyo-1: {site: pangyo, address: [198.18.1.11]}
    asker-1:  {site: users,  address: [198.18.9.11]}
  services:
    web:
      role: app
      instances: [{host: pangyo-1, port: 8080}]
  lab:
    run:
      web:
        command: [/usr/sbin/nginx, -e, stderr, -p, "{dir}", -c, "{dir}/nginx.conf", -g, "daemon off;"]
        files: {nginx.conf: nginx.conf}
        ready: {tcp: 8080, within: 10s}
)";
// One line an answer: when, and for which probe.
constexpr const char* kNginx = R"(
pid nginx.pid;
worker_processes 1;
events {worker_connections 1024;}
http {
  log_format when '$msec $uri';
  access_log answers when;
  server {listen 8080; return 200 'ok';}
}
)";

class ProbeLoad : public OwnLab {
 protected:
  static void SetUpTestSuite() {
    need({"/usr/sbin/nginx"});
    lab_up(kWeb, {{"nginx.conf", kNginx}});
  }

  contract::Reply ask(const contract::Request& request) {
    auto replies = channel_.call_all({{kHost, request}}, 5s);
    EXPECT_TRUE(replies.at(kHost)) << replies.at(kHost).error().message();
    return replies.at(kHost).value_or(contract::Reply());
  }

  EmbeddedChannel channel_{lab::Paths::of(kLab).agents()};
};

std::map<std::string, uint64_t> answers_of_nginx() {
  std::map<std::string, uint64_t> answers;
  std::ifstream log(lab::Paths::of(kLab).process("pangyo-1", "web") / "answers");
  double when = 0;
  for (std::string uri; log >> when >> uri;) ++answers[uri.substr(1)];
  return answers;
}

TEST_F(ProbeLoad, TwoHundredProbesFourTimesASecondAreAllAccountedFor) {
  proves("S15");
  contract::Request start;
  start.mutable_start_probes()->set_run("load");
  for (int i = 0; i < kProbes; ++i) {
    contract::Probe& probe = *start.mutable_start_probes()->add_probes();
    probe.set_name("p" + std::to_string(i));
    probe.set_every_ns(kEvery.count());
    probe.set_timeout_ns(Duration(1s).count());
    probe.mutable_http()->set_url("http://198.18.1.11:8080/" + probe.name());
    probe.mutable_http()->set_status(200);
  }
  const UnixNs begun = unix_now();
  contract::Request collect;
  collect.mutable_collect()->set_run("load");
  collect.mutable_collect()->set_samples_after(ask(start).samples_until());

  std::map<std::string, std::map<uint64_t, Sample>> seen;
  const auto until = std::chrono::steady_clock::now() + kAsked;
  while (std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(100ms);
    const contract::Reply reply = ask(collect);
    for (const Sample& sample : reply.samples())
      EXPECT_TRUE(seen[sample.probe()].emplace(sample.sequence(), sample).second)
          << "told twice: " << sample.ShortDebugString();
    collect.mutable_collect()->set_samples_after(reply.samples_until());
  }
  const double seconds = static_cast<double>(unix_now() - begun) / 1e9;
  contract::Request stop;
  stop.mutable_stop_probes()->set_run("load");
  ask(stop);

  std::this_thread::sleep_for(200ms);
  auto answers = answers_of_nginx();
  uint64_t scheduled = 0, answered = 0, failed = 0, missed = 0, late = 0;
  ASSERT_EQ(seen.size(), static_cast<size_t>(kProbes));
  for (const auto& [probe, samples] : seen) {
    uint64_t successes = 0;
    // An attempt takes a second at most: what was due before the last one has been told by now.
    const UnixNs settled = begun + static_cast<int64_t>((seconds - 2) * 1e9);
    const auto last = std::prev(samples.end())->first;
    const int64_t first = samples.begin()->second.scheduled_unix_ns();
    EXPECT_EQ(samples.begin()->first, 0u);
    for (uint64_t i = 0; i <= last; ++i) {
      const int64_t due = first + static_cast<int64_t>(i) * kEvery.count();
      const auto found = samples.find(i);
      if (found == samples.end()) {
        EXPECT_GT(due, settled) << probe << " says nothing of attempt " << i;
        continue;
      }
      const Sample& sample = found->second;
      // The two clocks may be a little apart; the schedule itself does not wander.
      if (std::abs(sample.scheduled_unix_ns() - due) > Duration(kEvery).count() / 10) ++late;
      ++scheduled;
      switch (sample.outcome()) {
        case Sample::SUCCESS:
          ++answered;
          ++successes;
          break;
        case Sample::FAILURE:
          ++failed;
          break;
        case Sample::MISSED:
          ++missed;
          break;
        default:
          ADD_FAILURE() << sample.ShortDebugString();
      }
    }
    EXPECT_LE(successes, answers[probe]) << probe << " saw an answer that nginx never gave";
  }

  const double due = kProbes * (seconds / (static_cast<double>(kEvery.count()) / 1e9));
  uint64_t given = 0;
  for (const auto& [probe, count] : answers) given += count;
  const double missed_share = static_cast<double>(missed) / static_cast<double>(scheduled);
  std::printf(
      "%d probes every %lld ms for %.1f s: %.0f due, %lu told (%lu answered, %lu failed, %lu missed), "
      "%lu answers in nginx's log, %.0f a second\n",
      kProbes, static_cast<long long>(kEvery.count() / 1'000'000), seconds, due, scheduled, answered, failed,
      missed, given, static_cast<double>(given) / seconds);
  EXPECT_EQ(answered + failed + missed, scheduled);
  EXPECT_EQ(late, 0u);
  EXPECT_LE(missed_share, 0.10);
  // Never more than was due, and no more untold than can be under way.
  EXPECT_LE(static_cast<double>(scheduled), due + kProbes);
  EXPECT_GE(static_cast<double>(scheduled), due - kProbes * (Duration(2s) / kEvery));
}

}  // namespace
}  // namespace blackstart
