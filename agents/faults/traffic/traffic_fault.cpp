// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/traffic/traffic_fault.h"

#include <algorithm>
#include <cstdio>
#include <future>

#include "agents/contract/units.h"

namespace blackstart {
namespace {

int64_t to_unix(uint64_t monotonic) {
  return monotonic == 0 ? 0 : unix_at(static_cast<int64_t>(monotonic));
}

}  // namespace

Result<std::unique_ptr<TrafficFault>> TrafficFault::make(TrafficOptions options) {
  return std::unique_ptr<TrafficFault>(new TrafficFault(std::move(options)));
}

TrafficFault::~TrafficFault() {
  if (const auto ok = revert(); !ok) std::fprintf(stderr, "%s\n", ok.error().message().c_str());
}

Result<> TrafficFault::do_arm(const contract::Order& order) {
  if (armed_) return fail(ErrorKind::kInternal, "arm", order.run(), 0, "an order is armed already");
  site_ = order.site();
  faults_.clear();
  for (int i = 0; i < order.faults_size(); ++i) {
    const contract::Fault& fault = order.faults(i);
    if (fault.rules_size() > 0)
      faults_.push_back(
          {fault.id(), fault.kind(), static_cast<uint32_t>(i), fault.start_ns(), fault.end_ns()});
  }
  t0_ = 0;
  word_ = {};
  stranded_ = false;
  counts_.clear();
  leaked_.clear();

  // The watch comes first, so that no interface can come unseen between listing and watching.
  auto links = LinkWatch::make();
  if (!links) return tl::unexpected(links.error());
  links_ = std::move(*links);
  const auto present = interfaces();
  Result<> ok = present ? Result<>() : tl::unexpected(present.error());
  if (ok && !faults_.empty()) ok = arm_datapath(order, *present);
  if (ok && order.leaks_size() > 0) ok = arm_leaks(order, *present);
  armed_ = true;
  if (!ok) {
    (void)do_revert();
    faults_.clear();
  }
  return ok;
}

Result<> TrafficFault::arm_datapath(const contract::Order& order, const std::vector<Interface>& present) {
  const auto classifier = classify(order);
  if (!classifier) return tl::unexpected(classifier.error());
  sites_ = classifier->sites;
  kind_ = choose_attachment(order.attachment());
  auto datapath =
      Datapath::load(*classifier, order.run(),
                     kind_ == AttachmentKind::kTcx ? Datapath::Entry::kDirect : Datapath::Entry::kStub);
  if (!datapath) return tl::unexpected(datapath.error());
  datapath_ = std::move(*datapath);
  attachments_ = std::make_unique<Attachments>(*datapath_, kind_, options_.log);
  // Filling keeps a CPU busy, attaching waits for the kernel: they go side by side.
  auto filling = std::async([&] { return datapath_->fill(*classifier); });
  const auto attached = attachments_->sync(present);
  if (auto filled = filling.get(); !filled) return filled;
  if (!attached) return tl::unexpected(attached.error());
  auto self_test = SelfTest::make();
  if (!self_test) return tl::unexpected(self_test.error());
  self_test_ = std::move(*self_test);
  return self_test_->run(*datapath_, *attached);
}

Result<> TrafficFault::arm_leaks(const contract::Order& order, const std::vector<Interface>& present) {
  auto leaks = LeakCounter::make(order, present);
  if (!leaks) return tl::unexpected(leaks.error());
  leaks_ = std::move(*leaks);
  return {};
}

int TrafficFault::do_wake_fd() const {
  return links_ ? links_->fd() : -1;
}

// Covers interfaces that came, with the same self-test as arming; the witness first, so that what the
// datapath cannot cover is at least seen.
Result<> TrafficFault::do_wake() {
  if (!links_ || !links_->changed()) return {};
  const auto present = interfaces();
  if (!present) return tl::unexpected(present.error());
  const Result<> witnessed = leaks_ ? leaks_->sync(*present) : Result<>();
  if (attachments_) {
    const auto came = attachments_->sync(*present);
    if (!came) return tl::unexpected(came.error());
    if (!came->empty())
      if (auto ok = self_test_->run(*datapath_, *came); !ok) return ok;
  }
  return witnessed;
}

Result<> TrafficFault::do_fire(int64_t t0, const Word& word) {
  if (!armed_) return fail(ErrorKind::kInternal, "fire", "packet faults", 0, "nothing is armed");
  t0_ = t0;
  word_ = word;
  if (datapath_) datapath_->fire(t0, word);
  return leaks_ ? leaks_->fire(t0, word.horizon) : Result<>();
}

void TrafficFault::do_renew(const Word& word) {
  word_ = word;
  if (datapath_) datapath_->renew(word);
  if (leaks_ && t0_ != 0)
    if (const auto ok = leaks_->widen(word.horizon); !ok)
      std::fprintf(stderr, "%s\n", ok.error().message().c_str());  // tried again at the next word
}

// Once the lease is over nothing is dropped, and what passes is no leak: the last count stands.
void TrafficFault::read_leaks() const {
  if (t0_ != 0 && monotonic_now() >= word_.lease_end && !leaked_.empty()) return;
  if (auto read = leaks_->collect()) leaked_ = std::move(*read);
}

contract::FaultState TrafficFault::state_of(const Known& fault) const {
  if (stranded_) return contract::FAULT_STRANDED;
  if (!armed_) return contract::FAULT_REVERTED;
  const int64_t now = monotonic_now();
  if (t0_ == 0 || now < t0_ + fault.start_ns || fault.start_ns >= word_.horizon) return contract::FAULT_ARMED;
  if (now >= t0_ + fault.end_ns || now >= word_.lease_end) return contract::FAULT_REVERTED;
  return attachments_ && attachments_->in_place() ? contract::FAULT_FIRING : contract::FAULT_REVERTED;
}

void TrafficFault::do_observe(contract::HostReport& report) const {
  if (datapath_)
    if (auto counts = datapath_->counts()) counts_ = std::move(*counts);
  if (leaks_) read_leaks();
  if (attachments_)
    for (const std::string& name : attachments_->names()) report.add_interfaces(name);
  for (const contract::LeakReport& leak : leaked_) *report.add_leaks() = leak;

  for (const Known& fault : faults_) *report.add_faults() = report_on(fault);
}

contract::FaultReport TrafficFault::report_on(const Known& fault) const {
  contract::FaultReport out;
  out.set_id(fault.id);
  out.set_kind(fault.kind);
  out.set_engine(kind_ == AttachmentKind::kTcx ? "ebpf/tcx" : "ebpf/clsact");
  out.set_state(state_of(fault));
  uint64_t first = 0, last = 0;
  const auto sites = static_cast<uint32_t>(sites_.size());
  for (uint32_t peer = 0; peer < sites; ++peer) {
    for (const uint32_t egress : {0U, 1U}) {
      for (const traffic_verdict verdict : {TRAFFIC_DROP, TRAFFIC_PASS}) {
        const uint32_t index = traffic_counter_index(sites, fault.index, peer, egress, verdict);
        if (index >= counts_.size() || counts_[index].packets == 0) continue;
        const traffic_count& count = counts_[index];
        contract::PacketCount* packets = out.add_packets();
        packets->set_direction(egress ? contract::DIRECTION_EGRESS : contract::DIRECTION_INGRESS);
        packets->set_src_site(egress ? site_ : sites_[peer]);
        packets->set_dst_site(egress ? sites_[peer] : site_);
        packets->set_verdict(verdict == TRAFFIC_DROP ? "drop" : "pass");
        packets->set_packets(count.packets);
        packets->set_bytes(count.bytes);
        if (verdict != TRAFFIC_DROP) continue;
        if (first == 0 || count.first_ns < first) first = count.first_ns;
        last = std::max<uint64_t>(last, count.last_ns);
      }
    }
  }
  out.set_first_unix_ns(to_unix(first));
  out.set_last_unix_ns(to_unix(last));
  return out;
}

Result<> TrafficFault::do_revert() {
  Result<> first;
  // The witness leaves before what it watches, or it would see the healthy network as a leak.
  if (leaks_) {
    read_leaks();
    first = leaks_->revert();
    if (first) leaks_.reset();
  }
  if (datapath_)
    if (auto counts = datapath_->counts()) counts_ = std::move(*counts);
  if (attachments_) {
    const auto ok = attachments_->revert();
    if (first && !ok) first = ok;
    if (ok) attachments_.reset();
  }
  if (!attachments_) datapath_.reset();
  links_.reset();
  self_test_.reset();
  stranded_ = !first;
  armed_ = stranded_;
  return first;
}

}  // namespace blackstart
