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
#include "injector/experiment/windows.h"

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

enum class FaultKind {
  kSiteBlackhole,
  kPartition,
  kStorageDrop,
  kServiceKill,
  kServiceFreeze,
  kPowerLoss,  // of sites or hosts
  kPeopleAbsent,
};
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
  int signal = 9;                   // service-kill
  bool hold_down = false;
  contract::Restore restore = contract::RESTORE_AUTO;  // service-kill
  std::vector<std::string> command;                    // with RESTORE_COMMAND
  std::optional<contract::ProcessMatch> process;       // instead of what the topology says of the instances
  bool manual_return = false;                          // power loss, service-kill: `return: manual`
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

// What the attempts of a probe over a window must show: everything that is set must hold. To a
// percentile a failed attempt is slower than every answer.
struct Demand {
  std::optional<Comparison> success_ratio;
  std::map<int, Comparison> latency;  // by percentile; an upper bound in seconds
  Duration over{std::chrono::seconds(5)};

  [[nodiscard]] std::string text() const;  // "successRatio >= 99%, p99 < 500ms over 5s"
};

struct Gate : Demand {
  Duration at{0};
  std::vector<std::string> probes;
  Location where;
};

// `{at: 20s, cold-start: {service: photo, in: anyang}}`
struct ColdStart {
  Duration at{0}, within{std::chrono::seconds(15)};
  std::string service, site;
  Location where;
};

// Who is told what happens, while it happens.
struct Announce {
  std::string webhook;  // gets each announcement as a POST of JSON; "": nobody
  bool print = false;   // on standard output too
};

struct Hypothesis : Demand {
  std::string probe;
  Duration within{0};
  Location at;
};

// Exactly one of: a probe with a demand, a query, one of the comparisons.
struct Guard : Demand {
  enum class OnMissing { kIgnore, kBreach };
  Guard() { over = std::chrono::seconds(10); }

  std::string probe;               // of the steady state; "": not about one
  std::optional<ProbeSpec> query;  // a Prometheus query asked for this guard alone
  OnMissing on_missing = OnMissing::kBreach;
  int breaches = 1, windows = 1;  // breached when so many of the last `windows` are: windows of `over`,
                                  // or answers of the query
  std::optional<Comparison> unexpected_services;
  std::optional<Comparison> leaked;       // packets
  std::optional<Comparison> agents_lost;  // share of those asked
  std::string text;                       // as a person would say it: "photo successRatio >= 1% over 10s"
  Location at;
};

// What must be true before anything is touched: a check asked once, or a demand on a probe of the steady
// state.
struct Precondition {
  std::string why;                 // in the author's words; may be empty
  std::optional<ProbeSpec> check;  // nullopt: `demand` of `probe`
  std::string probe;
  Demand demand;
  std::string text;  // "prometheus sum(free) > 100"
  Location at;
};

// Numbered records written through the system all along, and read back once it has recovered. {n} in an
// argument is the record's number, {run} the run. The conductor calls these probes NAME:write and NAME:read.
struct RecordsSpec {
  std::string name;
  ProbeSpec write;  // exit 0: acknowledged
  ProbeSpec read;   // exit 0: record {n} is there; exit 1: it is not; anything else: unknown
};

struct Objectives {
  std::optional<Duration> detect, mitigate, recover, mtpd, rpo;
  std::string clock = "resolve";
};

struct Recovery {
  std::vector<std::vector<std::string>> order;  // outer: one after the other; inner: together
  std::optional<double> pace_per_second;
  Duration watch{std::chrono::seconds(5)};
  Duration within{std::chrono::minutes(1)};  // from the last return until `watch` begins, at the latest
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
  std::vector<ColdStart> cold_starts;
  Announce announce;
  std::map<std::string, std::vector<std::string>> roles;  // owner, coordinator, ... → people
  std::vector<Hypothesis> hypothesis;
  std::vector<Guard> guards;
  std::vector<RecordsSpec> records;
  Objectives objectives;
  Recovery recovery;
  Limits limits;
  OnConductorLoss on_conductor_loss = OnConductorLoss::kRevert;
  ControlPath control_path = ControlPath::kKeep;
  Duration lease = std::chrono::seconds(15);
  Enforce enforce = Enforce::kBoth;
  contract::Engine engine = contract::ENGINE_AUTO;
  std::vector<std::string> unprotect;       // as protected_name (select.h) calls them
  std::vector<Precondition> preconditions;  // `requires`
  std::optional<Precondition> no_incident;  // a live incident is no time for a drill
  Windows windows;
  Expect expect = Expect::kPass;

  // When the last fault ends, from T0.
  [[nodiscard]] Duration end() const;
  // Who may not be asked for anything: of every people-absent fault, in the order written.
  [[nodiscard]] std::vector<std::string> absent() const;
};

}  // namespace blackstart
