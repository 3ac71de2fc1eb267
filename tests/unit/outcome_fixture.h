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
  o.phases = {{"steady", t0 - 6 * kSecond, t0 - kSecond}, {"hold", t0, t0 + 60 * kSecond}};
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
      "phone",           0.6,      280, 240, 1, 1.0, 0.0, 0.995, t0 + 61 * kSecond, t0 + kSecond / 2,
      t0 + 61 * kSecond, "timeout"};
  o.probes["photo"] = {"phone", 0.4, 280, 0, 0, 1.0, std::nullopt, std::nullopt, 0, 0, 0, ""};
  o.hypothesis = {{"login", "login successRatio >= 99% over 5s within 20s", false, std::nullopt},
                  {"photo", "photo successRatio >= 99%", std::nullopt, std::nullopt}};
  o.guards = {{"photo successRatio >= 1% over 10s", false, std::nullopt, ""}};
  o.gates = {{"login >= 50%", true, std::chrono::seconds(20)}};
  o.objectives = {{"recover", std::chrono::hours(4), std::chrono::seconds(61), true}};
  o.marks = {{"detected", t0 + 12 * kSecond}};
  o.changes = {{"anyang-app", "route", "198.18.77.0/24 dev eth0", "proto 3", "appeared"}};
  o.single_site = {{"login", "session-cache", "pangyo", "declared"}};
  o.notes = {"probe photo: no sample after T0 + 3s"};
  o.log_file = "/var/lib/blackstart/runs/r-1.log";
  o.log_head = std::string(64, 'b');
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
  o.single_site.clear();
  o.notes.clear();
  return o;
}

}  // namespace blackstart
