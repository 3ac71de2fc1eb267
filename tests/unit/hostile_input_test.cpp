// SPDX-License-Identifier: Apache-2.0
// Files made to hurt: each ends in located problems, soon, and in little memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agents/language/agent_shape.h"
#include "agents/language/read_file.h"
#include "injector/experiment/load.h"
#include "injector/experiment/read_experiment.h"
#include "tests/support/promise.h"

namespace blackstart {
namespace {

namespace fs = std::filesystem;

// Far above what any of them takes, sanitizers included, and far below what they ask for.
constexpr long kMostKiB = 800L << 10;
constexpr int kMostSeconds = 20;

struct Attack {
  const char* name;
  std::string text;
};

std::string times(const std::string& text, size_t count) {
  std::string out;
  out.reserve(text.size() * count);
  for (size_t i = 0; i < count; ++i) out += text;
  return out;
}

std::string laughs() {
  std::string text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (int i = 1; i < 40; ++i)
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" +
            times("*a" + std::to_string(i - 1) + ", ", 10) + "]\n";
  return text;
}

std::vector<Attack> attacks() {
  const std::string head = "apiVersion: blackstart/v1\nkind: Experiment\nmetadata: {name: e}\nspec:\n";
  return {
      {"aliases that grow", laughs()},
      {"a scalar of 100 MB", head + "  topology: " + std::string(100u << 20, 'x')},
      {"a scalar that just fits", head + "  topology: " + std::string((4u << 20) - 200, 'x')},
      {"a quote that never ends", "a: \"" + std::string((4u << 20) - 10, 'x')},
      {"lists in lists", std::string(4u << 20, '[')},
      {"maps in maps", times("{a: ", 1u << 20)},
      {"dashes", times("- ", 2u << 20)},
      {"questions", times("? ", 2u << 20)},
      {"indentation that grows",
       [] {
         std::string text;
         for (size_t i = 0; i < 2'000; ++i) text += std::string(i, ' ') + "a:\n";
         return text;
       }()},
      {"the same key", times("a: 1\n", 250'000)},
      {"unknown keys",
       [&] {
         std::string text = head;
         for (int i = 0; i < 15'000; ++i) text += "  key" + std::to_string(i) + ": 1\n";
         return text;
       }()},
      {"anchors",
       [] {
         std::string text;
         for (int i = 0; i < 90'000; ++i) text += "- &a" + std::to_string(i) + " x\n";
         return text;
       }()},
      {"tags", times("- !!str x\n", 210'000)},
      {"directives", times("%TAG ! tag:x,2000:\n", 200'000) + "---\na: 1\n"},
      {"comments", times("# nothing\n", 400'000)},
      {"no UTF-8", head + "  topology: \xC3\x28\n"},
      {"an overlong slash", head + "  topology: \xC0\xAF\n"},
      {"a byte order mark of another kind",
       "\xFF\xFE"
       "a\0:\0"},
      {"NUL", head + std::string("  topology: a\0b\n", 15)},
      {"a number out of range",
       head + "  topology: t\n  limits: {sites: 99999999999999999999999, hosts: 1e999}\n"},
      {"a duration out of range", head + "  topology: t\n  lease: 999999999999999999999h\n"},
      {"a pattern that recurses", head + "  topology: t\n  lease: " + std::string(1u << 20, '1') + "s\n"}};
}

class HostileInput : public testing::TestWithParam<Attack> {
 protected:
  void SetUp() override {
    char name[] = "/tmp/blackstart-hostile-XXXXXX";
    folder_ = mkdtemp(name);
    file_ = folder_ + "/file.yaml";
    std::ofstream(file_, std::ios::binary) << GetParam().text;
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string folder_, file_;
};

// 0: every problem found was placed, and there was one.
int read_it(const std::string& file) {
  const auto loaded = load_experiment(file, "");
  if (loaded) return 1;
  for (const Problem& problem : loaded.error())
    if (problem.at.file.empty() || problem.message.empty()) return 2;
  const auto text = read_file(file);
  if (!text) return 3;
  Problems problems;
  check(read_yaml(file, *text, problems), agent_shape(), problems);
  return problems.empty() ? 4 : 0;
}

TEST_P(HostileInput, EndsInLocatedProblemsSoonAndSmall) {
  proves("S6,S11");
  const pid_t reader = ::fork();
  if (reader == 0) {
    ::alarm(kMostSeconds);
    ::_exit(read_it(file_));
  }
  int status = 0;
  rusage used{};
  ASSERT_EQ(::wait4(reader, &status, 0, &used), reader);
  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_LT(used.ru_maxrss, kMostKiB);
}

INSTANTIATE_TEST_SUITE_P(Attacks, HostileInput, testing::ValuesIn(attacks()), [](const auto& attack) {
  std::string name;
  for (const char* c = attack.param.name; *c; ++c)
    if (std::isalnum(static_cast<unsigned char>(*c))) name += *c;
  return name;
});

// People link experiments; only what a privileged process trusts may not be linked.
TEST(Experiments, MayBeLinked) {
  char name[] = "/tmp/blackstart-linked-XXXXXX";
  const std::string folder = mkdtemp(name);
  fs::create_symlink(BLACKSTART_SOURCE_DIR "/experiments/labs/two-sites.yaml", folder + "/linked.yaml");
  EXPECT_TRUE(load_topology(folder + "/linked.yaml"));
  fs::remove_all(folder);
  EXPECT_FALSE(read_file("/dev/zero"));
}

// The agent's list of what may be accepted is the language's list of what can be ordered.
TEST(AgentShape, KnowsEveryKindOfFaultThatTouchesAHost) {
  const Shape* timeline = nullptr;
  for (const auto& top : experiment_shape().fields)
    if (top.name == "spec")
      for (const auto& field : top.shape.fields)
        if (field.name == "timeline") timeline = &field.shape;
  ASSERT_NE(timeline, nullptr);
  std::vector<std::string> kinds;
  for (const Case& each : timeline->parts.front().cases)
    if (each.key == "fault" && each.value != "people-absent") kinds.push_back(each.value);
  EXPECT_THAT(touching_fault_kinds(), testing::UnorderedElementsAreArray(kinds));
}

}  // namespace
}  // namespace blackstart
