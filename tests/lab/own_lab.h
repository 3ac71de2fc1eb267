// SPDX-License-Identifier: Apache-2.0
// A lab that belongs to one test program, and drills on it through the command line. A suite brings its
// lab up in SetUpTestSuite(), or each test one of its own; whoever did not take it down, it goes with the
// suite.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/command.h"

namespace blackstart {

using namespace std::chrono_literals;
using nlohmann::json;
namespace fs = std::filesystem;

inline const std::string kBin = BLACKSTART_BINARY_DIR "/bin/";
inline const fs::path kLabs = BLACKSTART_SOURCE_DIR "/experiments/labs";

// What every topology brought up here is called, after the program: no two tests are in each other's way.
inline const std::string kLab = [] {
  std::string name = program_invocation_short_name;
  for (char& c : name)
    if (c == '_') c = '-';
  return name;
}();
inline const fs::path kLabFolder = fs::temp_directory_path() / ("blackstart-" + kLab);
inline const std::string kTopology = kLabFolder / "topology.yaml";

inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

inline std::string read_text(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// A shipped topology under the program's name.
inline std::string shipped_topology(const std::string& lab) {
  const std::string line = "metadata: {name: ";
  return replaced(read_text(kLabs / (lab + ".yaml")), line + lab + ",", line + kLab + ",");
}

class OwnLab : public testing::Test {
 protected:
  // Without these programs the suite is skipped; before lab_up().
  static void need(const std::vector<std::string>& programs) {
    for (const std::string& program : programs)
      if (access(program.c_str(), X_OK) != 0) missing_ = program;
  }
  // `files` (name → text) stand beside the topology, which bears the program's name.
  static void lab_up(const std::string& topology, const std::map<std::string, std::string>& files = {}) {
    if (geteuid() != 0 || !missing_.empty()) return;
    wanted_ = true;
    fs::create_directories(kLabFolder);
    std::ofstream(kTopology) << topology;
    for (const auto& [name, text] : files) {
      fs::create_directories((kLabFolder / name).parent_path());
      std::ofstream(kLabFolder / name) << text;
    }
    const auto up = run_command({kBin + "blackstart", "lab", "up", kTopology}, 60s);
    ASSERT_EQ(up.exit_code, 0) << up.err;
    up_ = true;
  }
  static void lab_down() {
    fs::remove_all(kLabFolder);
    wanted_ = false;
    if (!std::exchange(up_, false)) return;
    EXPECT_EQ(run_command({kBin + "blackstart", "lab", "down", kLab}, 30s).exit_code, 0);
  }
  static void TearDownTestSuite() {
    lab_down();
    missing_.clear();
  }

  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root for network namespaces";
    if (!missing_.empty()) GTEST_SKIP() << missing_ << " is not there (packaging/apt-lab.txt)";
    ASSERT_EQ(up_, wanted_) << "the lab did not come up";
    char name[] = "/tmp/blackstart-run-XXXXXX";
    folder_ = mkdtemp(name);
  }
  void TearDown() override {
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  // An experiment's file with this text.
  std::string saved(const std::string& text) const {
    const std::string path = folder_ + "/experiment.yaml";
    std::ofstream(path) << text;
    return path;
  }
  // How the experiment is run, with its records in folder_.
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
  // What a program says on a host.
  static CommandResult on(const std::string& host, const std::vector<std::string>& argv) {
    std::vector<std::string> words{kBin + "blackstart", "lab", "exec", "--lab", kLab, host};
    words.insert(words.end(), argv.begin(), argv.end());
    return run_command(words, 10s);
  }

  std::string folder_;  // of the test

 private:
  static inline bool wanted_ = false, up_ = false;
  static inline std::string missing_;
};

}  // namespace blackstart
