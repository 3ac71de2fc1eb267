// SPDX-License-Identifier: Apache-2.0
// Drills on the smallest lab that ships, made of sample services alone.
#pragma once

#include <thread>

#include "tests/lab/own_lab.h"

namespace blackstart {

// Asks both services from the phone, with patience for an emulated machine.
inline constexpr const char* kHead = R"(
apiVersion: blackstart/v1
kind: Experiment
metadata: {name: test, summary: a short cut}
spec:
  steadyState:
    for: 1s
    probes:
      - {name: login, from: phone-1, every: 200ms, timeout: 900ms, weight: 0.5, http: {url: "http://login.lab:8080/", status: 200}}
      - {name: news, from: phone-1, every: 200ms, timeout: 2s, weight: 0.5, http: {url: "http://news.lab:8081/", status: 200}}
  recovery: {watch: 2s}
)";

class RunTest : public OwnLab {
 protected:
  static void SetUpTestSuite() { lab_up(shipped_topology("two-sites")); }

  std::string experiment(const std::string& rest) const { return saved(kHead + rest); }
  // An attempt from the phone, outside every probe.
  static bool phone_reaches(const std::string& url) {
    return on("phone-1", {"curl", "-fsS", "-m", "1", "-o", "/dev/null", url}).exit_code == 0;
  }
  static std::string live_run() {
    const json status =
        json::parse(run_command({kBin + "blackstart", "status", "--output", "json"}).out, nullptr, false);
    for (const json& run : status["runs"])
      if (run["conductor"] == "alive" && run["topology"] == kLab) return run["run"];
    return {};
  }
  static bool wait_dark() {
    for (int i = 0; i < 100; ++i) {
      if (!phone_reaches("http://198.18.1.11:8081/")) return true;
      std::this_thread::sleep_for(50ms);
    }
    return false;
  }
};

}  // namespace blackstart
