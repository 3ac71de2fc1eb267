// SPDX-License-Identifier: Apache-2.0
#include "injector/conduct/fleet.h"

#include <algorithm>
#include <cerrno>
#include <set>

namespace blackstart {
namespace {

constexpr auto kPatience = std::chrono::milliseconds(1000);
constexpr auto kLostPatience = std::chrono::milliseconds(50);  // for agents that did not answer last time
constexpr auto kArmPatience = std::chrono::milliseconds(5000);
constexpr auto kStartPatience = std::chrono::milliseconds(5000);  // to start a host's services
constexpr auto kFirePatience = std::chrono::milliseconds(300);    // shorter than the lead to T0

// The first error of a round, saying how many more there were.
Result<> first_error(const std::map<std::string, Result<contract::Reply>>& replies) {
  size_t failures = 0;
  const Error* first = nullptr;
  for (const auto& [host, reply] : replies) {
    if (reply) continue;
    if (!first) first = &reply.error();
    ++failures;
  }
  if (!first) return {};
  Error error = *first;
  if (failures > 1)
    error.hint += (error.hint.empty() ? "" : "; ") + std::to_string(failures - 1) + " more hosts failed";
  return tl::unexpected(error);
}

}  // namespace

Fleet::Fleet(Channel& channel, std::string run, std::map<std::string, contract::Order> orders,
             std::map<std::string, std::vector<contract::Probe>> probes)
    : channel_(channel), run_(std::move(run)), orders_(std::move(orders)), probes_(std::move(probes)) {
  std::set<std::string> hosts;
  for (auto& [host, order] : orders_) {
    order.set_run(run_);
    hosts.insert(host);
  }
  for (const auto& [host, list] : probes_) hosts.insert(host);
  hosts_.assign(hosts.begin(), hosts.end());
}

Fleet::Replies Fleet::ask(const std::vector<std::string>& hosts,
                          const std::function<void(const std::string&, contract::Request&)>& fill,
                          std::chrono::milliseconds timeout) {
  std::map<std::string, contract::Request> requests;
  for (const std::string& host : hosts) fill(host, requests[host]);
  std::map<std::string, contract::Request> of_lost;
  for (auto request = requests.begin(); request != requests.end();) {
    auto next = std::next(request);
    if (lost_.contains(request->first)) of_lost.insert(requests.extract(request));
    request = next;
  }
  Replies replies = channel_.call_all(requests, timeout);
  replies.merge(channel_.call_all(of_lost, std::min(timeout, kLostPatience)));
  for (const auto& [host, reply] : replies) {
    if (reply) {
      // What a host says once it is free again does not undo what it saw.
      if (reply->report().run() == run_ || !reports_.contains(host)) reports_[host] = reply->report();
      lost_.erase(host);
      hung_.erase(host);
    } else if (reply.error().kind == ErrorKind::kUnreachable) {
      lost_[host] = reply.error().message();
      if (reply.error().code == ETIMEDOUT)
        hung_.insert(host);
      else
        hung_.erase(host);
    }
  }
  return replies;
}

std::vector<std::string> Fleet::hosts_that(bool enforce) const {
  std::vector<std::string> hosts;
  for (const auto& [host, order] : orders_)
    if (enforce == (order.faults_size() > 0)) hosts.push_back(host);
  return hosts;
}

// What a fault killed is started by its revert.
std::chrono::milliseconds Fleet::patience_of_revert() const {
  const bool starts = std::any_of(reports_.begin(), reports_.end(),
                                  [](const auto& entry) { return entry.second.down_size() > 0; });
  return starts ? kStartPatience : kPatience;
}

std::vector<std::string> Fleet::ordered_hosts() const {
  std::vector<std::string> hosts;
  for (const auto& [host, order] : orders_) hosts.push_back(host);
  return hosts;
}

Result<> Fleet::hello() {
  const Replies replies = ask(
      hosts_, [](const std::string&, contract::Request& request) { request.mutable_hello(); }, kPatience);
  if (auto ok = first_error(replies); !ok) return ok;
  for (const auto& [host, reply] : replies) {
    const contract::HostReport& report = reply->report();
    if (!report.run().empty() && report.run() != run_)
      return fail(ErrorKind::kRefused, "use host", host, 0,
                  "run " + report.run() + " holds it (blackstart abort " + report.run() + " ends that run)");
    if (report.residue_size() > 0)
      return fail(ErrorKind::kStranded, "use host", host, 0,
                  "something is left there from before: " + report.residue(0));
  }
  reports_.clear();
  return {};
}

Result<> Fleet::start_probes() {
  return start_probes(probes_);
}

Result<> Fleet::start_probes(const std::map<std::string, std::vector<contract::Probe>>& probes) {
  std::vector<std::string> hosts;
  for (const auto& [host, list] : probes) hosts.push_back(host);
  const Replies replies = ask(
      hosts,
      [&](const std::string& host, contract::Request& request) {
        request.mutable_start_probes()->set_run(run_);
        for (const contract::Probe& probe : probes.at(host))
          *request.mutable_start_probes()->add_probes() = probe;
      },
      kPatience);
  for (const auto& [host, reply] : replies)
    if (reply) taken_[host] = reply->samples_until();
  return first_error(replies);
}

void Fleet::stop_probes() {
  std::vector<std::string> hosts;
  for (const auto& [host, list] : probes_) hosts.push_back(host);
  (void)ask(
      hosts,
      [&](const std::string&, contract::Request& request) { request.mutable_stop_probes()->set_run(run_); },
      kPatience);
}

Result<> Fleet::arm() {
  const Replies replies = ask(
      ordered_hosts(),
      [&](const std::string& host, contract::Request& request) {
        *request.mutable_arm()->mutable_order() = orders_.at(host);
      },
      kArmPatience);
  auto armed = first_error(replies);
  if (!armed)
    if (auto back = revert("not every agent could arm"); !back) return back;
  return armed;
}

Result<> Fleet::fire(UnixNs t0, Duration horizon) {
  const Replies replies = ask(
      ordered_hosts(),
      [&](const std::string&, contract::Request& request) {
        request.mutable_fire()->set_run(run_);
        request.mutable_fire()->set_t0_unix_ns(t0);
        request.mutable_fire()->set_horizon_ns(horizon.count());
      },
      kFirePatience);
  auto fired = first_error(replies);
  holding_ = fired.has_value();
  return fired;
}

void Fleet::collect(Duration horizon, const std::function<void(const contract::Sample&)>& sink) {
  const Replies replies = ask(
      hosts_,
      [&](const std::string& host, contract::Request& request) {
        request.mutable_collect()->set_run(run_);
        request.mutable_collect()->set_samples_after(taken_[host]);
        request.mutable_collect()->set_renew(true);
        request.mutable_collect()->set_horizon_ns(horizon.count());
      },
      kPatience);
  for (const auto& [host, reply] : replies) {
    if (!reply) continue;
    if (reply->samples_until() != 0) taken_[host] = reply->samples_until();
    for (const contract::Sample& sample : reply->samples()) sink(sample);
    if (holding_ && orders_.contains(host)) look_for_desertion(host, reply->report());
  }
}

// A host that ended its part before its time cuts nothing any more, whatever the others do.
void Fleet::look_for_desertion(const std::string& host, const contract::HostReport& report) {
  if (report.run() != run_)
    lost_[host] = trouble_[host] = "its agent was restarted";
  else if (!report.armed() && report.note() != "end")
    lost_[host] = trouble_[host] = "it reverted by itself (" + report.note() + ")";
  else if (report.armed() && !report.note().empty())
    trouble_[host] = report.note();
}

Result<> Fleet::revert(const std::string& reason, bool keep_down) {
  holding_ = holding_ && keep_down;
  Result<> outcome;
  // The witnesses first, or they would see the first healthy host as a leak.
  for (const bool enforce : {false, true}) {
    const Replies replies = ask(
        hosts_that(enforce),
        [&](const std::string&, contract::Request& request) {
          request.mutable_revert()->set_run(run_);
          request.mutable_revert()->set_reason(reason);
          request.mutable_revert()->set_keep_down(keep_down);
        },
        keep_down ? kPatience : patience_of_revert());
    for (const auto& [host, reply] : replies)
      if (!reply && reply.error().kind == ErrorKind::kStranded && outcome)
        outcome = tl::unexpected(reply.error());
  }
  return outcome;
}

Result<> Fleet::bring_back(const std::map<std::string, std::vector<std::string>>& services) {
  std::vector<std::string> hosts;
  for (const auto& [host, names] : services) hosts.push_back(host);
  const Replies replies = ask(
      hosts,
      [&](const std::string& host, contract::Request& request) {
        request.mutable_return_services()->set_run(run_);
        for (const std::string& name : services.at(host))
          request.mutable_return_services()->add_services(name);
      },
      kStartPatience);
  for (const auto& [host, reply] : replies)
    if (!reply && reply.error().kind != ErrorKind::kUnreachable) return tl::unexpected(reply.error());
  return {};
}

Fleet::Leftovers Fleet::leftovers() {
  Leftovers found;
  const Replies replies = ask(
      hosts_, [](const std::string&, contract::Request& request) { request.mutable_hello(); }, kPatience);
  for (const auto& [host, reply] : replies) {
    if (!reply) continue;
    for (const std::string& object : reply->report().residue()) found.residue.push_back(host + ": " + object);
    if (!orders_.contains(host)) continue;  // what it compares with is from another run
    for (const contract::Residue& each : reply->report().changes())
      if (!each.ours())
        found.changes.push_back({host, each.kind(), each.object(), each.detail(), each.change()});
  }
  return found;
}

}  // namespace blackstart
