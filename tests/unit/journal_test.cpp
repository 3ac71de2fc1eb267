// SPDX-License-Identifier: Apache-2.0
// What the journal promises about steps and crashes, and what the reaper makes of it.
#include "agents/runtime/journal.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "agents/runtime/journal_format.h"
#include "agents/runtime/reaper.h"
#include "tests/support/promise.h"

namespace blackstart {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Place kHome{"boot-a", 7};

contract::Step qdisc(const std::string& interface, int index = 2) {
  contract::Step step;
  step.mutable_clsact_qdisc()->set_interface(interface);
  step.mutable_clsact_qdisc()->set_index(index);
  return step;
}

class JournalTest : public testing::Test {
 protected:
  JournalTest() { fs::remove_all(path_); }
  ~JournalTest() override { fs::remove_all(path_); }

  [[nodiscard]] std::string file() const { return path_ + "/journal"; }
  [[nodiscard]] std::string bytes() const {
    std::ostringstream out;
    out << std::ifstream(file(), std::ios::binary).rdbuf();
    return out.str();
  }
  void write(const std::string& text) const { std::ofstream(file(), std::ios::binary) << text; }
  // As after a crash: what the file holds, and nothing else.
  Result<std::vector<StandingStep>> reread(const Place& here = kHome) {
    auto folder = StateFolder::claim(path_);
    if (!folder) return tl::unexpected(folder.error());
    auto journal = Journal::open(*folder, here);
    if (!journal) return tl::unexpected(journal.error());
    return (*journal)->standing();
  }
  static std::vector<std::string> names(const std::vector<StandingStep>& steps) {
    std::vector<std::string> out;
    for (const StandingStep& one : steps) out.push_back(one.run + " " + one.step.clsact_qdisc().interface());
    return out;
  }
  // Three steps of a run, the second of which was taken back.
  void three_steps() {
    auto folder = StateFolder::claim(path_).value();
    auto journal = Journal::open(folder, kHome).value();
    ASSERT_TRUE(journal->begin("run-1"));
    ASSERT_TRUE(journal->record(qdisc("eth0")));
    const uint64_t second = journal->record(qdisc("eth1")).value();
    ASSERT_TRUE(journal->record(qdisc("eth2")));
    ASSERT_TRUE(journal->taken_back(second));
  }

