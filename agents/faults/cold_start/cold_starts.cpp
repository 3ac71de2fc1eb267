// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/cold_start/cold_starts.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

#include "agents/contract/units.h"
#include "agents/kernel/seqpacket.h"

namespace blackstart {
namespace {

using contract::ColdStartReport;

constexpr int64_t kNsPerMs = 1'000'000;

Result<> watch(const Fd& epoll, int what) {
  epoll_event event{EPOLLIN, {}};
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, what, &event) == 0) return {};
  return fail_errno(errno, "watch for", "cold starts");
}

void settle(ColdStartReport& report, ColdStartReport::State state, const std::string& words) {
  report.set_state(state);
  report.set_last_words(words);
  report.set_settled_unix_ns(unix_now());
}

// What comes after the first line, or, without a second one, after the first word.
std::string words_of(const std::string& answer) {
  const size_t line = answer.find('\n');
  if (line != std::string::npos) return answer.substr(line + 1);
  return answer.starts_with("error ") ? answer.substr(answer.find(' ') + 1) : "";
}

}  // namespace

Result<std::unique_ptr<ColdStarts>> ColdStarts::make(std::string keeper) {
  return std::unique_ptr<ColdStarts>(new ColdStarts(std::move(keeper)));
}

Result<> ColdStarts::do_arm(const contract::Order& order) {
  if (order.cold_starts().empty()) return {};
  host_ = order.host();
  const std::string what = order.cold_starts(0).service();
  if (keeper_.empty())
    return fail(ErrorKind::kMissing, "start cold", what, 0,
                "this host has no keeper to start it: `blackstart lab up` gives the hosts of a lab one");
  if (const auto there = connect_packets(keeper_); !there)
    return fail(ErrorKind::kMissing, "start cold", what, there.error().code,
                "the lab's keeper does not listen on " + keeper_ + ": blackstart lab up starts it again");
  auto timer = Timer::make();
  if (!timer) return tl::unexpected(timer.error());
  timer_ = std::move(*timer);
  wake_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
  for (const auto& ordered : order.cold_starts()) {
    Start& start = starts_.emplace_back();
    start.ordered = ordered;
    start.report.set_id(ordered.id());
    start.report.set_service(ordered.service());
  }
  return watch(wake_, timer_.fd());
}

Result<> ColdStarts::do_fire(int64_t t0, const Word& word) {
  if (starts_.empty()) return {};
  t0_ = t0;
  return do_renew(word);
}

Result<> ColdStarts::do_renew(const Word& word) {
  word_ = word;
  set_timer();
  return {};
}

// To the next start the conductor's word reaches.
void ColdStarts::set_timer() const {
  if (starts_.empty() || t0_ == 0) return;
  int64_t next = INT64_MAX;
  for (const Start& start : starts_)
    if (start.report.state() == ColdStartReport::WAITING && start.ordered.start_ns() < word_.horizon)
      next = std::min(next, t0_ + start.ordered.start_ns());
  timer_.set(next);
}

Result<> ColdStarts::do_wake() {
  if (t0_ == 0) return {};
  timer_.clear();
  const int64_t now = monotonic_now();
  for (Start& start : starts_) {
    if (start.keeper.valid()) hear(start);
    const bool due = start.report.state() == ColdStartReport::WAITING &&
                     start.ordered.start_ns() < word_.horizon && t0_ + start.ordered.start_ns() <= now;
    if (due && now < word_.lease_end) begin(start, now);
  }
  set_timer();
  return {};
}

void ColdStarts::begin(Start& start, int64_t now) {
  const int64_t left_ms = (t0_ + start.ordered.end_ns() - now) / kNsPerMs;
  if (left_ms <= 0) return settle(start.report, ColdStartReport::NOT_STARTED, "its time was over");
  auto keeper = connect_packets(keeper_);
  Result<> asked = keeper ? send_packet(*keeper, "fresh " + host_ + " " + start.ordered.service() + " " +
                                                     std::to_string(left_ms))
                          : tl::unexpected(keeper.error());
  if (asked) asked = watch(wake_, keeper->get());
  if (!asked) return settle(start.report, ColdStartReport::NOT_STARTED, asked.error().message());
  start.keeper = std::move(*keeper);
  start.report.set_state(ColdStartReport::STARTING);
  start.report.set_started_unix_ns(unix_now());
}

void ColdStarts::hear(Start& start) {
  const auto answer = receive_packet(start.keeper);
  if (answer && !*answer) return;
  const bool open = start.report.state() == ColdStartReport::STARTING;
  if (!answer) {
    start.keeper.reset();
    if (open) settle(start.report, ColdStartReport::NOT_STARTED, "the lab's keeper went away");
    return;
  }
  if (!open) return;
  const std::string& text = **answer;
  if (text.starts_with("ready")) settle(start.report, ColdStartReport::READY, "");
  if (text.starts_with("died")) settle(start.report, ColdStartReport::DIED, words_of(text));
  if (text.starts_with("late")) settle(start.report, ColdStartReport::LATE, words_of(text));
  if (text.starts_with("error")) settle(start.report, ColdStartReport::NOT_STARTED, words_of(text));
}

void ColdStarts::do_observe(contract::HostReport& report) const {
  const int64_t now = monotonic_now();
  for (const Start& start : starts_) {
    ColdStartReport& own = *report.add_cold_starts() = start.report;
    if (t0_ == 0 || now < t0_ + start.ordered.end_ns()) continue;
    if (own.state() == ColdStartReport::WAITING) own.set_state(ColdStartReport::NOT_STARTED);
    if (own.state() == ColdStartReport::STARTING) own.set_state(ColdStartReport::LATE);
  }
}

Result<> ColdStarts::do_revert() {
  for (Start& start : starts_) start.keeper.reset();
  timer_.reset();
  wake_.reset();
  t0_ = 0;
  return {};
}

}  // namespace blackstart
