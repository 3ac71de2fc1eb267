// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agents/language/document.h"
#include "agents/language/nearest.h"
#include "agents/language/values.h"

namespace blackstart {
namespace {

using testing::HasSubstr;

struct Read {
  Document document;
  Problems problems;
};

Read read(const std::string& text, const DocumentLimits& limits = {}) {
  Read result;
  result.document = read_yaml("f.yaml", text, result.problems, limits);
  return result;
}

// The one problem of `text`, as "line:column message".
std::string only_problem(const std::string& text, const DocumentLimits& limits = {}) {
  const Read result = read(text, limits);
  if (result.problems.size() != 1) return std::to_string(result.problems.size()) + " problems";
  const Problem& problem = result.problems.front();
  return std::to_string(problem.at.line) + ":" + std::to_string(problem.at.column) + " " + problem.message;
}

TEST(Document, KnowsWhereKeysAndValuesStand) {
  const Read result = read("a: {b: x,\n    c: [1, 'two']}\n");
  ASSERT_TRUE(result.problems.empty());
  EXPECT_EQ(result.document.locate({"a"}).text(), "f.yaml:1:4");
  EXPECT_EQ(result.document.locate({"a", "key:b"}).text(), "f.yaml:1:5");
  EXPECT_EQ(result.document.locate({"a", "c", "1"}).text(), "f.yaml:2:12");
  EXPECT_EQ(result.document.locate({"a", "c", "7", "x"}).text(), "f.yaml:2:8");  // the deepest part there is
  EXPECT_TRUE(result.document.root->find("a")->find("c")->items[1]->quoted);
}

TEST(Document, CountsColumnsInCharacters) {
  const Read result = read("\xEF\xBB\xBF이름: {카카오: x}\n판교: {앱: y}\n");
  ASSERT_TRUE(result.problems.empty());
  EXPECT_EQ(result.document.locate({"이름", "카카오"}).text(), "f.yaml:1:11");
  EXPECT_EQ(result.document.locate({"판교", "key:앱"}).text(), "f.yaml:2:6");
}

TEST(Document, NullStandsWhereItsKeyDoes) {
  const Read result = read("a:\nb: 1\n");
  EXPECT_EQ(result.document.root->find("a")->kind, Node::Kind::kNull);
  EXPECT_EQ(result.document.locate({"a"}).text(), "f.yaml:1:1");
}

TEST(Document, AliasesShareWhatTheyName) {
  const Read result = read("a: &x [1, 2]\nb: *x\n");
  ASSERT_TRUE(result.problems.empty());
  EXPECT_EQ(result.document.root->find("a"), result.document.root->find("b"));
}

TEST(Document, DuplicateKeysAreReportedAndTheFirstCounts) {
  const Read result = read("a: 1\nb: 2\na: {x: 3}\nb: 4\n");
  ASSERT_EQ(result.problems.size(), 2u);
  EXPECT_EQ(result.problems[0].at.text(), "f.yaml:3:1");
  EXPECT_THAT(result.problems[0].hint, HasSubstr("f.yaml:1:1"));
  EXPECT_EQ(result.document.root->find("a")->text, "1");
}

TEST(Document, RefusesWhatIsNoDocument) {
  EXPECT_EQ(only_problem(""), "1:1 the file is empty");
  EXPECT_EQ(only_problem("# only a comment\n"), "1:1 the file is empty");
  EXPECT_THAT(only_problem("a: 1\n---\nb: 2\n"), HasSubstr("a second document"));
  EXPECT_THAT(only_problem("a: [1, 2\nb: 3\n"), HasSubstr("this is not YAML"));
  EXPECT_THAT(only_problem("a: *nobody\n"), HasSubstr("1:4 this is not YAML"));
  EXPECT_EQ(only_problem("a: 1\nb: \xC3\x28\n"), "2:4 this is not UTF-8 text");
  EXPECT_EQ(only_problem("a: \xED\xA0\x80\n"), "1:4 this is not UTF-8 text");  // a surrogate
  EXPECT_EQ(only_problem(std::string("a: x\0y\n", 7)), "1:5 a control character cannot stand here");
  EXPECT_THAT(only_problem("a: !!python/object x\n"), HasSubstr("1:4"));
  EXPECT_THAT(only_problem("a: !secret x\n"), HasSubstr("1:4 the tag !secret means nothing here"));
  EXPECT_THAT(only_problem("? [a, b]\n: 1\n"), HasSubstr("a key must be a single value"));
}

TEST(Document, RefusesWhatIsTooMuch) {
  EXPECT_THAT(only_problem(std::string(5 << 20, 'x')), HasSubstr("larger than 4 MiB"));
  std::string dashes;
  for (int i = 0; i < 500'000; ++i) dashes += "- ";
  EXPECT_THAT(only_problem(dashes), HasSubstr("1:129 the document is nested more than 64 levels"));
  EXPECT_THAT(only_problem("a: [[1]]", {.depth = 2}), HasSubstr("nested more than 2 levels"));
  EXPECT_TRUE(read("a: [[1]]", {.depth = 4}).problems.empty());
  std::string list = "[";
  for (int i = 0; i < 201'000; ++i) list += "1,";
  EXPECT_THAT(only_problem(list + "]"), HasSubstr("more than 200000 values"));
  EXPECT_TRUE(read("a: [1, 2]\n", {.nodes = 6}).problems.empty());
  EXPECT_THAT(only_problem("a: [1, 2, 3]\n", {.nodes = 5}), HasSubstr("more than 5 values"));
}

TEST(Document, BombsOfAliasesAreRefused) {
  std::string laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (int i = 1; i < 40; ++i) {
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) laughs += (j ? ", *a" : "*a") + std::to_string(i - 1);
    laughs += "]\n";
  }
  EXPECT_THAT(only_problem(laughs), HasSubstr("more than 200000 values"));

  std::string long_texts = "a: &a " + std::string(1 << 20, 'x') + "\nb: [";
  for (int i = 0; i < 100; ++i) long_texts += "*a,";
  EXPECT_THAT(only_problem(long_texts + "]\n"), HasSubstr("longer than 16777216 bytes"));

  std::string deep = "a0: &a0 [x]\n";
  for (int i = 1; i < 80; ++i)
    deep += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
  EXPECT_THAT(only_problem(deep), HasSubstr("nested more than 64 levels"));

  EXPECT_THAT(only_problem("a: &a [1, *a]\n"), HasSubstr("1:11 this alias contains itself"));
}

TEST(Nearest, CountsSwapsOnceAndIgnoresCase) {
  EXPECT_EQ(edit_distance("pangyo", "pagnyo"), 1u);
  EXPECT_EQ(edit_distance("steadyState", "steadystate"), 0u);
  EXPECT_EQ(edit_distance("steady_state", "steadyState"), 1u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
}

TEST(Nearest, SuggestsOnlyWhatIsNear) {
  EXPECT_EQ(suggest("anyan", {"pangyo", "anyang"}), "did you mean \"anyang\"?");
  EXPECT_EQ(suggest("busan", {"pangyo", "anyang"}), "one of: pangyo, anyang");
  EXPECT_EQ(suggest_near("busan", {"pangyo", "anyang"}), "");
  EXPECT_EQ(suggest("x", {}), "");
}

TEST(Problems, SortByPlaceAndStandOnce) {
  Problems problems{{Problem::Kind::kInvalid, {"b", 1, 1}, "x", ""},
                    {Problem::Kind::kInvalid, {"a", 10, 1}, "x", ""},
                    {Problem::Kind::kInvalid, {"a", 9, 2}, "x", ""},
                    {Problem::Kind::kInvalid, {"a", 10, 1}, "x", ""}};
  sort_problems(problems);
  ASSERT_EQ(problems.size(), 3u);
  EXPECT_EQ(problems[0].at.text() + " " + problems[1].at.text() + " " + problems[2].at.text(),
            "a:9:2 a:10:1 b:1:1");
}

}  // namespace
}  // namespace blackstart
