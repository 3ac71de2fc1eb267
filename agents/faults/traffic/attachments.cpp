// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/traffic/attachments.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "agents/kernel/bpf_program.h"

namespace blackstart {
namespace {

bool same(const Interface& a, const Interface& b) {
  return a.index == b.index;
}

}  // namespace

AttachmentKind choose_attachment(contract::Attachment wanted) {
  if (wanted == contract::ATTACHMENT_TCX) return AttachmentKind::kTcx;
  if (wanted == contract::ATTACHMENT_CLSACT) return AttachmentKind::kClsact;
  return has_tcx() ? AttachmentKind::kTcx : AttachmentKind::kClsact;
}

Result<std::optional<uint64_t>> Attachments::record(const contract::Step& step) const {
  if (!steps_) return std::nullopt;
  return steps_->record(step).map([](uint64_t id) { return std::optional(id); });
}

Result<> Attachments::taken_back(std::optional<uint64_t>& step) const {
  if (!steps_ || !step) return {};
  return steps_->taken_back(*std::exchange(step, std::nullopt));
}

// Somebody else's qdisc is never recorded: whoever reads the journal after a crash would take it for ours.
// One that comes between the look and the attempt is, for as long as that takes.
Result<> Attachments::attach_qdisc(Place& place) const {
  const auto there = clsact_stands(place.interface.index);
  if (!there) return tl::unexpected(there.error());
  contract::Step step;
  step.mutable_clsact_qdisc()->set_interface(place.interface.name);
  step.mutable_clsact_qdisc()->set_index(place.interface.index);
  auto recorded = *there ? std::nullopt : record(step);
  if (!recorded) return tl::unexpected(recorded.error());
  auto qdisc = ClsactQdisc::make(place.interface);
  if (!qdisc || !qdisc->made())
    if (auto ok = taken_back(*recorded); !ok) return ok;
  if (!qdisc) return tl::unexpected(qdisc.error());
  place.qdisc.push_back({std::move(*qdisc), *recorded});
  return {};
}

Result<> Attachments::attach_filter(Place& place, int program, Hook hook) const {
  contract::Step step;
  step.mutable_clsact_filter()->set_interface(place.interface.name);
  step.mutable_clsact_filter()->set_index(place.interface.index);
  step.mutable_clsact_filter()->set_program(datapath_.program_name(place.interface.layer, hook));
  auto recorded = record(step);
  if (!recorded) return tl::unexpected(recorded.error());
  auto filter = TcFilter::make(program, place.interface, hook);
  if (!filter) {
    if (auto ok = taken_back(*recorded); !ok) return ok;
    return tl::unexpected(filter.error());
  }
  place.filters.push_back({std::move(*filter), *recorded});
  return {};
}

// On failure some of it may be attached.
Result<> Attachments::attach(Place& place) const {
  const Interface& interface = place.interface;
  if (kind_ == AttachmentKind::kClsact)
    if (auto ok = attach_qdisc(place); !ok) return ok;
  for (const Hook hook : kHooks) {
    const int program = datapath_.program(interface.layer, hook);
    if (kind_ == AttachmentKind::kTcx) {
      auto link = TcxLink::make(program, interface, hook);
      if (!link) return tl::unexpected(link.error());
      place.links.push_back(std::move(*link));
    } else if (auto ok = attach_filter(place, program, hook); !ok) {
      return ok;
    }
  }
  return require_first(interface);
}

Result<> Attachments::revert(Place& place) const {
  Result<> first;
  for (TcxLink& link : place.links) link.revert();
  const auto take_back = [&](auto& recorded) {
    auto ok = recorded.thing.revert();
    if (ok) ok = taken_back(recorded.step);
    keep_first(first, std::move(ok));
  };
  for (auto& filter : place.filters) take_back(filter);
  for (auto& qdisc : place.qdisc) take_back(qdisc);
  return first;
}

Result<std::vector<Interface>> Attachments::sync(const std::vector<Interface>& present) {
  const auto is_present = [&](const Interface& one) {
    return std::any_of(present.begin(), present.end(),
                       [&](const Interface& other) { return same(one, other); });
  };
  Result<> gone;
  places_.remove_if([&](Place& place) {
    if (is_present(place.interface)) return false;
    keep_first(gone, revert(place));
    return true;
  });
  if (!gone) return tl::unexpected(gone.error());

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
    Place& place = places_.emplace_back(Place{interface, {}, {}, {}});
    if (auto ok = attach(place); !ok) {
      if (auto clean = revert(place); !clean) return tl::unexpected(clean.error());
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
  for (Place& place : places_) keep_first(first, revert(place));
  if (first) places_.clear();
  return first;
}

}  // namespace blackstart
