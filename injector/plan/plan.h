// SPDX-License-Identifier: Apache-2.0
// topology × experiment, resolved: what each host is ordered to do, what nobody will touch, and what
// will break. Passive data; equal inputs give equal plans, byte for byte, and so equal hashes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agents/contract/contract.pb.h"
#include "agents/contract/units.h"
#include "agents/language/problem.h"
#include "injector/experiment/windows.h"

namespace blackstart {

enum class Impact { kUnknown = -1, kUnaffected = 0, kDegraded = 1, kDown = 2 };
const char* impact_name(Impact impact);           // predicted: "unaffected" ...
const char* observed_impact_name(Impact impact);  // observed: "ok" ...

struct PredictedImpact {
  Impact impact = Impact::kUnaffected;
  std::vector<std::string> because;  // the chain of reasons, cause last
};

struct SingleSiteDependency {
  std::string service, dependency, site, evidence;  // evidence: "declared"
};

struct Untouched {
  std::string what, why;
  Location at;  // the line that protects it; line 0: built in
};

struct PlanTargetFault {
  std::string id, kind, engine;
  Duration start{0}, end{0};
};

// Processes a fault is about: of an instance of a service or, with service "", of no service known.
struct PlanProcess {
  std::string host, site, service;
  std::string how;          // they are recognised: "exe /usr/sbin/sshd", "all it runs"
  bool returns = false;     // what was killed is started again once the faults are over
  std::string unprotected;  // by this name of `unprotect` it is hit although protected; "": it is not
};

// One fault of the timeline as a person reads it.
struct PlanFault {
  std::string id, kind;
  std::string what;                  // "everything to and from pangyo"
  std::vector<std::string> targets;  // hosts, sorted
  Duration start{0}, end{0};
  Location at;
  std::string act;                     // killed, frozen, powered off; "": it is about packets alone
  std::vector<PlanProcess> processes;  // that are
};

struct PlanTarget {
  std::string host, site;
  bool target = false;    // a fault is about this host, not only enforced by it
  bool enforces = false;  // its agent drops packets
  std::vector<PlanTargetFault> faults;
  bool cut = false;          // a target, and its packets vanish
  bool powered_off = false;  // ... and every process of it is killed
};

// An instance that a fault takes down, and that is started again once the faults are over.
struct PlanReturn {
  std::string host, site, service, role;
  bool manual = false;  // somebody has to say `blackstart return`
};

// Instances that come back together. The next stage waits until all of them are well.
struct PlanStage {
  std::vector<std::string> roles;  // empty: whatever no stage names
  std::vector<PlanReturn> instances;
};

// A fresh instance of a service, on a host that has none.
struct PlanColdStart {
  std::string id, service, host, site;
  Duration at{0}, within{0};
};

struct Plan {
  std::string experiment, summary, topology;
  std::string hash;  // SHA-256 in hex of everything below but locations: a moved line is the same plan
  std::vector<PlanFault> faults;
  std::vector<PlanTarget> targets;                // every host that is one or that enforces, by site and name
  std::map<std::string, contract::Order> orders;  // by host, and `wan` in a lab; `run` is left empty
  std::vector<Untouched> untouched;
  std::map<std::string, PredictedImpact> predicted;  // by service
  std::vector<SingleSiteDependency> single_site;
  std::vector<std::string> preconditions;  // what must be true before anything is touched
  Windows windows;                         // when it may run
  Duration length{0};                      // from the start to the end of the watch, when all goes well
  std::vector<std::string> warnings;
  std::vector<std::string> blind;  // what the plan cannot see
  Duration end{0};                 // of the last fault, from T0
  std::vector<PlanStage> stages;   // without empty ones
  std::vector<PlanColdStart> cold_starts;
  std::vector<std::vector<std::string>> cycles;  // of services that need each other to start
};

}  // namespace blackstart
