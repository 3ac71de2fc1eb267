// SPDX-License-Identifier: Apache-2.0
// Drills on the lab whose operations tools are real: what each of them says it will find, it finds.
#include <gmock/gmock.h>

#include "tests/lab/own_lab.h"

namespace blackstart {
namespace {

using testing::HasSubstr;

const fs::path kDrills = BLACKSTART_SOURCE_DIR "/experiments";

class Operations : public OwnLab {
 protected:
  static void SetUpTestSuite() {
    need({"/usr/sbin/sshd", "/usr/bin/ansible", "/usr/bin/prometheus", "/usr/bin/prometheus-alertmanager",
          "/usr/sbin/dnsmasq", "/usr/sbin/nginx", "/usr/bin/redis-server"});
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::directory_iterator(kLabs / "operations"))
      files["operations/" + entry.path().filename().string()] = read_text(entry.path());
    lab_up(shipped_topology("operations"), files);
  }

  json drill(const std::string& name) const {
    return parsed(run_command(command(kDrills / (name + ".yaml")), 90s));
  }
  static bool met(const json& outcome, const std::string& probe) {
    for (const json& each : outcome["hypothesis"])
      if (each["probe"] == probe) return each["met"] == true;
    ADD_FAILURE() << "nothing was asked of " << probe;
    return false;
  }
  static json instance(const json& outcome, const std::string& host, const std::string& service) {
    for (const json& each : outcome["returns"]["instances"])
      if (each["host"] == host && each["service"] == service) return each;
    return {};
  }
  // For a drill that shows a weakness, and nothing else.
  static void expect_found(const json& outcome) {
    EXPECT_EQ(outcome["exitCode"], 0) << outcome["reason"];
    EXPECT_EQ(outcome["verdict"], "fail");
    EXPECT_EQ(outcome["recoveryVerdict"], "pass") << outcome["reason"];
    EXPECT_TRUE(outcome["residue"].empty()) << outcome["residue"];
  }
};

TEST_F(Operations, ARegistryThatIsGoneIsNoticedByWhatHasToStart) {
  const json outcome = drill("operations/ops-registry-loss-ci");
  expect_found(outcome);
  EXPECT_TRUE(met(outcome, "messenger"));
  EXPECT_FALSE(met(outcome, "registry"));
  EXPECT_EQ(outcome["faults"][0]["processes"]["killed"].get<int>() > 0, true);
  ASSERT_EQ(outcome["coldStarts"].size(), 1u) << outcome;
  EXPECT_EQ(outcome["coldStarts"][0]["state"], "died");
  EXPECT_THAT(outcome["coldStarts"][0]["lastWords"], HasSubstr("registry.ops:5000"));
}

TEST_F(Operations, AReplicaIsNoUseWithoutWhatPromotesIt) {
  const json outcome = drill("operations/failover-controller-loss-ci");
  expect_found(outcome);
  EXPECT_FALSE(met(outcome, "messenger"));
}

TEST_F(Operations, InOrderASiteComesBackFromALossOfPower) {
  const json outcome = drill("return/staged-recovery-ci");
  EXPECT_EQ(outcome["exitCode"], 0) << outcome["reason"];
  EXPECT_EQ(outcome["verdict"], "pass");
  EXPECT_EQ(outcome["recoveryVerdict"], "pass");
  EXPECT_EQ(outcome["probes"]["chat-pangyo"]["during"], 0.0);
  EXPECT_TRUE(outcome["residue"].empty()) << outcome["residue"];
}

TEST_F(Operations, AllAtOnceItDoesNot) {
  const json outcome = drill("return/boot-storm-return-ci");
  EXPECT_EQ(outcome["exitCode"], 1) << outcome["reason"];
  EXPECT_TRUE(met(outcome, "names"));
  EXPECT_EQ(outcome["recoveryVerdict"], "fail");
  EXPECT_LT(outcome["probes"]["chat-pangyo"]["after"], 0.5);
  EXPECT_TRUE(outcome["residue"].empty()) << outcome["residue"];
}

}  // namespace
}  // namespace blackstart
