// SPDX-License-Identifier: Apache-2.0
// What holds for every format: the same numbers, nothing that reads as markup, no address where none may be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <functional>
#include <map>
#include <regex>

#include "injector/record/outcome_json.h"
#include "injector/report/changes.h"
#include "injector/report/compare.h"
#include "injector/report/digest.h"
#include "injector/report/outcome_report.h"
#include "injector/report/redact.h"
#include "tests/support/visible.h"
#include "tests/unit/outcome_fixture.h"

namespace blackstart::report {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

std::map<std::string, std::string> texts(const Outcome& outcome) {
  return {{"terminal", std::regex_replace(terminal_text(outcome), std::regex("\\n *"), " ")},
          {"markdown", std::regex_replace(markdown_text(outcome), std::regex("\\\\"), "")},
          {"html", visible(html_text(outcome))},
          {"junit", visible(junit_text(outcome))}};
}

// Every figure of a run: how it is changed, what JSON then says, and what people read.
struct Fact {
  const char* name;
  std::function<void(Outcome&)> set;
  const char* pointer;
  nlohmann::json value;
  const char* words;
};

const std::vector<Fact>& facts() {
  static const std::vector<Fact> kFacts{
      {"dropped", [](Outcome& o) { o.faults[0].dropped = 7654321; }, "/faults/0/packets/dropped", 7654321,
       "7,654,321"},
      {"leaked", [](Outcome& o) { o.faults[0].leaked = 4321; }, "/faults/0/packets/leaked", 4321, "4,321"},
      {"attempts", [](Outcome& o) { o.probes["login"].attempts = 8765; }, "/probes/login/attempts", 8765,
       "of 8,765"},
      {"failures", [](Outcome& o) { o.probes["login"].failures = 6543; }, "/probes/login/failures", 6543,
       "6,543 of"},
      {"missed", [](Outcome& o) { o.probes["login"].missed = 5432; }, "/probes/login/missed", 5432,
       "5,432 missed"},
      {"before", [](Outcome& o) { o.probes["login"].before = 0.876; }, "/probes/login/before", 0.876,
       "87.6%"},
      {"during", [](Outcome& o) { o.probes["login"].during = 0.123; }, "/probes/login/during", 0.123,
       "12.3%"},
      {"after", [](Outcome& o) { o.probes["login"].after = 0.765; }, "/probes/login/after", 0.765, "76.5%"},
      {"exit code", [](Outcome& o) { o.exit_code = 70; }, "/exitCode", 70, "exit code 70"},
      {"achieved", [](Outcome& o) { o.objectives[0].achieved = 3723s; }, "/objectives/0/achieved", 3723.0,
       "≥ 1h 2m 3s"},
      {"target", [](Outcome& o) { o.objectives[0].target = 2h + 7min; }, "/objectives/0/target", 7620.0,
       "2h 7m"},
      {"mark", [](Outcome& o) { o.marks[0].at = zero_of(o) + 37'000'000'000; }, "/marks/0/at", 37.0,
       "T0 + 37s"},
      {"time", [](Outcome& o) { o.times[3].took = 47s; }, "/times/3/took", 47.0, "47s"},
      {"lower bound", [](Outcome& o) { o.times[6].took = 5025s; }, "/times/6/took", 5025.0, "≥ 1h 23m 45s"},
      {"records lost", [](Outcome& o) { o.records["ledger"].lost = 319; }, "/records/ledger/lost", 319,
       "319 of"},
      {"records acknowledged", [](Outcome& o) { o.records["ledger"].acknowledged = 4747; },
       "/records/ledger/acknowledged", 4747, "of 4,747 acknowledged"},
      {"records unknown", [](Outcome& o) { o.records["ledger"].unknown = 2323; }, "/records/ledger/unknown",
       2323, "2,323 unknown"},
      {"rpo", [](Outcome& o) { o.records["ledger"].rpo = 9700ms; }, "/records/ledger/rpo", 9.7, "RPO 9.7s"},
      {"gray", [](Outcome& o) { o.gray[0].to = o.gray[0].from + 7'500'000'000; }, "/gray/0/to", 12.5,
       "send passed its own checks while photo failed for 7.5s"},
      {"override", [](Outcome& o) { o.preconditions[1].overridden = "nobody is here at night"; },
       "/preconditions/1/overridden", "nobody is here at night",
       "✗ red, overridden: nobody is here at night"},
      {"red precondition", [](Outcome& o) { o.preconditions[0].met = false; }, "/preconditions/0/met", false,
       "✗ red"},
      {"hosts back", [](Outcome& o) { o.recovery.curve[1].at = zero_of(o) + 63'250'000'000; },
       "/recovery/curve/1/at", 63.25, "4 of 4 hosts of pangyo back at T0 + 1m 3.25s"},
      {"services back", [](Outcome& o) { o.recovery.services = 3; }, "/recovery/services", 3,
       "2 of 3 services back when the run ended"},
      {"not back",
       [](Outcome& o) {
         o.recovery.not_back = {{"login", "pangyo-7", "pangyo"}};
       },
       "/recovery/notBack/0/host", "pangyo-7", "login on pangyo-7 (pangyo)"},
      {"nobody looked", [](Outcome& o) { o.recovery.looked_at = false; }, "/recovery/notBack", nullptr,
       "what came back is not known"},
      {"still failing", [](Outcome& o) { o.probes["login"].still_failing = true; },
       "/probes/login/stillFailing", true, "still failing"},
      {"before the cut", [](Outcome& o) { o.services["gateway"].before = Impact::kDown; },
       "/services/gateway/before", "down", "was down before"},
      {"observed", [](Outcome& o) { o.services["gateway"].observed = Impact::kDown; },
       "/services/gateway/observed", "down", "down"},
      {"residue", [](Outcome& o) { o.residue = {"pangyo-app: link 7; remove it with: ip link del 7"}; },
       "/residue/0", "pangyo-app: link 7; remove it with: ip link del 7",
       "RESIDUE: pangyo-app: link 7; remove it with: ip link del 7"},
      {"change", [](Outcome& o) { o.changes[0].object = "198.18.88.0/24 dev eth0"; }, "/changes/0/object",
       "198.18.88.0/24 dev eth0",
       "changed meanwhile (not ours): anyang-app: route 198.18.88.0/24 dev eth0 appeared"},
      {"run", [](Outcome& o) { o.log_head = std::string(64, 'c'); }, "/log/head", std::string(64, 'c'),
       "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"}};
  return kFacts;
}

TEST(EveryFormat, SaysTheNumberOfTheOutcome) {
  for (const Fact& fact : facts()) {
    Outcome outcome = pangyo_went_dark();
    const auto before = texts(outcome);
    fact.set(outcome);
    EXPECT_EQ(outcome_json(outcome).at(nlohmann::json::json_pointer(fact.pointer)), fact.value) << fact.name;
    for (const auto& [format, text] : texts(outcome)) {
      EXPECT_THAT(text, HasSubstr(fact.words)) << fact.name << " in " << format;
      EXPECT_NE(text, before.at(format)) << format << " does not show " << fact.name;
    }
  }
}

TEST(EveryFormat, SaysWhatBecameOfProcesses) {
  const Outcome outcome = pangyo_lost_power();
  for (const auto& [format, text] : texts(outcome))
    for (const char* words :
         {"f2 processes: 4 killed, 41 more killed as they started (login 3 + 41, "
          "session-cache 1)",
          "1 of 2 killed instances well again, 400 hosts an hour (measured)",
          "at that rate 32,000 hosts would take 80h: an extrapolation, not a measurement",
          "gateway, login waited for each other to start, and none of them got well",
          "started and not seen well before the run ended: login on pangyo-app",
          "people took 7s to let session-cache on pangyo-cache come back",
          "a fresh login in anyang died after 1.4s for want of session-cache", "the network team"}) {
      EXPECT_THAT(text, HasSubstr(words)) << format;
    }
}

TEST(Timeline, OneWordOfAPersonIsOneEntryAndThePaceSaysNothing) {
  Outcome outcome = pangyo_lost_power();
  auto& instances = outcome.returns.instances;
  OutcomeReturn second = instances[0], paced = instances[1];
  second.service = "photo-store";
  paced.asked = paced.due;  // a record from elsewhere
  instances = {instances[0], second, paced};
  const std::string text = markdown_text(outcome, Edition::kSre);
  EXPECT_THAT(
      text,
      HasSubstr("session-cache on pangyo-cache, photo-store on pangyo-cache may come back, says alice"));
  EXPECT_THAT(text, Not(HasSubstr("may come back, says pace")));
}

TEST(EveryFormat, NothingReadsAsMarkup) {
  const Outcome outcome = hostile();
  for (const Edition edition : {Edition::kSre, Edition::kExecutive, Edition::kRegulator}) {
    const std::string html = html_text(outcome, edition);
    EXPECT_THAT(html, AllOf(Not(HasSubstr("<script")), Not(HasSubstr("<img")), HasSubstr("&lt;script&gt;")));
    EXPECT_THAT(markdown_text(outcome, edition),
                AllOf(Not(::testing::ContainsRegex("[^\\]<script")), Not(::testing::ContainsRegex("\n# x"))));
  }
  EXPECT_THAT(junit_text(outcome),
              AllOf(Not(HasSubstr("<script")), Not(HasSubstr("\x01")), Not(HasSubstr("\xff"))));
}

TEST(Html, NeedsNothingButItself) {
  for (const Edition edition : {Edition::kSre, Edition::kExecutive, Edition::kRegulator}) {
    const std::string html = html_text(pangyo_went_dark(), edition);
    for (const char* outside : {"http:", "https:", "src=", "@import", "url(", "<link"})
      EXPECT_THAT(html, Not(HasSubstr(outside)));
  }
}

TEST(Html, DrawsTheTimelineAndTheMatrix) {
  const std::string html = html_text(pangyo_went_dark());
  EXPECT_THAT(html, AllOf(HasSubstr("Timeline of the run"), HasSubstr("Recovery curve"),
                          HasSubstr("class=\"failed\" d=\"M"), HasSubstr("✗ missed</small>send"),
                          HasSubstr("✗ false alarm</small>gateway"), HasSubstr("✓ right</small>login")));
  EXPECT_THAT(html, AllOf(HasSubstr("<title>4 of 4 hosts of pangyo from T0 + 1m 2s</title>"),
                          HasSubstr("<title>1 of 2 services from T0 + 1s</title>")));
  Outcome mute = pangyo_went_dark();
  mute.probes.clear();
  EXPECT_THAT(html_text(mute), HasSubstr("<title>4 of 4 hosts of pangyo from T0 + 1m 2s</title>"));
  EXPECT_THAT(html_text(nobody_started()),
              AllOf(HasSubstr("NOT RUN"), Not(HasSubstr("<svg")), Not(HasSubstr("services hurt"))));
}

TEST(Editions, GiveEachReaderTheirOwn) {
  const Outcome outcome = pangyo_went_dark();
  const std::string executive = markdown_text(outcome, Edition::kExecutive);
  EXPECT_THAT(
      executive,
      AllOf(HasSubstr(
                "Users lost login for 1m 0.5s (0% answered during the faults); what happened to photo is not "
                "known"),
            HasSubstr("17 of 587 acknowledged records lost, RPO 3.2s"),
            HasSubstr("From the first packet hit: noticed after 12s, decided after 37s"),
            HasSubstr("not seen recovered (≥ 1m 1s)"), HasSubstr("Give session-cache a second site"),
            HasSubstr("Let the health check of send ask what users ask"), Not(HasSubstr("log head"))));
  EXPECT_EQ(sections(outcome, Edition::kExecutive)[0].table.size(), 6u) << "a head and five figures";
  const std::string regulator = markdown_text(outcome, Edition::kRegulator);
  for (const std::string& evidence :
       {rfc3339(outcome.t0), rfc3339(outcome.marks[0].at), outcome.log_head, outcome.hash,
        std::string("127h 33m"), std::string("What this run does not say"), std::string("version of kernel"),
        std::string("Sign-off")})
    EXPECT_THAT(regulator, HasSubstr(evidence));
  EXPECT_EQ(edition_named("boss"), std::nullopt);
}

TEST(Digest, ABoundIsNoAnswer) {
  EXPECT_EQ(met({"recover", 4h, 61s, true}), std::nullopt);
  EXPECT_EQ(met({"recover", 60s, 61s, true}), false);
  EXPECT_EQ(met({"recover", 4h, 61s, false}), true);
  EXPECT_EQ(met({"recover", 4h, std::nullopt, false}), std::nullopt);
  EXPECT_EQ(answered(pangyo_went_dark(), &OutcomeProbe::during), std::nullopt) << "one journey is unknown";
  EXPECT_NEAR(*answered(pangyo_went_dark_bridged(), &OutcomeProbe::during), 0.6 * 0.993 + 0.4, 1e-9);
}

TEST(Redact, AddressesGoAndNamesStay) {
  Outcome outcome = pangyo_went_dark();
  outcome.notes = {"198.18.1.11:8080 refused; 198.18.1.11 again, 198.18.0.0/24 too.",
                   "[fd00:18:1::11]:80 and fd00:18:1::/64, 02:42:ac:11:00:02; at 22:13:20, v1.2.3, std::map",
                   "host ip-10-0-0-1 stays",
                   "check:lab:198.18.1.13:80, host:198.18.1.14, code:fd00:18:1::15, (mac:02:42:ac:11:00:03)"};
  outcome.probes["198.18.1.11"] = outcome.probes["login"];
  outcome.preconditions = {{"http://198.18.1.11:8080/ready", "carries fd00:18:1::/64",
                            "no answer from https://user@[fd00:18:1::11]:8443/x", false,
                            "asked 198.18.0.1 by phone"}};
  outcome.times.push_back({"recover", "198.18.1.11", 3s, false});
  outcome.gray = {{"door-198.18.1.11", "http://198.18.1.12/", outcome.t0, outcome.t0 + 4'000'000'000}};
  outcome.records = {{"198.18.1.11", {"198.18.1.12", 9, 8, 1, 0, outcome.t0, outcome.t0, 1s}}};
  outcome.recovery.hosts["198.18.1.0/24"] = 1;
  const Outcome clean = redacted(outcome);
  EXPECT_EQ(clean.notes[2], "host ip-10-0-0-1 stays");
  EXPECT_THAT(clean.notes[1], HasSubstr("at 22:13:20, v1.2.3, std::map"));
  EXPECT_THAT(clean.notes[0],
              ::testing::ContainsRegex("^(address-[0-9]+):8080 refused; address-[0-9]+ again"));
  for (const auto& [format, text] : texts(clean))
    for (const char* address : {"198.18", "fd00", "02:42", "/24", "/64"})
      EXPECT_THAT(text, Not(HasSubstr(address))) << format;
  EXPECT_EQ(clean.t0, outcome.t0);
  EXPECT_EQ(clean.log_head, outcome.log_head);
}

// ------------------------------------------------------------------------------------------------

int count(const std::string& text, const std::string& what) {
  int found = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

TEST(Junit, HasOneCaseForEachThingJudged) {
  const std::string text = junit_text(pangyo_went_dark());
  // run, two hypotheses, gate, guard, recovery, residue
  EXPECT_EQ(count(text, "<testcase"), 7);
  EXPECT_EQ(count(text, "<failure"), 2) << "the run and the hypothesis on login\n" << text;
  EXPECT_EQ(count(text, "<error"), 1) << "photo: nobody knows";
  EXPECT_THAT(text, HasSubstr("tests=\"7\" failures=\"2\" errors=\"1\""));
}

TEST(Junit, IsRedExactlyWhenTheExitCodeIsNot0) {
  const auto red = [](const Outcome& outcome) {
    const std::string text = junit_text(outcome);
    return count(text, "<failure") + count(text, "<error") > 0;
  };
  for (const int code : {0, 1, 2, 3, 5, 6, 7, 70})
    for (const Verdict verdict : {Verdict::kNone, Verdict::kPass, Verdict::kFail, Verdict::kAborted}) {
      Outcome outcome = pangyo_went_dark();
      outcome.exit_code = code;
      outcome.verdict = verdict;
      EXPECT_EQ(red(outcome), code != 0) << code;
    }
}

TEST(Changes, SayWhatGotBetterAndWorse) {
  const auto what = [](const std::vector<Change>& changes) {
    std::vector<std::string> names;
    for (const Change& change : changes) names.push_back(change.what);
    return names;
  };
  const Outcome first = pangyo_went_dark(), second = pangyo_went_dark_bridged();
  EXPECT_THAT(what(changes(first, second).better),
              ElementsAre("verdict", "service login", "login answered during the faults",
                          "time to mitigate, login", "time to recover, login", "records lost, ledger",
                          "RPO, ledger", "send passed its checks while photo failed", "prediction, recall",
                          "prediction, precision", "session-cache"));
  EXPECT_THAT(changes(first, second).worse, ::testing::IsEmpty());
  EXPECT_EQ(what(changes(second, first).worse), what(changes(first, second).better));
  EXPECT_THAT(changes(first, first).better, ::testing::IsEmpty());
  for (const std::string& text : {compare_text(first, second), visible(compare_html(first, second)),
                                  compare_markdown(first, second), compare_json(first, second).dump()})
    EXPECT_THAT(text,
                AllOf(HasSubstr("r-1"), HasSubstr("r-2"), HasSubstr("99.3%"), HasSubstr("only in pangyo")));
}

TEST(Changes, ABoundCountsOnlyOnItsFarSide) {
  const auto compared = [](Duration before, bool before_bound, Duration after, bool after_bound) {
    Outcome first = pangyo_went_dark(), second = first;
    first.times = {{"recover", "login", before, before_bound}};
    second.times = {{"recover", "login", after, after_bound}};
    const Changes found = changes(first, second);
    return static_cast<int>(found.better.size()) - static_cast<int>(found.worse.size());
  };
  EXPECT_EQ(compared(60s, true, 20s, false), 1) << "it took a minute or more, and takes less now";
  EXPECT_EQ(compared(60s, true, 80s, false), 0) << "it may have taken longer than that";
  EXPECT_EQ(compared(20s, false, 60s, true), -1);
  EXPECT_EQ(compared(80s, false, 60s, true), 0);
  EXPECT_EQ(compared(60s, true, 20s, true), 0);
  EXPECT_EQ(compared(20s, false, 21s, false), 0) << "noise";
}

TEST(Changes, WhatIsUnknownIsNoChange) {
  Outcome first = pangyo_went_dark(), second = first;
  second.records["ledger"].lost = 5;
  second.records["ledger"].unknown = 12;
  second.records["ledger"].rpo.reset();
  EXPECT_THAT(changes(first, second).better, ::testing::IsEmpty()) << "the unknown ones may be lost as well";
  second = first;
  second.gray.clear();
  EXPECT_THAT(changes(first, second).better, ::testing::IsEmpty()) << "nobody asked for photo";
  second.probes["photo"].during = 1.0;
  ASSERT_EQ(changes(first, second).better.size(), 1u);
  EXPECT_EQ(changes(first, second).better[0].what, "send passed its checks while photo failed");
}

}  // namespace
}  // namespace blackstart::report
