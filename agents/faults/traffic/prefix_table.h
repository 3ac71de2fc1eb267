// SPDX-License-Identifier: Apache-2.0
// From annotated prefixes to few longest-prefix-match entries that say the same. LPM and hash
// lookups return only the most specific entry, so each entry carries what all prefixes covering it
// say.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "agents/contract/ip.h"

namespace blackstart {

// What is known of a peer.
struct PeerValue {
  uint64_t bits = 0;
  uint16_t site = 0;
  bool self_test = false;

  bool operator==(const PeerValue&) const = default;
};

struct PeerEntry {
  Prefix prefix;
  PeerValue value;
};

class PrefixTable {
 public:
  // Everything in `prefix` has these bits, unless a more specific prefix says otherwise.
  void set(const Prefix& prefix, uint64_t bits) { note(prefix).set |= bits; }
  // ... has them not. Of the same prefix set and cleared, cleared wins.
  void clear(const Prefix& prefix, uint64_t bits) { note(prefix).clear |= bits; }
  void set_site(const Prefix& prefix, uint16_t site) { note(prefix).site = site; }
  void set_self_test(const Prefix& prefix) { note(prefix).self_test = true; }

  // Sorted by address, outer before inner. An address no entry covers has the value PeerValue{}. A
  // value without any bit of `relevant` counts as PeerValue{}.
  [[nodiscard]] std::vector<PeerEntry> compile(bool v6, uint64_t relevant) const;

 private:
  struct Note {
    Prefix prefix;
    uint64_t set = 0, clear = 0;
    std::optional<uint16_t> site;
    bool self_test = false;
  };
  Note& note(const Prefix& prefix) { return notes_.emplace_back(Note{prefix, 0, 0, std::nullopt, false}); }

  std::vector<Note> notes_;
};

// The value of an address: the most specific entry's. Linear; for tests and small tables.
PeerValue find(const std::vector<PeerEntry>& entries, const Address& address);

// An inclusive range of addresses.
struct AddressRange {
  Address first, last;
};

// The addresses whose value has any of `bits`, as disjoint ranges in ascending order.
std::vector<AddressRange> ranges(const std::vector<PeerEntry>& entries, uint64_t bits);

}  // namespace blackstart
