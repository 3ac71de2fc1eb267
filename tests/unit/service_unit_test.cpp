// SPDX-License-Identifier: Apache-2.0
// The service manager's walls are the agent's own, and docs/agent.md says how high systemd finds them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "agents/daemon/walls.h"
#include "tests/support/command.h"
#include "tests/support/promise.h"

namespace blackstart {
namespace {

namespace fs = std::filesystem;

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The unit as it is installed, with the program where it was built.
class ServiceUnit : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/blackstart-unit-XXXXXX";
    folder_ = mkdtemp(name);
    text_ = read_text(BLACKSTART_BINARY_DIR "/packaging/systemd/blackstart-agent.service");
    const size_t start = text_.find("ExecStart=") + 10;
    text_.replace(start, text_.find('\n', start) - start, BLACKSTART_BINARY_DIR "/bin/blackstart-agent");
    std::ofstream(unit()) << text_;
  }
  void TearDown() override { fs::remove_all(folder_); }
  [[nodiscard]] std::string unit() const { return folder_ + "/blackstart-agent.service"; }
  // The words of a setting, over all its lines.
  [[nodiscard]] std::vector<std::string> setting(const std::string& name) const {
    std::vector<std::string> words;
    std::istringstream lines(text_);
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with(name + "=")) continue;
      std::istringstream rest(line.substr(name.size() + 1));
      for (std::string word; rest >> word;) words.push_back(word);
    }
    return words;
  }

  std::string folder_, text_;
};

TEST_F(ServiceUnit, KeepsWhatTheAgentKeeps) {
  proves("S13");
  std::vector<std::string> kept;
  for (const KeptCapability& each : kept_capabilities()) {
    std::string name = each.name;
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
    kept.push_back(name);
  }
  EXPECT_THAT(setting("CapabilityBoundingSet"), testing::UnorderedElementsAreArray(kept));
  EXPECT_THAT(setting("NoNewPrivileges"), testing::ElementsAre("yes"));
  const std::string page = read_text(BLACKSTART_SOURCE_DIR "/docs/agent.md");
  for (const std::string& name : kept) EXPECT_THAT(page, testing::HasSubstr("`" + name + "`"));
}

// Whatever the agent's own filter lets pass the manager's must too, or the unit would be another agent.
TEST_F(ServiceUnit, LetsPassEverySystemCallTheAgentMayMake) {
  proves("S13");
  const auto expand = [](const std::vector<std::string>& words) {
    std::vector<std::string> calls, open = words;
    while (!open.empty()) {
      const std::string word = open.back();
      open.pop_back();
      if (!word.starts_with('@')) {
        calls.push_back(word);
        continue;
      }
      const auto listed = run_command({"systemd-analyze", "--no-pager", "syscall-filter", word});
      EXPECT_EQ(listed.exit_code, 0) << listed.err;
      std::istringstream lines(listed.out);
      std::string line;
      std::getline(lines, line);  // its own name
      while (std::getline(lines, line)) {
        const size_t first = line.find_first_not_of(' ');
        if (first != std::string::npos && line[first] != '#') open.push_back(line.substr(first));
      }
    }
    return calls;
  };
  std::vector<std::string> words = setting("SystemCallFilter"), allowed, denied;
  const auto tilde =
      std::find_if(words.begin(), words.end(), [](auto& word) { return word.starts_with('~'); });
  ASSERT_NE(tilde, words.end());
  allowed = expand({words.begin(), tilde});
  tilde->erase(0, 1);
  denied = expand({tilde, words.end()});
  ASSERT_GT(allowed.size(), 200u);
  // @resources shares calls with nothing the agent makes.
  for (const std::string_view call : allowed_system_calls()) {
    EXPECT_NE(std::find(allowed.begin(), allowed.end(), call), allowed.end()) << call;
    EXPECT_EQ(std::find(denied.begin(), denied.end(), call), denied.end()) << call;
  }
}

TEST_F(ServiceUnit, SystemdFindsNoMistake) {
  const auto verified = run_command({"systemd-analyze", "verify", "--man=no", unit()});
  EXPECT_EQ(verified.exit_code, 0);
  EXPECT_EQ(verified.out + verified.err, "");
}

TEST_F(ServiceUnit, ItsExposureIsNotAboveWhatTheDocsSay) {
  proves("S13");
  const std::string page = read_text(BLACKSTART_SOURCE_DIR "/docs/agent.md");
  const std::string before = "exposure level of **";
  const size_t at = page.find(before);
  ASSERT_NE(at, std::string::npos) << "docs/agent.md names the figure";
  const double said = std::stod(page.substr(at + before.size()));
  const auto judged = run_command({"systemd-analyze", "--no-pager", "security", "--offline=true", unit()});
  const size_t level = judged.out.find("Overall exposure level");
  ASSERT_NE(level, std::string::npos) << judged.out << judged.err;
  const double found = std::stod(judged.out.substr(judged.out.find(": ", level) + 2));
  EXPECT_GT(found, 0);
  EXPECT_LE(found, said);
}

}  // namespace
}  // namespace blackstart
