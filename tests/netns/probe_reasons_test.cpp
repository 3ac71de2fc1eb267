// SPDX-License-Identifier: Apache-2.0
// What a probe calls the ways a network says no, in a network namespace of its own that has no name.
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/support/probing.h"
#include "tests/support/tcp_server.h"

namespace blackstart {
namespace {

using contract::Sample;
using namespace test;
using std::chrono::milliseconds;

class ProbeReasons : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    home_ = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    ASSERT_GE(home_, 0);
    ASSERT_EQ(unshare(CLONE_NEWNET), 0);
  }
  void TearDown() override {
    if (home_ < 0) return;
    EXPECT_EQ(setns(home_, CLONE_NEWNET), 0);
    close(home_);
  }
  static void route(const std::string& what) {
    ASSERT_EQ(std::system(("ip link set lo up && ip route add " + what).c_str()), 0);
  }

  int home_ = -1;
};

TEST_F(ProbeReasons, NoRoute) {
  EXPECT_FAILED(first_sample(tcp(once(), "198.18.0.1", 80)), "unreachable");
}

TEST_F(ProbeReasons, AnUnreachableHost) {
  route("unreachable 198.18.0.0/24");
  EXPECT_FAILED(first_sample(tcp(once(), "198.18.0.1", 80)), "unreachable");
  EXPECT_FAILED(first_sample(http(once(), "http://198.18.0.1/")), "unreachable");
}

TEST_F(ProbeReasons, AProhibitedHost) {
  route("prohibit 198.18.0.0/24");
  EXPECT_FAILED(first_sample(tcp(once(), "198.18.0.1", 80)), "denied");
}

TEST_F(ProbeReasons, ADropIsATimeoutWhileConnecting) {
  route("local 198.18.0.1/32 dev lo");
  ASSERT_EQ(std::system("nft 'add table ip t; add chain ip t in { type filter hook input priority 0; }; "
                        "add rule ip t in ip daddr 198.18.0.1 drop'"),
            0);
  EXPECT_FAILED(first_sample(tcp(once(milliseconds(200)), "198.18.0.1", 80)), "timeout connecting");
  EXPECT_FAILED(first_sample(http(once(milliseconds(200)), "http://198.18.0.1/")), "timeout connecting");
}

TEST_F(ProbeReasons, WithoutARouteToAnyNameServerNamesDoNotResolve) {
  const Sample sample = first_sample(http(once(), "http://login.lab/"), {.name_server = "198.18.0.53"});
  EXPECT_FAILED(sample, "resolve ");
}

}  // namespace
}  // namespace blackstart
