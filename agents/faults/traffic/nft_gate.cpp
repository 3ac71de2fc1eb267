// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/traffic/nft_gate.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "agents/contract/units.h"

namespace blackstart {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;  // what set timeouts are counted in
constexpr int64_t kRetryNs = 100'000'000;

}  // namespace

NftGate::NftGate(NftTable& table, std::vector<Window> windows, Margin margin)
    : table_(table), windows_(std::move(windows)), margin_(margin) {
  table_.add_timed_set(kSet, false);
}

Result<> NftGate::fire(int64_t t0, const Word& word) {
  t0_ = t0;
  word_ = word;
  return settle();
}

Result<> NftGate::renew(const Word& word) {
  const int64_t horizon = std::exchange(word_, word).horizon;
  if (t0_ == 0) return {};
  for (const Window& window : windows_)
    if (window.start_ns >= horizon && window.start_ns < word.horizon)
      hearsay_[window.fault] = monotonic_now() + margin_.hearsay_ns;
  return settle();
}

int64_t NftGate::opens(const Window& window) const {
  const auto heard = hearsay_.find(window.fault);
  return std::max(t0_ + window.start_ns + margin_.inside_ns, heard == hearsay_.end() ? 0 : heard->second);
}

int64_t NftGate::closes(const Window& window) const {
  return std::min(t0_ + window.end_ns, word_.lease_end) - margin_.inside_ns;
}

Result<> NftGate::tick() {
  return due() <= monotonic_now() ? settle() : Result<>();
}

int64_t NftGate::due() const {
  int64_t next = INT64_MAX;
  if (t0_ == 0) return next;
  for (const Window& window : windows_)
    if (window.start_ns < word_.horizon && !deadlines_.contains(window.fault) &&
        t0_ + window.end_ns > monotonic_now())
      next = std::min(next, opens(window));
  return std::max(next, again_);
}

Result<> NftGate::settle() {
  const int64_t now = monotonic_now();
  const auto ok = settle(now);
  again_ = ok ? 0 : now + kRetryNs;
  return ok;
}

// Tells the kernel what differs from what it was told.
Result<> NftGate::settle(int64_t now) {
  std::map<uint32_t, int64_t> fresh, moved;
  for (const Window& window : windows_) {
    if (window.start_ns >= word_.horizon || now < opens(window)) continue;
    const int64_t deadline = closes(window);
    const auto told = deadlines_.find(window.fault);
    if (told != deadlines_.end() && told->second == deadline) continue;
    // What has ended is gone from the set, or goes by itself.
    const bool there = told != deadlines_.end() && told->second > now;
    (there ? moved : fresh)[window.fault] = deadline;
  }
  auto ok = put(fresh, now, false);
  if (!ok) return ok;
  ok = put(moved, now, true);
  if (ok || ok.error().code != ENOENT) return ok;
  // One of those to be exchanged has just ended by itself.
  for (const auto& one : moved) {
    ok = put({one}, now, true);
    if (!ok && ok.error().code == ENOENT) ok = put({one}, now, false);
    if (!ok) return ok;
  }
  return {};
}

Result<> NftGate::put(const std::map<uint32_t, int64_t>& deadlines, int64_t now, bool again) {
  for (const auto& [fault, deadline] : deadlines) {
    if (again) table_.remove(kSet, fault);
    if (deadline - now >= kNsPerMs)
      table_.put(kSet, fault, static_cast<uint64_t>((deadline - now) / kNsPerMs));
  }
  if (auto ok = table_.commit(); !ok) return ok;
  for (const auto& [fault, deadline] : deadlines) deadlines_[fault] = deadline;
  return {};
}

bool NftGate::open(uint32_t fault) const {
  const auto numbers = table_.numbers(kSet);
  return numbers && numbers->contains(fault);
}

}  // namespace blackstart
