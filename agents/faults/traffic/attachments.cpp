// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/traffic/attachments.h"

#include <algorithm>
#include <cerrno>

#include "agents/kernel/bpf_program.h"

namespace blackstart {
namespace {

bool same(const Interface& a, const Interface& b) {
  return a.index == b.index;
}

void keep_first(Result<>& first, Result<> next) {
  if (first && !next) first = std::move(next);
}

}  // namespace

AttachmentKind choose_attachment(contract::Attachment wanted) {
  if (wanted == contract::ATTACHMENT_TCX) return AttachmentKind::kTcx;
  if (wanted == contract::ATTACHMENT_CLSACT) return AttachmentKind::kClsact;
  return has_tcx() ? AttachmentKind::kTcx : AttachmentKind::kClsact;
}

Result<> Attachments::record(Place& place, const contract::Step& step) const {
  if (!log_) return {};
  const auto id = log_->record(step);
  if (!id) return tl::unexpected(id.error());
  place.steps.push_back(*id);
  return {};
}

Result<> Attachments::attach_clsact(Place& place) const {
  const Interface& interface = place.interface;
  contract::Step step;
  step.mutable_clsact_qdisc()->set_interface(interface.name);
  step.mutable_clsact_qdisc()->set_index(interface.index);
  if (auto ok = record(place, step); !ok) return ok;
  auto qdisc = ClsactQdisc::make(interface);
  if (!qdisc) return tl::unexpected(qdisc.error());
  if (!qdisc->made() && log_) {
    (void)log_->taken_back(place.steps.back());
    place.steps.pop_back();
  }
  place.qdisc.push_back(std::move(*qdisc));
  for (const Hook hook : kHooks) {
    const int program = datapath_.program(interface.layer, hook);
    const auto id = program_id(program);
    if (!id) return tl::unexpected(id.error());
    step.mutable_clsact_filter()->set_interface(interface.name);
    step.mutable_clsact_filter()->set_index(interface.index);
    step.mutable_clsact_filter()->set_program(program_name(*id));
    if (auto ok = record(place, step); !ok) return ok;
    auto filter = TcFilter::make(program, interface, hook);
    if (!filter) return tl::unexpected(filter.error());
    place.filters.push_back(std::move(*filter));
  }
  return {};
}

Result<> Attachments::attach(Place& place) const {
  const Interface& interface = place.interface;
  if (kind_ == AttachmentKind::kClsact) {
    if (auto ok = attach_clsact(place); !ok) return ok;
    return require_first(interface);
  }
  for (const Hook hook : kHooks) {
    auto link = TcxLink::make(datapath_.program(interface.layer, hook), interface, hook);
    if (!link) return tl::unexpected(link.error());
    place.links.push_back(std::move(*link));
  }
  return require_first(interface);
}

// What could not be taken back keeps its steps, for the reaper.
Result<> Attachments::take_back(Place& place) const {
  Result<> first;
  for (TcxLink& link : place.links) link.revert();
  for (TcFilter& filter : place.filters) keep_first(first, filter.revert());
  for (ClsactQdisc& qdisc : place.qdisc) keep_first(first, qdisc.revert());
  if (!first) return first;
  for (; log_ && !place.steps.empty(); place.steps.pop_back()) (void)log_->taken_back(place.steps.back());
  return first;
}

Result<std::vector<Interface>> Attachments::sync(const std::vector<Interface>& present) {
  const auto is_present = [&](const Interface& one) {
    return std::any_of(present.begin(), present.end(),
                       [&](const Interface& other) { return same(one, other); });
  };
  places_.remove_if([&](Place& place) {
    if (is_present(place.interface)) return false;
    (void)take_back(place);
    return true;
  });

  std::vector<Interface> came;
  for (const Interface& interface : present) {
    if (interface.loopback) continue;
    const auto known = std::find_if(places_.begin(), places_.end(),
                                    [&](const Place& place) { return same(place.interface, interface); });
    if (known != places_.end()) {
      const bool woke = interface.up && !known->interface.up;
      known->interface = interface;
      if (woke) came.push_back(interface);
      continue;
    }
    if (interface.layer == LinkLayer::kOther) {
      if (!interface.up) continue;
      return fail(
          ErrorKind::kMissing, "attach to", interface.name, 0,
          "its packets start with neither an Ethernet nor an IP header, so they cannot be told apart");
    }
    Place& place = places_.emplace_back(Place{interface, {}, {}, {}, {}});
    if (auto ok = attach(place); !ok) {
      (void)take_back(place);
      places_.pop_back();
      if (ok.error().code == ENODEV) continue;  // it went while we looked
      return tl::unexpected(ok.error());
    }
    came.push_back(interface);
  }
  return came;
}

Result<> Attachments::require_first(const Interface& interface) const {
  for (const Hook hook : kHooks) {
    const auto id = program_id(datapath_.program(interface.layer, hook));
    if (!id) return tl::unexpected(id.error());
    bool first = false;
    if (kind_ == AttachmentKind::kTcx) {
      const auto programs = tcx_programs(interface.index, hook);
      first = !programs.empty() && programs.front() == *id;
    } else {
      const auto filters = tc_filters(interface.index, hook);
      if (!filters) return tl::unexpected(filters.error());
      first = !filters->empty() &&
              filters->front().name.find("[" + std::to_string(*id) + "]") != std::string::npos;
    }
    if (!first)
      return fail(ErrorKind::kInternal, std::string("stand first at ") + name(hook) + " of", interface.name,
                  0, "another program runs before the classifier and could let packets past it");
  }
  return {};
}

bool Attachments::in_place() const {
  return std::all_of(places_.begin(), places_.end(),
                     [&](const Place& place) { return require_first(place.interface).has_value(); });
}

std::vector<std::string> Attachments::names() const {
  std::vector<std::string> out;
  for (const Place& place : places_) out.push_back(place.interface.name);
  return out;
}

Result<> Attachments::revert() {
  Result<> first;
  for (Place& place : places_) keep_first(first, take_back(place));
  if (first) places_.clear();
  return first;
}

}  // namespace blackstart
