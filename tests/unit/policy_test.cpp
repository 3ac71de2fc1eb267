// SPDX-License-Identifier: Apache-2.0
// An agent's own word: what it reads, and whom it trusts.
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/promise.h"
#include "tests/unit/policy_fixture.h"

namespace blackstart {
namespace {

using namespace test;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(PolicyTest, SaysWhatItIsAndWhatItAccepts) {
  const Policy policy = whole();
  EXPECT_EQ(policy.host, "web-7");
  EXPECT_EQ(policy.site, "pangyo");
  EXPECT_EQ(policy.socket, "/run/x/agent.sock");
  EXPECT_EQ(policy.state, "/var/lib/x");
  EXPECT_EQ(policy.metrics_listen, "");
  ASSERT_TRUE(policy.accept);
  EXPECT_EQ(policy.accept->prefixes.size(), 2u);
  EXPECT_EQ(policy.accept->longest, 10min);
  EXPECT_FALSE(policy.accept->commands);
  ASSERT_EQ(policy.protect.size(), 2u);
  EXPECT_EQ(policy.protect[1].port, 5432);
  EXPECT_EQ(policy.protect[0].at.line, 16);
}

TEST_F(PolicyTest, AllMistakesAtOnceWithTheirPlaceAndWhatWasMeant) {
  const auto policy = read(R"(apiVersion: blackstart/v1
kind: Agent
metadata: {name: web-7}
spec:
  sokcet: /run/x
  state: relative
  accept:
    prefixes: [198.18.1.0/8]
    faults: [site-blackhol]
    longest: 13h
  protect:
    - {port: 70000}
    - {port: 22, prefix: 10.0.0.0/8}
)");
  ASSERT_FALSE(policy);
  std::vector<std::string> found;
  for (const Problem& problem : policy.error())
    found.push_back(std::to_string(problem.at.line) + " " + problem.message + " " + problem.hint);
  EXPECT_THAT(found,
              ElementsAre(AllOf(HasSubstr("5 "), HasSubstr("sokcet"), HasSubstr("socket")), HasSubstr("6 "),
                          HasSubstr("8 "), AllOf(HasSubstr("9 "), HasSubstr("site-blackhole")),
                          AllOf(HasSubstr("10 "), HasSubstr("12h")), HasSubstr("12 "), HasSubstr("13 ")));
}

TEST_F(PolicyTest, BombsAreRefusedInBoundedMemory) {
  proves("S11");
  std::string laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (int i = 1; i < 40; ++i) {
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) laughs += (j ? ", *a" : "*a") + std::to_string(i - 1);
    laughs += "]\n";
  }
  EXPECT_FALSE(read(laughs));
  EXPECT_FALSE(read("a: " + std::string(100u << 20, 'x')));
  EXPECT_FALSE(read("a: \xC3\x28\n"));
}

TEST_F(PolicyTest, AFileOthersCanWriteIsNotTaken) {
  proves("S11");
  (void)whole();
  EXPECT_EQ(hint(), "");
  for (const mode_t mode : {0666, 0664, 0646}) {
    ::chmod(file_.c_str(), mode);
    EXPECT_THAT(hint(), HasSubstr("chmod go-w " + file_)) << std::oct << mode;
  }
  ::chmod(file_.c_str(), 0644);
  for (const mode_t mode : {0777, 0775}) {
    ::chmod(folder_.c_str(), mode);
    EXPECT_THAT(hint(), HasSubstr("chmod go-w " + folder_)) << std::oct << mode;
  }
  ::chmod(folder_.c_str(), 0755);
  EXPECT_EQ(hint(), "");
  EXPECT_EQ(read_policy(folder_ + "/none.yaml").error().front().kind, Problem::Kind::kInvalid);
}

TEST_F(PolicyTest, AFileOfSomebodyElseIsNotTaken) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to give files away";
  proves("S11");
  (void)whole();
  ASSERT_EQ(::chown(file_.c_str(), 65534, 0), 0);
  EXPECT_THAT(hint(), HasSubstr("chown root:root " + file_));
  ASSERT_EQ(::chown(file_.c_str(), 0, 0), 0);
  ASSERT_EQ(::chown(folder_.c_str(), 65534, 0), 0);
  EXPECT_THAT(hint(), HasSubstr("chown root:root " + folder_));
}

TEST_F(PolicyTest, LinksAndPipesAreNotFollowed) {
  proves("S11");
  (void)whole();
  fs::rename(file_, folder_ + "/real.yaml");
  fs::create_symlink("real.yaml", file_);
  EXPECT_THAT(hint(), HasSubstr("symbolic link"));
  fs::create_directory(folder_ + "/sub");
  fs::create_directory_symlink(folder_, folder_ + "/sub/link");
  const auto through = read_policy(folder_ + "/sub/link/real.yaml");
  ASSERT_FALSE(through);
  EXPECT_THAT(through.error().front().hint, HasSubstr("realpath"));
  EXPECT_FALSE(read_policy("/dev/zero"));
  EXPECT_FALSE(read_policy(folder_));
  fs::remove(file_);
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  EXPECT_FALSE(read_policy(file_)) << "and it does not wait for a writer";
}

TEST(AgentPage, ShowsTheExampleThatIsTested) {
  const auto read_text = [](const std::string& name) {
    std::ifstream file(BLACKSTART_SOURCE_DIR + name);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  std::string example = read_text("/tests/support/examples/agent.yaml");
  example.erase(0, example.find('\n') + 1);  // its licence line
  ASSERT_THAT(example, HasSubstr("kind: Agent"));
  EXPECT_THAT(read_text("/docs/agent.md"), HasSubstr("```yaml\n" + example + "```"));
}

}  // namespace
}  // namespace blackstart