  std::string path_ = testing::TempDir() + "blackstart-journal-test";
};

TEST_F(JournalTest, AStepStandsUntilItIsTakenBack) {
  proves("S2,S10");
  three_steps();
  EXPECT_THAT(names(reread().value()), ElementsAre("run-1 eth0", "run-1 eth2"));
}

TEST_F(JournalTest, LookingChangesNothing) {
  EXPECT_EQ(Journal::look(path_).error().code, ENOENT);
  three_steps();
  const std::string torn = bytes() + "torn";
  write(torn);
  EXPECT_FALSE(StateFolder::claimed(path_));
  const auto folder = StateFolder::claim(path_);
  EXPECT_TRUE(StateFolder::claimed(path_));
  EXPECT_THAT(names(Journal::look(path_).value()), ElementsAre("run-1 eth0", "run-1 eth2"));
  EXPECT_EQ(bytes(), torn);
}

TEST_F(JournalTest, IsItsHeaderAgainOnceNothingStands) {
  auto folder = StateFolder::claim(path_).value();
  auto journal = Journal::open(folder, kHome).value();
  EXPECT_EQ(bytes(), journal_header());
  for (const char* run : {"run-1", "run-2"}) {
    ASSERT_TRUE(journal->begin(run));
    const uint64_t id = journal->record(qdisc("eth0")).value();
    ASSERT_TRUE(journal->end());
    EXPECT_GT(bytes().size(), kJournalHeader) << "a step stands";
    ASSERT_TRUE(journal->taken_back(id));
    ASSERT_TRUE(journal->taken_back(id)) << "again is fine";
    ASSERT_TRUE(journal->end());
    EXPECT_EQ(bytes(), journal_header());
  }
}

TEST_F(JournalTest, SurvivesATearAtEveryLength) {
  proves("S2,S10");
  three_steps();
  const std::string whole = bytes();
  // What stands after each whole entry, the first length at which it does, and its header before them.
  const auto full = parse_journal(whole).value();
  std::vector<std::pair<size_t, size_t>> standing_from{{0, 0}};
  size_t at = kJournalHeader, standing = 0;
  for (const journal::Entry& entry : full.entries) {
    at += journal_frame(entry).size();
    standing += entry.has_recorded() ? 1 : 0;
    standing -= entry.what_case() == journal::Entry::kTakenBack ? 1 : 0;
    standing_from.emplace_back(at, standing);
  }
  ASSERT_EQ(at, whole.size());
  for (size_t length = 0; length <= whole.size(); ++length) {
    for (const std::string& tail : {std::string(), std::string(5, '\0'), std::string(40, '\xff')}) {
      if (length < kJournalHeader && !tail.empty()) continue;
      write(whole.substr(0, length) + (length < whole.size() ? tail : ""));
      const auto read = reread();
      ASSERT_TRUE(read) << length << ": " << read.error().message();
      size_t expected = 0;
      for (const auto& [from, count] : standing_from)
        if (length >= from) expected = count;
      EXPECT_EQ(read->size(), expected) << "cut at " << length;
      EXPECT_LE(bytes().size(), std::max(length, kJournalHeader)) << "the tail is gone";
    }
  }
}

TEST_F(JournalTest, GoesOnBehindATear) {
  three_steps();
  write(bytes() + "torn");
  {
    auto folder = StateFolder::claim(path_).value();
    auto journal = Journal::open(folder, kHome).value();
    ASSERT_TRUE(journal->begin("run-2"));
    ASSERT_TRUE(journal->record(qdisc("eth3")));
  }
  EXPECT_THAT(names(reread().value()), ElementsAre("run-1 eth0", "run-1 eth2", "run-2 eth3"));
}

TEST_F(JournalTest, AFlippedBitEndsWhatIsBelieved) {
  three_steps();
  const std::string whole = bytes();
  for (size_t at = kJournalHeader; at < whole.size(); ++at) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    const auto read = parse_journal(flipped);
    ASSERT_TRUE(read);
    EXPECT_LE(read->good, at) << "nothing at or behind the flipped byte counts";
  }
}

TEST_F(JournalTest, RefusesWhatItDoesNotKnow) {
  three_steps();
  std::string newer = bytes();
  newer[8] = 2;
  write(newer);
  const auto refused = reread();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kRefused);
  EXPECT_THAT(refused.error().message(), HasSubstr("version 2"));
  EXPECT_EQ(bytes(), newer) << "it is left as it was";

  write("something else entirely");
  EXPECT_EQ(reread().error().kind, ErrorKind::kInvalid);
  write(std::string(4096, '\0').substr(0, 15));
  EXPECT_TRUE(reread()) << "a file the crash left empty of content";
}

TEST_F(JournalTest, AFullDiskRecordsNothing) {
  proves("S6,S10");
  auto folder = StateFolder::claim(path_).value();
  auto journal = Journal::open(folder, kHome).value();
  ASSERT_TRUE(journal->begin("run-1"));
  const std::string before = bytes();
  // The nearest thing to a full disk without one: a file that may not grow.
  rlimit old{}, tight{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  tight = old;
  tight.rlim_cur = before.size() + 3;
  ::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &tight);
  const auto id = journal->record(qdisc("eth0"));
  ::setrlimit(RLIMIT_FSIZE, &old);
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, EFBIG);
  EXPECT_EQ(bytes(), before) << "not even half an entry";
  EXPECT_THAT(journal->standing(), IsEmpty());
  EXPECT_TRUE(journal->record(qdisc("eth0"))) << "and with room again it goes on";
}

