// SPDX-License-Identifier: Apache-2.0
// Probes in one line, and what their first attempt found.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "agents/contract/units.h"
#include "agents/probes/prober.h"

namespace blackstart::test {

using contract::Probe;
using contract::Sample;
using std::chrono::milliseconds;

inline Probe probe_named(const std::string& name, milliseconds every, milliseconds timeout) {
  Probe probe;
  probe.set_name(name);
  probe.set_every_ns(Duration(every).count());
  probe.set_timeout_ns(Duration(timeout).count());
  return probe;
}
// Asked once within a test's time.
inline Probe once(milliseconds timeout = milliseconds(2000)) {
  return probe_named("p", std::chrono::minutes(1), timeout);
}

inline Probe http(Probe probe, const std::string& url, uint32_t status = 0, const std::string& body = {}) {
  probe.mutable_http()->set_url(url);
  probe.mutable_http()->set_status(status);
  probe.mutable_http()->set_body(body);
  return probe;
}
inline Probe tcp(Probe probe, const std::string& host, uint32_t port) {
  probe.mutable_tcp()->set_host(host);
  probe.mutable_tcp()->set_port(port);
  return probe;
}
inline Probe dns(Probe probe, const std::string& name, const std::string& server,
                 const std::string& record = {}) {
  probe.mutable_dns()->set_name(name);
  probe.mutable_dns()->set_server(server);
  probe.mutable_dns()->set_record(record);
  return probe;
}
inline Probe command(Probe probe, const std::vector<std::string>& argv) {
  probe.mutable_command()->mutable_argv()->Add(argv.begin(), argv.end());
  return probe;
}

inline std::unique_ptr<Prober> prober(ProberOptions options = {}) {
  options.allow_commands = true;
  auto made = Prober::make(options);
  EXPECT_TRUE(made) << made.error().message();
  return std::move(*made);
}

// The first sample of a probe, once it is there.
inline Sample first_sample(const Probe& probe, const ProberOptions& options = {}) {
  const auto asker = prober(options);
  const auto started = asker->start({probe});
  EXPECT_TRUE(started) << started.error().message();
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (std::chrono::steady_clock::now() < until) {
    const auto batch = asker->take(0);
    if (!batch.samples.empty()) return batch.samples.front();
    std::this_thread::sleep_for(milliseconds(2));
  }
  ADD_FAILURE() << "no sample";
  return {};
}

inline void expect_success(const Sample& sample) {
  EXPECT_EQ(sample.outcome(), Sample::SUCCESS) << sample.ShortDebugString();
}
inline void expect_failed(const Sample& sample, const std::string& words) {
  EXPECT_EQ(sample.outcome(), Sample::FAILURE) << sample.ShortDebugString();
  EXPECT_THAT(sample.reason(), testing::StartsWith(words));
}
#define EXPECT_SUCCESS(sample)                \
  {                                           \
    SCOPED_TRACE(#sample);                    \
    blackstart::test::expect_success(sample); \
  }
#define EXPECT_FAILED(sample, words)                \
  {                                                 \
    SCOPED_TRACE(#sample);                          \
    blackstart::test::expect_failed(sample, words); \
  }

}  // namespace blackstart::test
