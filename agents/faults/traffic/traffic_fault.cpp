// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/traffic/traffic_fault.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

#include <spdlog/spdlog.h>

#include "agents/contract/units.h"
#include "agents/faults/traffic/ebpf_engine.h"
#include "agents/faults/traffic/netfilter_engine.h"

namespace blackstart {
namespace {

int64_t to_unix(uint64_t monotonic) {
  return monotonic == 0 ? 0 : unix_at(static_cast<int64_t>(monotonic));
}

// Netfilter where it is asked for, or where nobody asked for eBPF and the kernel refuses it.
Result<std::unique_ptr<PacketEngine>> make_silent(const contract::Order& order, const OrderRules& rules,
                                                  const std::vector<Interface>& present, StepLog* steps) {
  const auto netfilter = [&] { return NetfilterEngine::make(order, rules, NftRules::Own::kSilent, present); };
  if (order.engine() == contract::ENGINE_NETFILTER) return netfilter();
  auto ebpf = EbpfEngine::make(order, rules, present, steps);
  const bool settled =
      order.engine() == contract::ENGINE_EBPF || order.attachment() != contract::ATTACHMENT_AUTO;
  if (ebpf || settled || ebpf.error().kind != ErrorKind::kMissing) return ebpf;
  auto instead = netfilter();
  return instead ? std::move(instead) : std::move(ebpf);
}

}  // namespace

Result<std::unique_ptr<TrafficFault>> TrafficFault::make(TrafficOptions options) {
  return std::unique_ptr<TrafficFault>(new TrafficFault(std::move(options)));
}

TrafficFault::~TrafficFault() {
  if (const auto ok = revert(); !ok) spdlog::error("{}", ok.error().message());
}

Result<> TrafficFault::do_arm(const contract::Order& order) {
  if (armed_) return fail(ErrorKind::kInternal, "arm", order.run(), 0, "an order is armed already");
  site_ = order.site();
  faults_.clear();
  for (int i = 0; i < order.faults_size(); ++i) {
    const contract::Fault& fault = order.faults(i);
    if (fault.rules_size() > 0)
      faults_.push_back({fault.id(), fault.kind(), static_cast<uint32_t>(i), fault.start_ns(), fault.end_ns(),
                         fault.manner() != contract::MANNER_SILENT, ""});
  }
  t0_ = 0;
  word_ = {};
  stranded_ = false;
  silent_ = {};
  answering_ = {};
  leaked_.clear();

  // The watch comes first, so that no interface can come unseen between listing and watching.
  auto links = LinkWatch::make();
  if (!links) return tl::unexpected(links.error());
  links_ = std::move(*links);
  const auto present = interfaces();
  Result<> ok = present ? Result<>() : tl::unexpected(present.error());
  if (ok) ok = arm_wake();
  if (ok && !faults_.empty()) ok = arm_engines(order, *present);
  if (ok && order.leaks_size() > 0) ok = arm_leaks(order, *present);
  armed_ = true;
  if (!ok) {
    (void)do_revert();
    faults_.clear();
  }
  return ok;
}

Result<> TrafficFault::arm_engines(const contract::Order& order, const std::vector<Interface>& present) {
  const auto rules = resolve(order);
  if (!rules) return tl::unexpected(rules.error());
  sites_ = rules->sites;
  for (const bool answers : {false, true}) {
    if (std::none_of(faults_.begin(), faults_.end(),
                     [&](const Known& fault) { return fault.answers == answers; }))
      continue;
    auto engine = answers ? NetfilterEngine::make(order, *rules, NftRules::Own::kAnswering, present)
                          : make_silent(order, *rules, present, options_.steps);
    if (!engine) return tl::unexpected(engine.error());
    for (Known& fault : faults_)
      if (fault.answers == answers) fault.engine = (*engine)->name();
    (answers ? answering_ : silent_).engine = std::move(*engine);
  }
  return {};
}

Result<> TrafficFault::arm_wake() {
  auto timer = Timer::make();
  if (!timer) return tl::unexpected(timer.error());
  timer_ = std::move(*timer);
  wake_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
  for (const int fd : {timer_.fd(), links_->fd()}) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    if (::epoll_ctl(wake_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
      return fail_errno(errno, "wait for", "a timer and interfaces");
  }
  return {};
}

// For the earliest moment an engine or the witness asked for.
void TrafficFault::set_timer() const {
  int64_t due = INT64_MAX;
  for (const Armed* armed : {&silent_, &answering_})
    if (armed->engine) due = std::min(due, armed->engine->due());
  if (leaks_) due = std::min(due, leaks_->due());
  timer_.set(due);
}

Result<> TrafficFault::arm_leaks(const contract::Order& order, const std::vector<Interface>& present) {
  auto leaks = LeakCounter::make(order, present);
  if (!leaks) return tl::unexpected(leaks.error());
  leaks_ = std::move(*leaks);
  return {};
}

int TrafficFault::do_wake_fd() const {
  return wake_.valid() ? wake_.get() : -1;
}

// Starts what is due, faults before their witness, and covers interfaces that came, with the same
// self-test as arming; there the witness is first, so that what an engine cannot cover is at least seen.
Result<> TrafficFault::do_wake() {
  if (!links_) return {};
  Result<> first;
  timer_.clear();
  for (Armed* armed : {&silent_, &answering_})
    if (armed->engine) keep_first(first, armed->engine->tick());
  if (leaks_) keep_first(first, leaks_->tick());
  set_timer();
  if (!links_->changed()) return first;
  const auto present = interfaces();
  if (!present) return tl::unexpected(present.error());
  if (leaks_) keep_first(first, leaks_->sync(*present));
  for (Armed* armed : {&silent_, &answering_})
    if (armed->engine) keep_first(first, armed->engine->cover(*present));
  return first;
}

Result<> TrafficFault::do_fire(int64_t t0, const Word& word) {
  if (!armed_) return fail(ErrorKind::kInternal, "fire", "packet faults", 0, "nothing is armed");
  t0_ = t0;
  word_ = word;
  for (Armed* armed : {&silent_, &answering_})
    if (armed->engine)
      if (auto ok = armed->engine->fire(t0, word); !ok) return ok;
  const auto ok = leaks_ ? leaks_->fire(t0, word.horizon) : Result<>();
  set_timer();
  return ok;
}

Result<> TrafficFault::do_renew(const Word& word) {
  word_ = word;
  Result<> first;
  for (Armed* armed : {&silent_, &answering_})
    if (armed->engine) keep_first(first, armed->engine->renew(word));
  if (leaks_ && t0_ != 0) keep_first(first, leaks_->widen(word.horizon));
  if (wake_.valid()) set_timer();
  return first;
}

void TrafficFault::read_counts() const {
  for (Armed* armed : {&silent_, &answering_})
    if (armed->engine)
      if (auto counts = armed->engine->counts()) armed->counts = std::move(*counts);
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
  const auto& engine = armed_for(fault).engine;
  return engine && engine->in_place(fault.index) ? contract::FAULT_FIRING : contract::FAULT_REVERTED;
}

void TrafficFault::do_observe(contract::HostReport& report) const {
  read_counts();
  if (leaks_) read_leaks();
  if (const auto& engine = silent_.engine ? silent_.engine : answering_.engine)
    for (const std::string& name : engine->interfaces()) report.add_interfaces(name);
  for (const contract::LeakReport& leak : leaked_) *report.add_leaks() = leak;

  for (const Known& fault : faults_) *report.add_faults() = report_on(fault);
}

contract::FaultReport TrafficFault::report_on(const Known& fault) const {
  contract::FaultReport out;
  out.set_id(fault.id);
  out.set_kind(fault.kind);
  out.set_engine(fault.engine);
  out.set_state(state_of(fault));
  uint64_t first = 0, last = 0;
  const std::vector<traffic_count>& counts = armed_for(fault).counts;
  const auto sites = static_cast<uint32_t>(sites_.size());
  for (uint32_t peer = 0; peer < sites; ++peer) {
    for (const uint32_t egress : {0U, 1U}) {
      for (const traffic_verdict verdict : {TRAFFIC_DROP, TRAFFIC_PASS}) {
        const uint32_t index = traffic_counter_index(sites, fault.index, peer, egress, verdict);
        if (index >= counts.size() || counts[index].packets == 0) continue;
        const traffic_count& count = counts[index];
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
  read_counts();
  for (Armed* armed : {&silent_, &answering_}) {
    if (!armed->engine) continue;
    const auto ok = armed->engine->revert();
    if (ok) armed->engine.reset();
    keep_first(first, ok);
  }
  wake_.reset();
  timer_.reset();
  links_.reset();
  stranded_ = !first;
  armed_ = stranded_;
  return first;
}

}  // namespace blackstart
