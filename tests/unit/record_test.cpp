// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "injector/plan/sha256.h"
#include "injector/record/event_log.h"
#include "injector/record/lever.h"
#include "injector/record/record.h"
#include "injector/record/run_registry.h"
#include "tests/support/promise.h"

namespace blackstart {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

class Log : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = std::filesystem::temp_directory_path() / ("record_test_" + std::to_string(::getpid()));
    std::filesystem::create_directories(dir_);
    file_ = dir_ / "events.log";
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::string write_three() {
    auto log = EventLog::create(file_).value();
    EXPECT_EQ(log.head(), "");
    EXPECT_TRUE(log.append("armed", {{"hosts", 3}}, 100));
    EXPECT_TRUE(log.append("fired", {{"t0", 1.5}, {"note", "판교 \"dark\"\n"}}, 200));
    EXPECT_TRUE(log.append("reverted", json::object(), 300));
    return log.head();
  }
  std::string content() const {
    std::ifstream in(file_);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void replace(const std::string& text) const { std::ofstream(file_, std::ios::trunc) << text; }

  std::filesystem::path dir_, file_;
};

TEST_F(Log, VerifiesWhatItWrote) {
  const std::string head = write_three();
  const auto verified = verify_log(file_, head);
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(verified->events, 3u);
  EXPECT_EQ(verified->head, head);
  const json first = json::parse(content().substr(0, content().find('\n')));
  EXPECT_EQ(first["seq"], 0);
  EXPECT_EQ(first["unix_ns"], 100);
  EXPECT_EQ(first["type"], "armed");
  EXPECT_EQ(first["data"]["hosts"], 3);
  EXPECT_EQ(first["prev"], "");
  EXPECT_FALSE(EventLog::create(file_)) << "a run's log is its own";
}

TEST_F(Log, WhatIsTakenOutOrAddedIsFound) {
  proves("S14");
  const std::string head = write_three(), good = content();
  const size_t first = good.find('\n') + 1, second = good.find('\n', first) + 1;
  replace(good.substr(0, first) + good.substr(second));
  EXPECT_FALSE(verify_log(file_));
  replace(good.substr(first));
  EXPECT_FALSE(verify_log(file_));
  replace(good.substr(0, second));  // the end cut off: only the head can tell
  EXPECT_TRUE(verify_log(file_));
  EXPECT_FALSE(verify_log(file_, head));
  replace(good + good.substr(second));
  EXPECT_FALSE(verify_log(file_));
  replace(good.substr(0, good.size() - 1));
  EXPECT_FALSE(verify_log(file_));
}

TEST_F(Log, SaysWhichLineAndFieldDoNotFit) {
  proves("S14");
  write_three();
  const std::string good = content();
  const auto said = [&](const std::string& from, const std::string& to) {
    std::string bad = good;
    bad.replace(bad.rfind(from), from.size(), to);
    replace(bad);
    const auto verified = verify_log(file_);
    return verified ? "intact" : verified.error().at.text() + " " + verified.error().message;
  };
  EXPECT_THAT(said("\"seq\":1", "\"seq\":4"), HasSubstr("events.log:2 `seq`"));
  EXPECT_THAT(said("\"unix_ns\":200", "\"unix_ns\":201"), HasSubstr("events.log:2 `hash`"));
  EXPECT_THAT(said("\"prev\":\"", "\"prev\":\"0"), HasSubstr("events.log:3 `prev`"));
  EXPECT_THAT(said("{", "["), HasSubstr("events.log:3 this is no event"));
}

TEST_F(Log, HostileLinesAreNoEventsAndCostLittle) {
  replace(std::string(1 << 20, '[') + "\n");
  EXPECT_FALSE(verify_log(file_));
  replace("{\"data\":" + std::string(1 << 20, '[') + std::string(1 << 20, ']') +
          ",\"hash\":\"\",\"prev\":\"\",\"seq\":0,\"type\":7}\n");
  EXPECT_FALSE(verify_log(file_));
  replace(std::string(1, '\0') + "\n");
  EXPECT_FALSE(verify_log(file_));
}

// A whole record: plan, chain, outcome.
class Record : public Log {
 protected:
  void SetUp() override {
    Log::SetUp();
    const std::string plan = "{\"plan\": 1}\n", outcome = "{\"verdict\": \"pass\"}\n";
    for (const auto& [name, text] : std::map<std::string, std::string>{{"plan", plan}, {"outcome", outcome}})
      std::ofstream(dir_ / (name + ".json")) << text;
    auto log = EventLog::create(dir_ / "events.jsonl").value();
    ASSERT_TRUE(seal_plan(log, plan));
    ASSERT_TRUE(log.append("fired", {{"t0", 1.5}, {"note", "판교 \"dark\"\n"}}));
    ASSERT_TRUE(log.append("reverted", {{"reason", "end"}}));
    unsealed_head_ = log.head();
    ASSERT_TRUE(seal_outcome(log, outcome));
    head_ = log.head();
  }
  std::string read(const std::string& name) const {
    std::ifstream in(dir_ / name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(dir_ / name, std::ios::trunc) << text;
  }
  [[nodiscard]] auto verify(const std::string& head = {}) const { return verify_record(dir_, head); }

  std::string head_, unsealed_head_;
};

TEST_F(Record, IsIntactAsWritten) {
  const auto record = verify(head_);
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_TRUE(record->sealed);
  EXPECT_EQ(record->events, 4u);
  EXPECT_EQ(record->head, head_);
}

TEST_F(Record, EveryFlippedByteIsFound) {
  proves("S14");
  for (const std::string name : {"plan.json", "events.jsonl", "outcome.json"}) {
    const std::string good = read(name);
    ASSERT_GT(good.size(), 10u);
    for (size_t at = 0; at < good.size(); ++at)
      for (const int mask : {0x01, 0x20, 0x80}) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ mask);
        write(name, bad);
        ASSERT_FALSE(verify()) << name << " byte " << at << " mask " << mask;
      }
    write(name, good);
    ASSERT_TRUE(verify());
  }
}

