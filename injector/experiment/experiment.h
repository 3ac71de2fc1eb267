// SPDX-License-Identifier: Apache-2.0
// One experiment as it was written. Passive data; names are checked against a topology by
// validate.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/contract/contract.pb.h"
#include "agents/contract/units.h"
#include "agents/language/problem.h"

namespace blackstart {

// Which hosts, sites or services: every field that is set must fit; then a share or a count of what
// matched, drawn with metadata.seed.
struct Selector {
  std::string host, site, group, service, role;
  std::optional<int> tier;
  std::map<std::string, std::string> labels;
  std::optional<double> share;  // 0..1
  std::optional<int> count;
  Location at;

  [[nodiscard]] bool empty() const {
    return host.empty() && site.empty() && group.empty() && service.empty() && role.empty() && !tier &&
           labels.empty();
  }
};

enum class FaultKind { kSiteBlackhole, kPartition, kStorageDrop, kPeopleAbsent };
enum class SiteDirection { kBoth, kIn, kOut };  // seen from the site that is cut

struct FaultSpec {
  std::string kind;  // as written: "site-blackhole"
  FaultKind what = FaultKind::kSiteBlackhole;
  Duration at{0};
  Duration duration{0};  // `for`
  Selector selector;
  std::vector<std::string> between;  // partition: two sites or groups; in `direction: out` packets from the
                                     // first to the second vanish
  SiteDirection direction = SiteDirection::kBoth;
  contract::Manner manner = contract::MANNER_SILENT;
  std::vector<std::string> except;  // hosts, services, sites, prefixes
  std::vector<std::string> who;     // people-absent
  Location where;
};

// A comparison such as ">= 99%" or "< 500ms" (durations in seconds).
struct Comparison {
  contract::Comparison op = contract::COMPARISON_GREATER_EQUAL;
  double value = 0;
  std::string text;

  [[nodiscard]] bool holds(double actual) const;
};

// "auto", "ebpf", "netfilter"; nullopt: it is none.
std::optional<contract::Engine> engine_named(std::string_view name);

// nullopt: it is none.
std::optional<Comparison> parse_comparison(std::string_view text);

struct ProbeSpec {
  contract::Probe probe;
  std::string from;   // a host; "": the conductor's own place
  double weight = 0;  // > 0: a journey
  Location at;
};

struct Gate {
  Duration at{0};
  std::vector<std::string> probes;
  Comparison success_ratio;
  Duration over{0};
  Location where;
};

struct Hypothesis {
  std::string probe;
  Comparison success_ratio;
  Duration over{std::chrono::seconds(5)};
  Duration within{0};
  Location at;
};

struct Guard {
  enum class OnMissing { kIgnore, kBreach };
  std::string probe;  // "": not about a probe
  Comparison success_ratio;
  Duration over{std::chrono::seconds(10)};
  OnMissing on_missing = OnMissing::kBreach;
  std::optional<Comparison> unexpected_services;
  std::string text;  // as a person would say it: "photo successRatio >= 1% over 10s"
  Location at;
};

struct Objectives {
  std::optional<Duration> detect, mitigate, recover, mtpd, rpo;
  std::string clock = "resolve";
};

struct Recovery {
  std::vector<std::vector<std::string>> order;  // outer: one after the other; inner: together
  std::optional<double> pace_per_second;
  Duration watch{std::chrono::seconds(5)};
};

struct Limits {
  double hosts = 0.6;
  int sites = 1;
  Duration duration = std::chrono::minutes(5);
};

enum class OnConductorLoss { kRevert, kHold };
enum class ControlPath { kKeep, kCut };
enum class Enforce { kBoth, kSite, kSurvivors };
enum class Expect { kPass, kFail };

struct Experiment {
  std::string name, summary, origin;
  uint64_t seed = 1;
  std::string file;
  std::string topology;  // resolved against the experiment's own folder; "": not said
  Duration steady_for{std::chrono::seconds(5)};
  std::vector<ProbeSpec> probes;
  std::vector<FaultSpec> faults;  // in the order written; the n-th has id "f<n>", from 1
  std::vector<Gate> gates;
  std::vector<Hypothesis> hypothesis;
  std::vector<Guard> guards;
  Objectives objectives;
  Recovery recovery;
  Limits limits;
  OnConductorLoss on_conductor_loss = OnConductorLoss::kRevert;
  ControlPath control_path = ControlPath::kKeep;
  Duration lease = std::chrono::seconds(15);
  Enforce enforce = Enforce::kBoth;
  contract::Engine engine = contract::ENGINE_AUTO;
  std::vector<std::string> unprotect;
  Expect expect = Expect::kPass;

  // When the last fault ends, from T0.
  [[nodiscard]] Duration end() const;
};

}  // namespace blackstart
