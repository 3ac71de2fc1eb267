// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iterator>
#include <tuple>

#include "agents/inventory/inventory.h"

namespace blackstart {
namespace {

bool listed(const Snapshot& snapshot, const std::string& kind) {
  const auto found = snapshot.kinds.find(kind);
  return found != snapshot.kinds.end() && found->second.gap.empty();
}

bool named(const Snapshot& snapshot, const std::string& kind) {
  return snapshot.kinds.at(kind).named;
}

bool less(const Item& a, const Item& b) {
  return std::tie(a.kind, a.object, a.detail) < std::tie(b.kind, b.object, b.detail);
}

// The items of kinds that both sides could list; of what either side has too many of, ours.
std::vector<Item> comparable(const Snapshot& of, const Snapshot& other) {
  std::vector<Item> out;
  std::copy_if(of.items.begin(), of.items.end(), std::back_inserter(out), [&](const Item& item) {
    return listed(of, item.kind) && listed(other, item.kind) &&
           (item.ours || (named(of, item.kind) && named(other, item.kind)));
  });
  return out;
}

std::vector<Item> without(const std::vector<Item>& of, const std::vector<Item>& other) {
  std::vector<Item> out;
  std::set_difference(of.begin(), of.end(), other.begin(), other.end(), std::back_inserter(out), less);
  return out;
}

const char* word(Change::Turn turn) {
  switch (turn) {
    case Change::Turn::kAppeared:
      return "appeared";
    case Change::Turn::kVanished:
      return "vanished";
    default:
      return "changed";
  }
}

}  // namespace

std::vector<Change> diff(const Snapshot& before, const Snapshot& after) {
  const auto was = comparable(before, after), is = comparable(after, before);
  std::vector<Item> gone = without(was, is);
  std::vector<Change> changes;
  for (const Item& item : without(is, was)) {
    const auto same = std::find_if(gone.begin(), gone.end(), [&](const Item& other) {
      return other.kind == item.kind && other.object == item.object;
    });
    if (same == gone.end()) {
      changes.push_back({Change::Turn::kAppeared, item, ""});
      continue;
    }
    changes.push_back({Change::Turn::kChanged, item, same->detail});
    gone.erase(same);
  }
  for (const Item& item : gone) changes.push_back({Change::Turn::kVanished, item, ""});
  for (const auto& [kind, now] : after.kinds) {
    if (!listed(before, kind) || !listed(after, kind)) continue;
    const Snapshot::Kind& then = before.kinds.at(kind);
    if ((now.named && then.named) || (now.count == then.count && now.digest == then.digest)) continue;
    changes.push_back({Change::Turn::kChanged,
                       {.kind = kind, .object = "all of them", .detail = std::to_string(now.count)},
                       std::to_string(then.count)});
  }
  std::sort(changes.begin(), changes.end(),
            [](const Change& a, const Change& b) { return less(a.item, b.item); });
  return changes;
}

std::vector<std::string> residue_lines(const Snapshot& snapshot) {
  std::vector<std::string> lines;
  for (const auto& [kind, what] : snapshot.kinds)
    if (!what.gap.empty()) lines.push_back(kind + ": not known: " + what.gap);
  for (const Item& item : snapshot.items)
    if (item.ours && item.holder.empty())
      lines.push_back(
          item.kind + " " + item.object +
          (item.remove.empty() ? "; it goes with what holds it" : "; remove it with: " + item.remove));
  return lines;
}

void to_wire(const Change& change, contract::Residue* out) {
  out->set_kind(change.item.kind);
  out->set_object(change.item.object);
  out->set_detail(change.before.empty() ? change.item.detail
                                        : "was " + change.before + ", is " + change.item.detail);
  out->set_ours(change.item.ours);
  out->set_change(word(change.turn));
  out->set_remove(change.item.remove);
}

}  // namespace blackstart
