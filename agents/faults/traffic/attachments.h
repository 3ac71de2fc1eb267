// SPDX-License-Identifier: Apache-2.0
// Where the datapath stands: first, on ingress and egress of every interface but lo.
#pragma once

#include <list>
#include <optional>
#include <string>
#include <vector>

#include "agents/faults/step_log.h"
#include "agents/faults/traffic/datapath.h"
#include "agents/kernel/interfaces.h"
#include "agents/kernel/tc_filter.h"
#include "agents/kernel/tcx_link.h"

namespace blackstart {

enum class AttachmentKind { kTcx, kClsact };

// What `wanted` comes to on this kernel: auto takes TCX where it works.
AttachmentKind choose_attachment(contract::Attachment wanted);

class Attachments {
 public:
  // `datapath` must outlive this. `steps` gets what would outlive the agent, before it is made; nullptr:
  // nothing is recorded.
  Attachments(const Datapath& datapath, AttachmentKind kind, StepLog* steps)
      : datapath_(datapath), kind_(kind), steps_(steps) {}

  // Attaches to interfaces that came, forgets those that went; says which came. After a failure some
  // may be attached: revert().
  Result<std::vector<Interface>> sync(const std::vector<Interface>& present);
  // True only if the kernel has a program of ours first on both hooks of every interface attached.
  [[nodiscard]] bool in_place() const;
  [[nodiscard]] Result<> require_first(const Interface& interface) const;
  [[nodiscard]] std::vector<std::string> names() const;
  // Idempotent; goes on after a failure and reports the first.
  Result<> revert();

 private:
  // Something of the kernel's and the step that says how to take it back.
  template <typename Thing>
  struct Recorded {
    Thing thing;
    std::optional<uint64_t> step;
  };
  struct Place {
    Interface interface;
    std::vector<TcxLink> links;
    std::vector<Recorded<ClsactQdisc>> qdisc;  // none or one; outlives the filters
    std::vector<Recorded<TcFilter>> filters;
  };
  Result<> attach(Place& place) const;
  Result<> attach_qdisc(Place& place) const;
  Result<> attach_filter(Place& place, int program, Hook hook) const;
  Result<> revert(Place& place) const;
  [[nodiscard]] Result<std::optional<uint64_t>> record(const contract::Step& step) const;
  [[nodiscard]] Result<> taken_back(std::optional<uint64_t>& step) const;

  const Datapath& datapath_;
  AttachmentKind kind_;
  StepLog* steps_;
  std::list<Place> places_;
};

}  // namespace blackstart
