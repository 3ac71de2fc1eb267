// SPDX-License-Identifier: Apache-2.0
// What one run was and said. Passive data: conduct fills it, report prints it. What is not known is
// empty (nullopt), never zero.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agents/contract/result.h"
#include "agents/contract/units.h"
#include "injector/plan/plan.h"

namespace blackstart {

enum class Verdict { kNone, kPass, kFail, kAborted, kInconclusive, kStranded, kError };
const char* verdict_name(Verdict verdict);  // "pass" ...

enum ExitCode : int {
  kExitPass = 0,
  kExitFail = 1,
  kExitAborted = 2,
  kExitInconclusive = 3,
  kExitInvalid = 4,
  kExitMissing = 5,
  kExitRefused = 6,
  kExitStranded = 7,
  kExitInternal = 70,
};

// What an error means for whoever waits for the exit code. A host that does not answer is a red
// preflight: refused.
ExitCode exit_code_of(ErrorKind kind);

// Of two exit codes the one to end with: stranded, or else the higher.
int graver(int code, int other);

struct OutcomePhase {
  std::string phase;  // preflight steady arm fire hold revert return recover records residue
  UnixNs start = 0, end = 0;
};

// What had to be true before anything was touched.
struct OutcomePrecondition {
  std::string precondition;  // as the experiment says it, or "windows"
  std::string purpose;       // what it is for; may be ""
  std::string answer;        // why it was red, or when the windows are open; may be ""
  bool met = false;
  std::string overridden;  // a person's reason to go on all the same; ""
};

struct OutcomeFault {
  std::string id, kind, engine;
  std::vector<std::string> hosts;
  UnixNs first_effect = 0, end = 0;  // 0: never
  uint64_t dropped = 0, bytes = 0, leaked = 0, protected_packets = 0;
  struct Pair {
    std::string src_site, dst_site, direction, verdict;
    uint64_t packets = 0, bytes = 0;
  };
  std::vector<Pair> pairs;  // "" is outside every known site
  UnixNs last_effect = 0;   // of the last packet dropped, as the kernels counted; 0: none
  // What became of processes; by service, "" for those of none. Empty: the fault is about packets alone.
  struct Processes {
    uint64_t killed = 0, respawns_killed = 0, frozen = 0;
  };
  std::map<std::string, Processes> processes;
  std::string ended_by;  // end abort guard; "": not known, or not over on every host
};
// Whether it hit anything: processes, where it is about them, else packets.
bool had_effect(const OutcomeFault& fault);
// All services taken together.
OutcomeFault::Processes processes_hit(const OutcomeFault& fault);
// From the moment it should have ended to its last packet; unknown where that is not known of every host.
std::optional<Duration> time_to_revert(const OutcomeFault& fault);

struct OutcomeService {
  PredictedImpact predicted;
  Impact observed = Impact::kUnknown;
  std::string role;
  int tier = 0;
  Impact before = Impact::kUnknown;  // observed in the steady state, before the cut
};

// What a probe saw over one Outcome::series_step.
struct OutcomeSpan {
  UnixNs at = 0;  // its start
  uint64_t attempts = 0, failures = 0;
};

struct OutcomeProbe {
  std::string from;
  double weight = 0;
  uint64_t attempts = 0, failures = 0, missed = 0;
  std::optional<double> before, during, after;  // success ratios
  UnixNs last_failure = 0, impact_from = 0, impact_to = 0;
  std::string last_reason;
  std::vector<OutcomeSpan> series;  // in order; a span without an attempt is left out
  Duration failed{0};               // since the cut, from each first failure to the next success
  bool still_failing = false;       // as its last answer before the end: `failed` is a lower bound
};

struct OutcomeHypothesis {
  std::string probe, text;
  std::optional<bool> met;     // unknown without data
  std::optional<Duration> at;  // from T0, when it was met for good
};

struct OutcomeGuard {
  std::string guard;
  bool breached = false;
  std::optional<Duration> at;
  std::string why;
};

struct OutcomeGate {
  std::string gate;
  std::optional<bool> passed;
  std::optional<Duration> at;
};

struct OutcomeObjective {
  std::string objective;
  Duration target{0};
  std::optional<Duration> achieved;
  bool censored = false;  // the run was too short: achieved is a lower bound
  std::string clock;      // what it was measured to: "resolve", it is fixed, or "respond", somebody has it
};

// Of the records 0 to asked - 1: what the system acknowledged and whether it still has it.
struct OutcomeRecords {
  std::string from;
  uint64_t asked = 0, acknowledged = 0, lost = 0;
  uint64_t unknown = 0;                  // acknowledged, and nobody could say whether it is there
  UnixNs first_lost = 0, last_lost = 0;  // when they were written
  std::optional<Duration> rpo;           // the time the lost ones stand for; unknown while any record is
};

struct OutcomeMark {
  std::string mark;
  UnixNs at = 0;
  std::string source;  // who said so: "alice", "alert LoginDown"
  std::string note;
};

// How long something took from T0, the first packet or process hit. One that is not known is not there.
struct OutcomeTime {
  std::string time;     // detect acknowledge command decide mitigate recover full-restore
  std::string journey;  // the probe it is about; "": the whole run
  Duration took{0};
  bool censored = false;  // the run ended first: a lower bound
};

// A service that passed its own checks while a journey through it failed.
struct OutcomeGray {
  std::string service, journey;
  UnixNs from = 0, to = 0;
};

// Who was back, and when: of the services and hosts that were well before the cut, those whose every check
// passed. A host without a service that can be asked counts nowhere.
struct OutcomeRecovery {
  struct Point {
    UnixNs at = 0;
    size_t services = 0;
    std::map<std::string, size_t> hosts;  // by site; every site of `hosts`
  };
  struct Instance {
    std::string service, host, site;  // host, site "": an address of none of the topology's
  };
  size_t services = 0;                  // well before the cut
  std::map<std::string, size_t> hosts;  // well before the cut, by site
  std::vector<Point> curve;             // from the cut to the end, a point for each change
  // Somebody still asked when all had been taken back and started; else what the curve ends with is not what
  // came back, and not_back is empty.
  bool looked_at = true;
  std::vector<Instance> not_back;  // were well before the cut and not when the run ended
};

// An instance that a fault killed, and its way back.
struct OutcomeReturn {
  // kUnseen: started, and the run ended before anybody looked.
  enum class State { kDown, kStarted, kWell, kFailed, kWasDown, kLeft, kUnseen };
  std::string fault, host, site, service, role;
  size_t stage = 0;  // from 1; 0: of none
  State state = State::kDown;
  std::string why;  // it failed, or nobody is to start it
  std::string by;   // pace; patience: nobody had said it in time; a person; or "" (its agent by itself)
  UnixNs killed = 0, started = 0, well = 0;  // 0: never, or not known
  bool manual = false;                       // somebody has to say it
  UnixNs due = 0, asked = 0;  // its stage's turn came; a person said so. 0: never, or nobody had to
};
// How long a person took to say so once it could have come back; nullopt: nobody had to, or nobody did.
std::optional<Duration> waited_for_people(const OutcomeReturn& instance);
const char* return_state_name(OutcomeReturn::State state);  // "down" ...

// How the hosts of a power loss or the instances of a kill came back, taken together.
struct OutcomeReturns {
  std::vector<OutcomeReturn> instances;
  std::optional<double> hosts_per_hour;          // measured
  std::optional<Duration> extrapolated_32000;    // at that rate: an extrapolation, not a measurement
  std::vector<std::vector<std::string>> cycles;  // services that waited for each other to start
};

struct OutcomeColdStart {
  std::string id, service, host, site;
  std::string state;     // waiting starting ready died late not-started
  std::string died_for;  // the dependency; "": not known
  std::string last_words;
  std::optional<Duration> at, took;  // from T0; until it was ready, died or was late
};

// What came, went or changed on a host while the run lasted, and is not ours.
struct OutcomeChange {
  std::string host, kind, object, detail, change;  // change: "appeared", "vanished", "changed"
};

struct Outcome {
  std::string run, experiment, summary, hash, topology;
  Verdict verdict = Verdict::kNone;
  Verdict recovery_verdict = Verdict::kNone;
  bool expected_failure = false;  // expect: fail
  int exit_code = kExitInternal;
  std::string reason;  // one sentence: why this verdict
  UnixNs t0 = 0;       // first packet or process hit; 0: never
  UnixNs fired = 0;    // the common instant agreed on
  std::optional<Duration> apply_skew;
  std::vector<OutcomePhase> phases;
  std::vector<OutcomePrecondition> preconditions;
  std::vector<OutcomeFault> faults;
  std::map<std::string, OutcomeService> services;
  std::map<std::string, OutcomeProbe> probes;
  std::vector<OutcomeHypothesis> hypothesis;
  std::vector<OutcomeGuard> guards;
  std::vector<OutcomeGate> gates;
  std::vector<OutcomeObjective> objectives;
  std::map<std::string, OutcomeRecords> records;
  std::vector<OutcomeMark> marks;  // by time
  std::vector<OutcomeTime> times;
  std::vector<OutcomeGray> gray;
  OutcomeRecovery recovery;
  OutcomeReturns returns;
  std::vector<OutcomeColdStart> cold_starts;
  std::map<std::string, std::vector<std::string>> roles;  // who is who in this drill
  std::vector<std::string> absent;                        // people-absent: who may not be asked
  std::vector<SingleSiteDependency> single_site;
  std::vector<std::string> residue;  // ours: "HOST: OBJECT; remove it with: COMMAND"
  std::vector<OutcomeChange> changes;
  std::vector<std::string> notes;  // data gaps, agents lost, what could not be injected
  std::string log_file, log_head;
  Duration series_step{0};                      // the length of every span of every probe's series
  std::vector<std::string> warnings;            // of the plan
  std::vector<std::string> blind;               // what the plan could not see, and so nobody predicted
  std::vector<Untouched> untouched;             // what the plan kept out of every fault
  std::map<std::string, std::string> versions;  // "blackstart", "kernel": of the conductor
};

// The moment times are told from: T0, or the common instant, or the start of the run.
UnixNs zero_of(const Outcome& outcome);
// nullopt for a moment that never was.
std::optional<Duration> from_zero(const Outcome& outcome, UnixNs moment);

}  // namespace blackstart
