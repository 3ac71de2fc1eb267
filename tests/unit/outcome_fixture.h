// SPDX-License-Identifier: Apache-2.0
// One run as it could have been: Pangyo dark for a minute, login and photos down.
#pragma once

#include "injector/record/outcome.h"

namespace blackstart {

inline Outcome pangyo_went_dark() {
  constexpr UnixNs kSecond = 1'000'000'000;
  constexpr UnixNs t0 = 1'700'000'000 * kSecond + 123'456'789;
  Outcome o;
  o.run = "r-1";
  o.experiment = "pangyo-blackhole";
  o.summary = "Everything to and from Pangyo disappears.";
  o.hash = std::string(64, 'a');
  o.topology = "messenger";
  o.verdict = Verdict::kFail;
  o.recovery_verdict = Verdict::kPass;
  o.exit_code = kExitFail;
  o.reason = "the hypothesis failed";
  o.t0 = t0;
  o.fired = t0 - 1'500'000;
  o.apply_skew = std::chrono::microseconds(850);
  o.phases = {{"preflight", t0 - 62 * kSecond, t0 - 60 * kSecond},
              {"steady", t0 - 60 * kSecond, t0 - 2 * kSecond},
              {"arm", t0 - 2 * kSecond, t0 - kSecond},
              {"fire", t0 - kSecond, t0},
              {"hold", t0, t0 + 60 * kSecond},
              {"revert", t0 + 60 * kSecond, t0 + 60 * kSecond + kSecond / 4},
              {"recover", t0 + 60 * kSecond + kSecond / 4, t0 + 80 * kSecond},
              {"residue", t0 + 80 * kSecond, t0 + 81 * kSecond}};
  o.faults.push_back({"f1",
                      "site-blackhole",
                      "ebpf/tcx",
                      {"anyang-app", "pangyo-app"},
                      t0,
                      t0 + 60 * kSecond,
                      1234,
                      98765,
                      0,
                      4,
                      {{"pangyo", "users", "ingress", "drop", 1200, 90000},
                       {"", "pangyo", "egress", "drop", 34, 8765},
                       {"anyang", "pangyo", "ingress", "leak", 0, 0}}});
  o.faults.back().last_effect = t0 + 60 * kSecond + kSecond / 4;
  o.faults.back().ended_by = "end";
  o.services["login"] = {
      {Impact::kDown,
       {"needs session-cache, which is down", "session-cache: its only instance pangyo-cache is in the cut"}},
      Impact::kDown,
      "identity",
      1};
  o.services["session-cache"] = {
      {Impact::kDown, {"its only instance pangyo-cache is in the cut"}}, Impact::kUnknown, "cache", 1};
  o.services["send"] = {{Impact::kUnaffected, {}}, Impact::kDegraded, "app", 2};
  o.services["gateway"] = {
      {Impact::kDegraded, {"1 of 3 instances is in the cut: pangyo-gw"}}, Impact::kUnaffected, "gateway", 0};
  o.probes["login"] = {
      "phone",           0.6,       280, 122, 1, 1.0, 0.0, 0.995, t0 + 61 * kSecond, t0 + kSecond / 2,
      t0 + 61 * kSecond, "timeout", {}};
  o.probes["photo"] = {"phone", 0.4, 126, 0, 0, 1.0, std::nullopt, std::nullopt, 0, 0, 0, "", {}};
  o.probes["login"].failed = std::chrono::milliseconds(60'500);
  o.hypothesis = {{"login", "login successRatio >= 99% over 5s within 20s", false, std::nullopt},
                  {"photo", "photo successRatio >= 99%", std::nullopt, std::nullopt}};
  o.guards = {{"photo successRatio >= 1% over 10s", false, std::nullopt, ""}};
  o.gates = {{"login >= 50%", true, std::chrono::seconds(20)}};
  o.times = {{"detect", "", std::chrono::seconds(12), false},
             {"acknowledge", "", std::chrono::seconds(25), false},
             {"command", "", std::chrono::seconds(30), false},
             {"decide", "", std::chrono::seconds(37), false},
             {"mitigate", "login", std::chrono::seconds(60), true},
             {"recover", "login", std::chrono::seconds(61), true},
             {"full-restore", "", std::chrono::seconds(80), true}};
  o.records["ledger"] = {
      "anyang-app", 620, 587, 17, 0, t0 - 3 * kSecond, t0, std::chrono::milliseconds(3200)};
  o.gray = {{"send", "photo", t0 + 5 * kSecond, t0 + 9 * kSecond}};
  o.preconditions = {{"capacity: ratio >= 0.5 over 10s", "Anyang can carry everybody", "", true, ""},
                     {"windows", "", "closed until Sun 02:00 Asia/Seoul", false, "the owner agreed"}};
  o.recovery = {2,
                {{"anyang", 3}, {"pangyo", 4}},
                {{t0 + kSecond, 1, {{"anyang", 3}, {"pangyo", 0}}},
                 {t0 + 62 * kSecond, 2, {{"anyang", 3}, {"pangyo", 4}}}}};
  o.objectives = {{"recover", std::chrono::hours(4), std::chrono::seconds(61), true}};
  o.marks = {{"detected", t0 + 12 * kSecond}};
  o.changes = {{"anyang-app", "route", "198.18.77.0/24 dev eth0", "proto 3", "appeared"}};
  o.single_site = {{"login", "session-cache", "pangyo", "declared"}};
  o.notes = {"probe photo: no sample after T0 + 3s"};
  o.log_file = "/var/lib/blackstart/runs/r-1.log";
  o.log_head = std::string(64, 'b');
  // 140 seconds, two attempts in each: login fails for a minute, photo falls silent after three seconds.
  o.series_step = std::chrono::seconds(1);
  for (int second = -60; second < 80; ++second) {
    const UnixNs at = t0 + second * kSecond;
    o.probes["login"].series.push_back({at, 2, second >= 0 && second < 61 ? 2u : 0u});
    if (second < 3) o.probes["photo"].series.push_back({at, 2, 0});
  }
  o.warnings = {"no probe asks for send"};
  o.blind = {"flows nobody declared: there was no census"};
  o.untouched = {{"198.18.0.0/24", "management network", {}},
                 {"port 22", "people must be able to log in", {}}};
  o.versions = {{"blackstart", "0.1.0"}, {"kernel", "6.1.0"}};
  return o;
}

// The same with its processes killed, kept down and brought back, and a login nobody could start elsewhere.
inline Outcome pangyo_lost_power() {
  constexpr UnixNs kSecond = 1'000'000'000;
  Outcome o = pangyo_went_dark();
  const UnixNs t0 = o.t0;
  o.run = "r-4";
  o.faults.push_back({"f2",
                      "service-kill",
                      "ebpf/exec",
                      {"pangyo-app", "pangyo-cache"},
                      t0 + kSecond,
                      t0 + 60 * kSecond,
                      0,
                      0,
                      0,
                      0,
                      {}});
  o.faults.back().processes = {{"login", {3, 41, 0}}, {"session-cache", {1, 0, 0}}};
  o.faults.back().ended_by = "end";
  OutcomeReturn cache{
      "f2", "pangyo-cache", "pangyo", "session-cache", "cache", 1, OutcomeReturn::State::kWell};
  cache.by = "alice";
  cache.manual = true;
  cache.killed = t0 + kSecond;
  cache.due = t0 + 60 * kSecond;
  cache.asked = t0 + 67 * kSecond;
  cache.started = t0 + 67 * kSecond;
  cache.well = t0 + 69 * kSecond;
  OutcomeReturn login{"f2", "pangyo-app", "pangyo", "login", "identity", 2, OutcomeReturn::State::kStarted};
  login.by = "pace";
  login.killed = t0 + kSecond;
  login.due = login.started = t0 + 69 * kSecond;
  o.returns = {{cache, login}, 400.0, std::chrono::hours(80), {{"gateway", "login"}}};
  o.cold_starts = {{"c1", "login", "anyang-spare", "anyang", "died", "session-cache",
                    "cannot connect to session-cache.lab:6379", std::chrono::seconds(20),
                    std::chrono::milliseconds(1400)}};
  o.roles = {{"owner", {"Kim"}}, {"observers", {"Lee", "Park"}}};
  o.absent = {"the network team"};
  return o;
}

// The same cut after the bridge was finished.
inline Outcome pangyo_went_dark_bridged() {
  Outcome o = pangyo_went_dark();
  o.run = "r-2";
  o.topology = "messenger-bridged";
  o.verdict = Verdict::kPass;
  o.exit_code = kExitPass;
  o.reason = "the hypothesis held and the steady state came back";
  o.services["login"] = {
      {Impact::kDegraded, {"1 of 2 instances is in the cut: pangyo-app"}}, Impact::kDegraded, "identity", 1};
  o.services["session-cache"] = {
      {Impact::kDegraded, {"1 of 2 instances is in the cut: pangyo-cache"}}, Impact::kDegraded, "cache", 1};
  o.probes["login"].during = 0.993;
  o.probes["photo"].during = o.probes["photo"].after = 1.0;
  o.hypothesis = {
      {"login", "login successRatio >= 99% over 5s within 20s", true, std::chrono::milliseconds(1250)},
      {"photo", "photo successRatio >= 99%", true, std::chrono::seconds(0)}};
  o.times[4] = {"mitigate", "login", std::chrono::milliseconds(1250), false};
  o.times[5] = {"recover", "login", std::chrono::seconds(2), false};
  o.records["ledger"] = {"anyang-app", 620, 601, 0, 0, 0, 0, Duration{0}};
  o.gray[0].to = o.gray[0].from + 2 * 1'000'000'000;
  o.single_site.clear();
  o.notes.clear();
  return o;
}

// Refused before anything was touched.
inline Outcome nobody_started() {
  Outcome o;
  o.run = "r-3";
  o.experiment = "pangyo-blackhole";
  o.summary = "Everything to and from Pangyo disappears.";
  o.topology = "messenger";
  o.hash = std::string(64, 'a');
  o.exit_code = kExitRefused;
  o.reason = "a precondition is red: capacity >= 0.5";
  o.preconditions = {{"no incident", "", "", true, ""},
                     {"capacity >= 0.5", "Anyang can carry everybody", "it was 0.3", false, ""}};
  return o;
}

// Pangyo went dark, with names and answers that would like to be markup.
inline Outcome hostile() {
  const std::string nasty =
      "\"'><script>window.pwned = 1</script><img src=x onerror=alert(1)>|`*_[a](b)&\x01\xff]]>\n# x";
  Outcome o = pangyo_lost_power();
  o.experiment = o.summary = o.reason = o.topology = nasty;
  o.services[nasty] = o.services.at("send");
  o.services[nasty].predicted.because = {nasty};
  o.probes[nasty] = o.probes.at("login");
  o.probes[nasty].from = o.probes[nasty].last_reason = nasty;
  o.hypothesis[0].text = o.guards[0].guard = o.guards[0].why = o.gates[0].gate = nasty;
  o.guards[0].breached = true;
  o.guards[0].at = std::chrono::seconds(40);
  o.objectives[0].objective = o.marks[0].mark = nasty;
  o.faults[0].id = o.faults[0].kind = nasty;
  o.faults[0].hosts = {nasty};
  o.single_site[0].dependency = nasty;
  o.times[5].journey = o.gray[0].service = o.gray[0].journey = nasty;
  o.records = {{nasty, o.records.at("ledger")}};
  o.records[nasty].from = nasty;
  o.preconditions = {{nasty, nasty, nasty, false, nasty}};
  o.recovery.hosts = o.recovery.curve[0].hosts = {{nasty, 2}};
  o.notes = o.warnings = o.blind = o.residue = {nasty};
  o.changes = {{nasty, nasty, nasty, nasty, "vanished"}};
  o.untouched = {{nasty, nasty, {}}};
  o.versions = {{nasty, nasty}};
  o.log_file = nasty;
  o.faults[1].processes = {{nasty, {1, 2, 3}}};
  for (OutcomeReturn& each : o.returns.instances)
    each.fault = each.host = each.site = each.service = each.role = each.why = each.by = nasty;
  o.returns.cycles = {{nasty, nasty}};
  OutcomeColdStart& cold = o.cold_starts[0];
  cold.id = cold.service = cold.host = cold.site = cold.died_for = cold.last_words = nasty;
  o.roles = {{nasty, {nasty}}};
  o.absent = {nasty};
  return o;
}

}  // namespace blackstart
