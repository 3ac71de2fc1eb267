// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "agents/contract/ip.h"
#include "agents/contract/units.h"
#include "agents/contract/wire.h"

namespace blackstart {
namespace {

TEST(Prefix, ParsesBothFamilies) {
  EXPECT_EQ(Prefix::parse("198.18.1.0/24")->text(), "198.18.1.0/24");
  EXPECT_EQ(Prefix::parse("fd00:18:1::/64")->text(), "fd00:18:1::/64");
  EXPECT_EQ(Prefix::parse("198.18.1.7")->text(), "198.18.1.7");
  EXPECT_EQ(Prefix::parse("0.0.0.0/0")->length, 0);
}

TEST(Prefix, RefusesHostBitsAndNonsense) {
  for (const char* bad :
       {"198.18.1.1/24", "198.18.1.0/33", "198.18.1.0/", "198.18.1.0/-1", "x", "", "::/129", "1.2.3/8"})
    EXPECT_FALSE(Prefix::parse(bad)) << bad;
}

TEST(Prefix, Contains) {
  const Prefix site = *Prefix::parse("198.18.0.0/15");
  EXPECT_TRUE(site.contains(*Address::parse("198.19.255.255")));
  EXPECT_FALSE(site.contains(*Address::parse("198.20.0.0")));
  EXPECT_FALSE(site.contains(*Address::parse("::1")));
  EXPECT_TRUE(site.contains(*Prefix::parse("198.18.1.0/24")));
  EXPECT_FALSE(Prefix::parse("198.18.1.0/24")->contains(site));
}

TEST(Wire, RefusesPrefixesThatAreNotOne) {
  contract::Prefix wire;
  wire.set_address(std::string(5, '\0'));
  EXPECT_FALSE(from_wire(wire));
  to_wire(*Prefix::parse("198.18.1.0/24"), &wire);
  EXPECT_EQ(from_wire(wire)->text(), "198.18.1.0/24");
  wire.set_length(23);
  EXPECT_FALSE(from_wire(wire));  // 198.18.1.0/23 has a host bit set
  wire.set_length(33);
  EXPECT_FALSE(from_wire(wire));
}

TEST(Duration, ParsesWhatTheLanguageHas) {
  using namespace std::chrono_literals;
  EXPECT_EQ(parse_duration("500ms"), 500ms);
  EXPECT_EQ(parse_duration("1.5s"), 1500ms);
  EXPECT_EQ(parse_duration("2h"), 2h);
  for (const char* bad : {"", "5", "s", "-1s", "1e300h", "nans", "5 s", "5sec"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
}

TEST(Duration, FormatsForPeople) {
  using namespace std::chrono_literals;
  EXPECT_EQ(format_duration(90s), "1m 30s");
  EXPECT_EQ(format_duration(250ms), "250ms");
  EXPECT_EQ(format_duration(12700ms), "12.7s");
  EXPECT_EQ(format_duration(10115ms), "10.115s");
  EXPECT_EQ(format_duration(59999600us), "1m");
  EXPECT_EQ(format_duration(0s), "0ms");
  EXPECT_EQ(format_duration(459180s), "127h 33m");
}

TEST(Error, SaysOperationObjectErrnoAndHint) {
  const Error error{ErrorKind::kMissing, "attach site-blackhole to", "eth0", EPERM,
                    "the agent needs CAP_NET_ADMIN"};
  EXPECT_EQ(error.message(),
            "attach site-blackhole to eth0: EPERM (Operation not permitted); the agent needs CAP_NET_ADMIN");
}

}  // namespace
}  // namespace blackstart
