// SPDX-License-Identifier: Apache-2.0
// Every packet fault of an order, dropped by one classifier, and the leak counter that watches it.
//
// Dropping ends with the agent, with the lease and with each fault's end, whatever the agent does
// meanwhile; interfaces that come while armed are covered once the agent has heard of them (wake_fd,
// wake).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agents/faults/fault.h"
#include "agents/faults/traffic/attachments.h"
#include "agents/faults/traffic/datapath.h"
#include "agents/faults/traffic/leak_counter.h"
#include "agents/faults/traffic/self_test.h"
#include "agents/kernel/features.h"

namespace blackstart {

struct TrafficOptions {
  // Folder of this host's agent, which exists; notes about what a dead agent would leave are kept
  // there. "": none are kept.
  std::string state_dir;
};

class TrafficFault : public FaultFamily {
 public:
  static Result<std::unique_ptr<TrafficFault>> make(TrafficOptions options);
  ~TrafficFault() override;

 private:
  explicit TrafficFault(TrafficOptions options) : options_(std::move(options)) {}

  Result<> do_arm(const contract::Order& order) override;
  Result<> do_fire(int64_t t0, const Word& word) override;
  void do_renew(const Word& word) override;
  void do_observe(contract::HostReport& report) const override;
  Result<> do_revert() override;
  int do_wake_fd() const override;
  Result<> do_wake() override;

  // A packet fault of the order, without its targets, which the kernel has.
  struct Known {
    std::string id, kind;
    uint32_t index;  // in the order
    int64_t start_ns, end_ns;
  };
  Result<> arm_datapath(const contract::Order& order, const std::vector<Interface>& present);
  Result<> arm_leaks(const contract::Order& order, const std::vector<Interface>& present);
  contract::FaultState state_of(const Known& fault) const;
  contract::FaultReport report_on(const Known& fault) const;
  void read_leaks() const;

  TrafficOptions options_;
  std::string site_;                // this host's
  std::vector<std::string> sites_;  // by site index
  std::vector<Known> faults_;
  AttachmentKind kind_ = AttachmentKind::kTcx;
  std::unique_ptr<Datapath> datapath_;
  std::unique_ptr<Attachments> attachments_;  // refers to *datapath_
  std::optional<SelfTest> self_test_;
  std::optional<LinkWatch> links_;
  mutable std::optional<LeakCounter> leaks_;
  int64_t t0_ = 0;
  Word word_;
  bool armed_ = false, stranded_ = false;

  // What was last read, and what remains to be said once the kernel has forgotten.
  mutable std::vector<traffic_count> counts_;
  mutable std::vector<contract::LeakReport> leaked_;
};

// Removes what a dead agent left, and says how many objects that were. Never while another agent is
// alive in this network namespace.
Result<int> sweep(const TrafficOptions& options);

// For `doctor`: by name tcx, clsact, nft-netdev.
FeatureReport probe_features();

}  // namespace blackstart
