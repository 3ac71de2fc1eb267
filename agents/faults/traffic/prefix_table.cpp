// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/traffic/prefix_table.h"

#include <endian.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>

namespace blackstart {
namespace {

__extension__ typedef unsigned __int128 uint128;

// A prefix as a number, left-aligned in 128 bits for both families, so that it sorts and compares
// in two instructions.
struct Node {
  uint128 base = 0;
  uint8_t length = 0;
  PeerValue value;
};

uint128 mask(int length) {
  return length == 0 ? 0 : ~uint128{0} << (128 - length);
}

uint128 number(const Address& address) {
  uint64_t high, low;
  std::memcpy(&high, address.bytes.data(), 8);
  std::memcpy(&low, address.bytes.data() + 8, 8);
  return uint128{be64toh(high)} << 64 | be64toh(low);
}

Address address(uint128 number, bool v6) {
  Address out;
  out.v6 = v6;
  const uint64_t high = htobe64(static_cast<uint64_t>(number >> 64)),
                 low = htobe64(static_cast<uint64_t>(number));
  std::memcpy(out.bytes.data(), &high, v6 ? 8 : 4);
  if (v6) std::memcpy(out.bytes.data() + 8, &low, 8);
  return out;
}

bool covers(const Node& outer, const Node& inner) {
  return outer.length <= inner.length && (inner.base & mask(outer.length)) == outer.base;
}

// By address, outer before inner.
struct OuterFirst {
  template <typename T>
  bool operator()(const T& a, const T& b) const {
    return a.base != b.base ? a.base < b.base : a.length < b.length;
  }
};

// Targets mostly come in order, and looking is cheaper than sorting.
template <typename T>
void sort_unless_sorted(std::vector<T>& items) {
  if (!std::is_sorted(items.begin(), items.end(), OuterFirst()))
    std::sort(items.begin(), items.end(), OuterFirst());
}

// Two halves of the same value become their whole, longest first.
std::vector<Node> merge_siblings(std::vector<Node> nodes) {
  std::array<size_t, 129> sizes{};
  for (const Node& node : nodes) ++sizes[node.length];
  std::array<std::vector<Node>, 129> by_length;
  for (size_t length = 0; length < sizes.size(); ++length) by_length[length].reserve(sizes[length]);
  for (const Node& node : nodes) by_length[node.length].push_back(node);
  bool merged = false;
  std::vector<Node> out, wholes;
  out.reserve(nodes.size());
  for (int length = 128; length >= 0; --length) {
    // Of a whole and a node of the same prefix the whole wins: it hides the node.
    std::vector<Node> level;
    level.reserve(wholes.size() + by_length[length].size());
    std::set_union(wholes.begin(), wholes.end(), by_length[length].begin(), by_length[length].end(),
                   std::back_inserter(level), OuterFirst());
    wholes.clear();
    const uint128 last_bit = length == 0 ? 0 : uint128{1} << (128 - length);
    for (size_t i = 0; i < level.size(); ++i) {
      const bool first_half = length > 0 && !(level[i].base & last_bit);
      if (first_half && i + 1 < level.size() && level[i + 1].base == (level[i].base | last_bit) &&
          level[i + 1].value == level[i].value) {
        wholes.push_back({level[i].base, static_cast<uint8_t>(length - 1), level[i].value});
        merged = true;
        ++i;
      } else {
        out.push_back(level[i]);
      }
    }
  }
  if (!merged) return nodes;
  sort_unless_sorted(out);
  return out;
}

// A node that says what its nearest covering one says adds nothing.
void drop_repeats(std::vector<Node>& nodes) {
  std::vector<Node> kept, covering;
  kept.reserve(nodes.size());
  for (const Node& node : nodes) {
    while (!covering.empty() && !covers(covering.back(), node)) covering.pop_back();
    if (node.value == (covering.empty() ? PeerValue{} : covering.back().value)) continue;
    kept.push_back(node);
    covering.push_back(node);
  }
  nodes = std::move(kept);
}

}  // namespace

std::vector<PeerEntry> PrefixTable::compile(bool v6, uint64_t relevant) const {
  struct Noted {
    uint128 base;
    uint8_t length;
    const Note* note;
  };
  std::vector<Noted> sorted;
  sorted.reserve(notes_.size());
  for (const Note& note : notes_)
    if (note.prefix.base.v6 == v6) sorted.push_back({number(note.prefix.base), note.prefix.length, &note});
  sort_unless_sorted(sorted);

  // One node for each distinct prefix, holding what its own notes and the covering nodes say.
  std::vector<Node> nodes;
  nodes.reserve(sorted.size());
  std::vector<Node> covering;
  for (size_t i = 0; i < sorted.size();) {
    Node node{sorted[i].base, sorted[i].length, {}};
    while (!covering.empty() && !covers(covering.back(), node)) covering.pop_back();
    if (!covering.empty()) node.value = covering.back().value;
    node.value.self_test = false;
    uint64_t set = 0, clear = 0;
    for (; i < sorted.size() && sorted[i].base == node.base && sorted[i].length == node.length; ++i) {
      const Note& note = *sorted[i].note;
      set |= note.set;
      clear |= note.clear;
      if (note.site) node.value.site = *note.site;
      node.value.self_test |= note.self_test;
    }
    node.value.bits = (node.value.bits | set) & ~clear;
    nodes.push_back(node);
    covering.push_back(node);
  }

  for (Node& node : nodes)
    if (!(node.value.bits & relevant)) node.value = {0, 0, node.value.self_test};
  nodes = merge_siblings(std::move(nodes));
  drop_repeats(nodes);

  std::vector<PeerEntry> out;
  out.reserve(nodes.size());
  for (const Node& node : nodes) out.push_back({{address(node.base, v6), node.length}, node.value});
  return out;
}

PeerValue find(const std::vector<PeerEntry>& entries, const Address& address) {
  const PeerEntry* best = nullptr;
  for (const PeerEntry& entry : entries)
    if (entry.prefix.contains(address) && (!best || entry.prefix.length >= best->prefix.length))
      best = &entry;
  return best ? best->value : PeerValue{};
}

std::vector<AddressRange> ranges(const std::vector<PeerEntry>& entries, uint64_t bits) {
  struct Range {
    uint128 first, last;
  };
  struct Open {
    uint128 last;
    bool in;
  };
  std::vector<Range> found;
  std::vector<Open> open;  // entries around the place the sweep has reached, innermost last
  uint128 from = 0;
  bool swept = false;  // past the last address: `from` has wrapped
  const auto emit = [&](uint128 last) {
    if (!open.back().in || swept || last < from) return;
    if (!found.empty() && found.back().last + 1 == from)
      found.back().last = last;
    else
      found.push_back({from, last});
  };
  const auto close = [&] {
    const uint128 last = open.back().last;
    emit(last);
    from = last + 1;
    swept = from == 0;
    open.pop_back();
  };
  for (const PeerEntry& entry : entries) {
    const uint128 first = number(entry.prefix.base);
    while (!open.empty() && open.back().last < first) close();
    if (!open.empty() && first > from) emit(first - 1);
    from = first;
    open.push_back({first | ~mask(entry.prefix.length), (entry.value.bits & bits) != 0});
  }
  while (!open.empty()) close();

  std::vector<AddressRange> out;
  if (entries.empty()) return out;
  const bool v6 = entries.front().prefix.base.v6;
  for (const Range& range : found) out.push_back({address(range.first, v6), address(range.last, v6)});
  return out;
}

}  // namespace blackstart