TEST_F(Record, ACutOffEndIsNeverWholeAndTheHeadTells) {
  proves("S14");
  for (const std::string name : {"plan.json", "events.jsonl", "outcome.json"}) {
    const std::string good = read(name);
    for (size_t length = 0; length < good.size(); ++length) {
      write(name, good.substr(0, length));
      const auto record = verify();
      ASSERT_FALSE(record && record->sealed) << name << " cut to " << length;
      ASSERT_FALSE(verify(head_)) << name << " cut to " << length;
    }
    std::filesystem::remove(dir_ / name);
    ASSERT_FALSE(verify()) << name;
    write(name, good);
  }
}

// What the chain alone cannot know, the head that was printed does.
TEST_F(Record, ARewrittenEndIsFoundByTheHeadAlone) {
  proves("S14");
  const std::string events = read("events.jsonl"), forged = "{\"verdict\": \"fail\"}\n";
  write("outcome.json", forged);
  json last = json::parse(events.substr(events.rfind('\n', events.size() - 2)));
  last["data"]["sha256"] = sha256_hex(forged);
  last.erase("hash");
  last["hash"] = sha256_hex(last.dump());
  write("events.jsonl", events.substr(0, events.rfind('\n', events.size() - 2) + 1) + last.dump() + "\n");
  EXPECT_TRUE(verify()) << "if this is found without the head, say so in the documentation";
  EXPECT_FALSE(verify(head_));
}

// ------------------------------------------------------------------------------------------------

class LeverTest : public Log {};

TEST_F(LeverTest, StaysEngagedUntilItIsReleased) {
  proves("S7");
  const std::string folder = dir_ / "state";
  Lever lever(folder);
  EXPECT_FALSE(lever.engaged());
  ASSERT_TRUE(lever.engage({1'700'000'000'123'000'000, "alice", "the wrong \"site\""}));
  ASSERT_TRUE(lever.engage({1, "bob", "again"})) << "whoever engaged it first is told";
  const auto state = Lever(folder).engaged();
  ASSERT_TRUE(state);
  EXPECT_EQ(state->text(),
            "the lever is engaged since 2023-11-14T22:13:20.123Z by alice: the wrong \"site\"");
  EXPECT_EQ(engaged_lever(folder)->by, "alice");
  const RunRegistry registry(dir_ / "live", folder);
  ASSERT_FALSE(registry.may_start());
  EXPECT_EQ(registry.may_start().error().kind, ErrorKind::kRefused);
  EXPECT_THAT(registry.may_start().error().message(), HasSubstr("alice"));
  EXPECT_THAT(registry.may_start().error().message(), HasSubstr("lever release"));
  EXPECT_THAT(registry.abort_requested("r1").value_or(""), HasSubstr("alice"));
  EXPECT_TRUE(lever.release().value());
  EXPECT_FALSE(lever.release().value());
  EXPECT_FALSE(lever.engaged());
}

TEST_F(LeverTest, AnyFileEngagesIt) {
  proves("S7");
  const Lever lever(dir_);
  const std::string file = lever.file();
  for (const std::string text :
       {"", "fire drill\n", "{\"why\": 3, \"by\": [], \"engaged_unix_ns\": \"x\"}", "[]"}) {
    std::ofstream(file, std::ios::trunc) << text;
    ASSERT_TRUE(lever.engaged()) << text;
    EXPECT_THAT(lever.engaged()->text(), HasSubstr("the lever is engaged"));
  }
  std::ofstream(file, std::ios::trunc) << "fire drill\n";
  EXPECT_EQ(lever.engaged()->why, "fire drill");
  std::filesystem::remove(file);
  std::filesystem::create_symlink("/nonexistent", file);
  EXPECT_TRUE(lever.engaged());
  std::filesystem::remove(file);
  ASSERT_EQ(mkfifo(file.c_str(), 0600), 0);
  EXPECT_TRUE(lever.engaged()) << "and nobody waits for a writer";
}

}  // namespace
}  // namespace blackstart
