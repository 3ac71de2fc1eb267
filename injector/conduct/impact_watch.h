// SPDX-License-Identifier: Apache-2.0
// What services look like from outside: their own checks, asked once a second of every instance from
// a host of a site marked outside (without one: from a host that is not cut).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "injector/conduct/probe_history.h"
#include "injector/plan/plan.h"
#include "injector/topology/topology.h"

namespace blackstart {

class ImpactWatch {
 public:
  // One instance of a service as it was seen; host "": an address of none of the topology's.
  struct Check {
    std::string service, host;
    ProbeHistory history;
  };
  using Checks = std::map<std::string, Check>;  // by probe name

  ImpactWatch(const Topology& topology, const Plan& plan);

  // The host that asks; "": there is none, and every service stays unknown.
  [[nodiscard]] const std::string& viewpoint() const { return viewpoint_; }
  // One per instance that can be asked, named "check:SERVICE:HOST".
  [[nodiscard]] const std::vector<contract::Probe>& probes() const { return probes_; }
  [[nodiscard]] static bool is_check(const std::string& probe) { return probe.starts_with("check:"); }
  void add(const contract::Sample& sample);
  [[nodiscard]] const Checks& checks() const { return checks_; }

  // The state a service was in for most of (from, to], in whole seconds; the worse of two that tie.
  [[nodiscard]] Impact observed(const std::string& service, UnixNs from, UnixNs to) const;
  // There are checks, and of none an answer came for longer than one can take.
  [[nodiscard]] bool blind(UnixNs now) const;
  // Services hurt over the last few seconds although predicted unaffected.
  [[nodiscard]] size_t unexpected(const std::map<std::string, PredictedImpact>& predicted, UnixNs now) const;

 private:
  std::string viewpoint_;
  std::vector<contract::Probe> probes_;
  std::map<std::string, std::vector<std::string>> checks_of_;  // service → probe names
  Checks checks_;
};

}  // namespace blackstart
