// SPDX-License-Identifier: Apache-2.0
// All agents of one run, asked together. Knows which of them answer.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agents/channel/channel.h"
#include "injector/plan/plan.h"
#include "injector/record/outcome.h"

namespace blackstart {

class Fleet {
 public:
  // probes: by the host they are asked from. The channel outlives the fleet.
  Fleet(Channel& channel, std::string run, std::map<std::string, contract::Order> orders,
        std::map<std::string, std::vector<contract::Probe>> probes);

  // Every agent answers, no other run holds its host, nothing is left there from before.
  Result<> hello();
  Result<> start_probes();
  // More of them, on hosts that were named at first; answers not collected yet are passed over.
  Result<> start_probes(const std::map<std::string, std::vector<contract::Probe>>& probes);
  void stop_probes();
  // All or none: when one agent cannot arm, the others are reverted and the error is that agent's, or
  // kStranded where the way back failed too.
  Result<> arm();
  // On failure some have heard of t0 and some have not: revert. It says so well before a t0 500 ms ahead.
  Result<> fire(UnixNs t0, Duration horizon);
  // Renews the leases, takes what is new. Agents that do not answer are lost until they answer again;
  // so are those that fired and hold the run no longer.
  void collect(Duration horizon, const std::function<void(const contract::Sample&)>& sink);
  // Idempotent. Reports the first fault that could not be taken back; an agent that does not answer
  // reverts by itself at its lease or deadline, and is in lost(). keep_down: what was killed waits for
  // bring_back, for the next revert, or for the end of the lease.
  Result<> revert(const std::string& reason, bool keep_down = false);
  // Starts again what was killed of these services, by host. Reports the first that could not be; an agent
  // that does not answer starts everything by itself at the end of its lease, and is in lost().
  Result<> bring_back(const std::map<std::string, std::vector<std::string>>& services);
  // Asks every agent what is still there that is ours, and what else has changed since it armed.
  struct Leftovers {
    std::vector<std::string> residue;  // as in Outcome
    std::vector<OutcomeChange> changes;
  };
  Leftovers leftovers();

  // The last word of each host about this run.
  [[nodiscard]] const std::map<std::string, contract::HostReport>& reports() const { return reports_; }
  [[nodiscard]] const std::map<std::string, std::string>& lost() const { return lost_; }  // host → why
  // Those of them whose agent is there but does not answer in time.
  [[nodiscard]] std::vector<std::string> hung() const { return {hung_.begin(), hung_.end()}; }
  // What went wrong on a host that answers: an interface that could not be covered, a part that ended early.
  [[nodiscard]] const std::map<std::string, std::string>& trouble() const { return trouble_; }
  [[nodiscard]] size_t size() const { return hosts_.size(); }

 private:
  using Replies = std::map<std::string, Result<contract::Reply>>;
  Replies ask(const std::vector<std::string>& hosts,
              const std::function<void(const std::string&, contract::Request&)>& fill,
              std::chrono::milliseconds timeout);
  std::chrono::milliseconds patience_of_revert() const;
  std::vector<std::string> ordered_hosts() const;
  std::vector<std::string> hosts_that(bool enforce) const;
  void look_for_desertion(const std::string& host, const contract::HostReport& report);

  Channel& channel_;
  std::string run_;
  std::map<std::string, contract::Order> orders_;
  std::map<std::string, std::vector<contract::Probe>> probes_;
  std::vector<std::string> hosts_;  // every host with an order or a probe
  std::map<std::string, contract::HostReport> reports_;
  std::map<std::string, uint64_t> taken_;  // cursor into each agent's samples
  std::map<std::string, std::string> lost_, trouble_;
  std::set<std::string> hung_;
  bool holding_ = false;  // fired and not reverted, or not all the way
};

}  // namespace blackstart
