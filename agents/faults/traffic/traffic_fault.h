// SPDX-License-Identifier: Apache-2.0
// Every packet fault of an order, in the engines that can do it, and the leak counter that watches them.
//
// What a fault does to packets ends with the agent, with the lease and with each fault's end, whatever
// the agent does meanwhile; interfaces that come while armed are covered, and what netfilter has to
// start later is started, once the agent has heard of it (wake_fd, wake).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agents/faults/fault.h"
#include "agents/faults/step_log.h"
#include "agents/faults/traffic/classifier.h"
#include "agents/faults/traffic/leak_counter.h"
#include "agents/faults/traffic/packet_engine.h"
#include "agents/kernel/fd.h"
#include "agents/kernel/features.h"
#include "agents/kernel/timer.h"

namespace blackstart {

struct TrafficOptions {
  // Gets every step that would outlive the agent; not owned, outlives the family. nullptr: nothing is
  // recorded, so what a dead agent leaves under clsact (inert filters and their qdisc) stays.
  StepLog* steps = nullptr;
};

class TrafficFault : public FaultFamily {
 public:
  static Result<std::unique_ptr<TrafficFault>> make(TrafficOptions options);
  ~TrafficFault() override;

 private:
  explicit TrafficFault(TrafficOptions options) : options_(std::move(options)) {}

  Result<> do_arm(const contract::Order& order) override;
  Result<> do_fire(int64_t t0, const Word& word) override;
  Result<> do_renew(const Word& word) override;
  void do_observe(contract::HostReport& report) const override;
  Result<> do_revert() override;
  int do_wake_fd() const override;
  Result<> do_wake() override;

  // A packet fault of the order, without its targets, which the kernel has.
  struct Known {
    std::string id, kind;
    uint32_t index;  // in the order
    int64_t start_ns, end_ns;
    bool answers;
    std::string engine;
  };
  // What was armed for the faults of one sort, if there are any.
  struct Armed {
    std::unique_ptr<PacketEngine> engine;
    std::vector<traffic_count> counts;  // last read
  };
  Result<> arm_engines(const contract::Order& order, const std::vector<Interface>& present);
  Result<> arm_leaks(const contract::Order& order, const std::vector<Interface>& present);
  Result<> arm_wake();
  void set_timer() const;
  const Armed& armed_for(const Known& fault) const { return fault.answers ? answering_ : silent_; }
  contract::FaultState state_of(const Known& fault) const;
  contract::FaultReport report_on(const Known& fault) const;
  void read_counts() const;
  void read_leaks() const;

  TrafficOptions options_;
  std::string site_;                // this host's
  std::vector<std::string> sites_;  // by site index
  std::vector<Known> faults_;
  // With what remains to be said once the kernel has forgotten.
  mutable Armed silent_, answering_;
  std::optional<LinkWatch> links_;
  Timer timer_;
  Fd wake_;  // readable when links_ or timer_ is
  std::unique_ptr<LeakCounter> leaks_;
  mutable std::vector<contract::LeakReport> leaked_;
  int64_t t0_ = 0;
  Word word_;
  bool armed_ = false, stranded_ = false;
};

// Takes back what a dead agent recorded. Idempotent; true if something was removed. What is somebody
// else's stays, and so does a qdisc in which somebody's filter stands.
Result<bool> take_back(const contract::Step& step);

// Removes filters that bear our name although nobody recorded them, and says how many. Never while
// another agent is alive in this network namespace.
Result<int> sweep();

// For `doctor`: by name tcx, clsact, nft-netdev (the leak counter), nft-egress, nft-inet.
FeatureReport probe_features();

}  // namespace blackstart
