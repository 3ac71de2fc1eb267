// SPDX-License-Identifier: Apache-2.0
// An agent's file, and an order to hold against it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "agents/policy/policy.h"
#include "tests/support/order_builder.h"

namespace blackstart::test {

namespace fs = std::filesystem;

inline constexpr const char* kWhole = R"(apiVersion: blackstart/v1
kind: Agent
metadata: {name: web-7}
spec:
  site: pangyo
  socket: /run/x/agent.sock
  state: /var/lib/x
  metricsListen: ""
  accept:
    prefixes: [198.18.0.0/15, "fd00:18::/32"]
    services: [photo-store]
    faults: [site-blackhole, partition, storage-drop]
    longest: 10m
    commands: false
  protect:
    - {prefix: 198.18.0.0/24, why: management}
    - {port: 5432, why: the ledger}
)";

class PolicyTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/blackstart-policy-XXXXXX";
    folder_ = fs::canonical(mkdtemp(name));
    file_ = folder_ + "/agent.yaml";
  }
  void TearDown() override { fs::remove_all(folder_); }

  tl::expected<Policy, Problems> read(const std::string& text) {
    std::ofstream(file_) << text;
    return read_policy(file_);
  }
  Policy whole() {
    auto policy = read(kWhole);
    if (!policy) throw std::runtime_error(policy.error().front().message);
    return *policy;
  }
  // Of the first problem; "" when there is none.
  std::string hint() const {
    const auto policy = read_policy(file_);
    return policy ? "" : policy.error().front().message + "; " + policy.error().front().hint;
  }

  std::string folder_, file_;
};

inline contract::Order order(const std::vector<std::string>& peers = {"198.18.2.0/24"}) {
  contract::Order out = OrderBuilder().fault({{.peers = peers}}, 0s, 1min);
  out.set_host("web-7");
  out.set_site("pangyo");
  out.set_lease_ns(15'000'000'000);
  return out;
}

// Why the order is refused; "" when it is not.
inline std::string why_not(const Policy& policy, const contract::Order& asked) {
  const auto ok = accept(policy, asked);
  if (ok) return "";
  EXPECT_EQ(ok.error().kind, ErrorKind::kRefused);
  return ok.error().message();
}

}  // namespace blackstart::test