TEST_F(JournalTest, TheFolderIsOurs) {
  proves("S9");
  {
    auto folder = StateFolder::claim(path_).value();
    EXPECT_EQ(fs::status(path_).permissions(), fs::perms::owner_all);
    const auto second = StateFolder::claim(path_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::kRefused);
    EXPECT_THAT(second.error().hint, HasSubstr("an agent is alive"));
  }
  const std::string link = path_ + "-link";
  fs::create_directory_symlink(path_, link);
  EXPECT_FALSE(StateFolder::claim(link));
  fs::remove(link);

  fs::permissions(path_, fs::perms::all);
  EXPECT_FALSE(StateFolder::claim(path_)) << "others may write to it";
  fs::permissions(path_, fs::perms::owner_all);
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(path_.c_str(), 65534, 65534), 0);
    EXPECT_FALSE(StateFolder::claim(path_));
    ASSERT_EQ(::chown(path_.c_str(), 0, 0), 0);
  }
  auto folder = StateFolder::claim(path_).value();
  fs::create_symlink("/dev/null", file());
  EXPECT_FALSE(Journal::open(folder, kHome));
  EXPECT_FALSE(StateFolder::claim(path_ + "/no/such/parent"));
}

struct Taken {
  std::vector<std::string> asked;
  bool refuse = false;
  int swept = 0;

  ReapParts parts() {
    return {.take_back = [this](const contract::Step& step) -> Result<bool> {
              asked.push_back(step.clsact_qdisc().interface());
              if (refuse) return fail_errno(EBUSY, "remove", "a qdisc");
              return true;
            },
            .sweep = [this]() -> Result<int> { return std::exchange(swept, 0); }};
  }
};

TEST_F(JournalTest, TheReaperTakesBackTheYoungestFirstThenSweeps) {
  proves("S2,S8");
  three_steps();
  auto folder = StateFolder::claim(path_).value();
  auto journal = Journal::open(folder, kHome).value();
  Taken taken{.swept = 2};
  const auto removed = reap(*journal, taken.parts());
  ASSERT_TRUE(removed);
  EXPECT_THAT(taken.asked, ElementsAre("eth2", "eth0"));
  EXPECT_EQ(removed->size(), 3u);
  EXPECT_THAT(removed->front(), HasSubstr("clsact qdisc of eth2"));
  EXPECT_EQ(bytes(), journal_header());
  EXPECT_THAT(reap(*journal, taken.parts()).value(), IsEmpty());
}

TEST_F(JournalTest, WhatCannotBeTakenBackStands) {
  proves("S8");
  three_steps();
  auto folder = StateFolder::claim(path_).value();
  auto journal = Journal::open(folder, kHome).value();
  Taken taken{.refuse = true};
  const auto removed = reap(*journal, taken.parts());
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().kind, ErrorKind::kStranded);
  EXPECT_THAT(taken.asked, ElementsAre("eth2", "eth0")) << "it goes on after a failure";
  EXPECT_EQ(journal->standing().size(), 2u);
  taken.refuse = false;
  EXPECT_TRUE(reap(*journal, taken.parts()));
  EXPECT_EQ(bytes(), journal_header());
}

TEST_F(JournalTest, AStepOfAnotherBootIsOnlyCrossedOut) {
  proves("S4");
  for (const Place& elsewhere : {Place{"boot-b", 7}, Place{"boot-a", 8}}) {
    three_steps();
    auto folder = StateFolder::claim(path_).value();
    auto journal = Journal::open(folder, elsewhere).value();
    Taken taken;
    ASSERT_TRUE(reap(*journal, taken.parts()));
    EXPECT_THAT(taken.asked, IsEmpty());
    EXPECT_EQ(bytes(), journal_header());
  }
}

}  // namespace
}  // namespace blackstart
