// SPDX-License-Identifier: Apache-2.0
// Where the datapath stands: first, on ingress and egress of every interface but lo.
#pragma once

#include <list>
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
  // `datapath` and `log` must outlive this; no log: a dead agent's qdisc stays.
  Attachments(const Datapath& datapath, AttachmentKind kind, StepLog* log)
      : datapath_(datapath), kind_(kind), log_(log) {}

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
  struct Place {
    Interface interface;
    std::vector<TcxLink> links;
    std::vector<ClsactQdisc> qdisc;  // none or one; outlives the filters
    std::vector<TcFilter> filters;
    std::vector<uint64_t> steps;  // in the log
  };
  Result<> record(Place& place, const contract::Step& step) const;
  Result<> attach_clsact(Place& place) const;
  Result<> take_back(Place& place) const;
  Result<> attach(Place& place) const;

  const Datapath& datapath_;
  AttachmentKind kind_;
  StepLog* log_;
  std::list<Place> places_;
};

}  // namespace blackstart
