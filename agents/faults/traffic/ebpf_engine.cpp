// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/traffic/ebpf_engine.h"

#include <future>

namespace blackstart {

Result<std::unique_ptr<PacketEngine>> EbpfEngine::make(const contract::Order& order, const OrderRules& rules,
                                                       const std::vector<Interface>& present,
                                                       StepLog* steps) {
  const Classifier classifier = classify(rules);
  const AttachmentKind kind = choose_attachment(order.attachment());
  auto datapath =
      Datapath::load(classifier, order.run(),
                     kind == AttachmentKind::kTcx ? Datapath::Entry::kDirect : Datapath::Entry::kStub);
  if (!datapath) return tl::unexpected(datapath.error());
  std::unique_ptr<EbpfEngine> out(new EbpfEngine(std::move(*datapath), kind, rules, steps));
  // Filling keeps a CPU busy, attaching waits for the kernel: they go side by side.
  auto filling = std::async([&] { return out->datapath_->fill(classifier); });
  const auto attached = out->attachments_.sync(present);
  if (auto filled = filling.get(); !filled) return tl::unexpected(filled.error());
  if (!attached) return tl::unexpected(attached.error());
  if (auto ok = out->self_test_.run(*out->datapath_, *attached); !ok) return tl::unexpected(ok.error());
  return out;
}

const char* EbpfEngine::name() const {
  return kind_ == AttachmentKind::kTcx ? "ebpf/tcx" : "ebpf/clsact";
}

Result<> EbpfEngine::fire(int64_t t0, const Word& word) {
  datapath_->fire(t0, word);
  return {};
}

Result<> EbpfEngine::renew(const Word& word) {
  datapath_->renew(word);
  return {};
}

Result<> EbpfEngine::cover(const std::vector<Interface>& present) {
  const auto came = attachments_.sync(present);
  if (!came) return tl::unexpected(came.error());
  return came->empty() ? Result<>() : self_test_.run(*datapath_, *came);
}

bool EbpfEngine::in_place(uint32_t /*fault*/) const {
  return attachments_.in_place();
}

std::vector<std::string> EbpfEngine::interfaces() const {
  return attachments_.names();
}

Result<std::vector<traffic_count>> EbpfEngine::counts() const {
  return datapath_->counts();
}

Result<> EbpfEngine::revert() {
  return attachments_.revert();
}

}  // namespace blackstart
