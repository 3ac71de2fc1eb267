// SPDX-License-Identifier: Apache-2.0
// Silent faults in the eBPF classifier. Dropping ends with the agent, with the lease and with each
// fault's end, whatever the agent does meanwhile.
#pragma once

#include <memory>

#include "agents/contract/contract.pb.h"
#include "agents/faults/traffic/attachments.h"
#include "agents/faults/traffic/datapath.h"
#include "agents/faults/traffic/packet_engine.h"
#include "agents/faults/traffic/self_test.h"

namespace blackstart {

class EbpfEngine final : public PacketEngine {
 public:
  // `steps`: see Attachments.
  static Result<std::unique_ptr<PacketEngine>> make(const contract::Order& order, const OrderRules& rules,
                                                    const std::vector<Interface>& present, StepLog* steps);
  ~EbpfEngine() override { (void)EbpfEngine::revert(); }

  [[nodiscard]] const char* name() const override;
  Result<> fire(int64_t t0, const Word& word) override;
  Result<> renew(const Word& word) override;
  Result<> cover(const std::vector<Interface>& present) override;
  [[nodiscard]] bool in_place(uint32_t fault) const override;
  [[nodiscard]] std::vector<std::string> interfaces() const override;
  [[nodiscard]] Result<std::vector<traffic_count>> counts() const override;
  Result<> revert() override;

 private:
  EbpfEngine(std::unique_ptr<Datapath> datapath, AttachmentKind kind, const OrderRules& rules, StepLog* steps)
      : datapath_(std::move(datapath)),
        kind_(kind),
        attachments_(*datapath_, kind, steps),
        self_test_(rules) {}

  std::unique_ptr<Datapath> datapath_;
  AttachmentKind kind_;
  Attachments attachments_;  // refers to *datapath_
  SelfTest self_test_;
};

}  // namespace blackstart
