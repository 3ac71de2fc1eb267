// SPDX-License-Identifier: Apache-2.0
// A lab of sample services for the tests of one program, and drills on it through the command line.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/command.h"

namespace blackstart {

using namespace std::chrono_literals;
using nlohmann::json;
namespace fs = std::filesystem;

inline const std::string kBin = BLACKSTART_BINARY_DIR "/bin/";
inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

inline std::string read_text(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// The smallest lab that ships, under a name of the test program's own.
inline const std::string kLab = replaced(program_invocation_short_name, "_", "-");
inline const std::string kTopology = fs::temp_directory_path() / ("blackstart-" + kLab + ".yaml");

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

class RunTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (geteuid() != 0) GTEST_SKIP() << "needs root for network namespaces";
    std::ofstream(kTopology) << replaced(read_text(BLACKSTART_SOURCE_DIR "/experiments/labs/two-sites.yaml"),
                                         "name: two-sites", "name: " + kLab);
    const auto up = run_command({kBin + "blackstart", "lab", "up", kTopology});
    ASSERT_EQ(up.exit_code, 0) << up.err;
    lab_is_ours_ = true;
  }
  static void TearDownTestSuite() {
    fs::remove(kTopology);
    if (!std::exchange(lab_is_ours_, false)) return;
    EXPECT_EQ(run_command({kBin + "blackstart", "lab", "down", kLab}).exit_code, 0);
  }
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root for network namespaces";
    ASSERT_TRUE(lab_is_ours_);
    char name[] = "/tmp/blackstart-run-XXXXXX";
    folder_ = mkdtemp(name);
  }
  void TearDown() override {
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  std::string experiment(const std::string& rest) const {
    const std::string path = folder_ + "/experiment.yaml";
    std::ofstream(path) << kHead << rest;
    return path;
  }
  std::vector<std::string> command(const std::string& experiment, const std::string& topology = kTopology,
                                   const std::vector<std::string>& more = {}) const {
    std::vector<std::string> argv{kBin + "blackstart", "run",   experiment, "--topology", topology, "--yes",
                                  "--state",           folder_, "--output", "json"};
    argv.insert(argv.end(), more.begin(), more.end());
    return argv;
  }
  static json parsed(const CommandResult& result) {
    json outcome = json::parse(result.out, nullptr, false);
    EXPECT_TRUE(outcome.is_object()) << result.out << result.err;
    return outcome;
  }
  // An attempt from the phone, outside every probe.
  static bool phone_reaches(const std::string& url) {
    return run_command({kBin + "blackstart", "lab", "exec", "--lab", kLab, "phone-1", "curl", "-fsS", "-m",
                        "1", "-o", "/dev/null", url},
                       10s)
               .exit_code == 0;
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

  static inline bool lab_is_ours_ = false;
  std::string folder_;
};

}  // namespace blackstart
